from django.apps import AppConfig


class PapersConfig(AppConfig):
    """The record."""

    name = "broadsheet.papers"
