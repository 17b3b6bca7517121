from django.apps import AppConfig


class EditionsConfig(AppConfig):
    """Dated and hot lists."""

    name = "broadsheet.editions"
