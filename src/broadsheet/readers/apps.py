from django.apps import AppConfig


class Readers(AppConfig):
    name = "broadsheet.readers"
    label = "readers"
    verbose_name = "Readers"
