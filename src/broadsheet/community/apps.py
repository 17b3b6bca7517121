from django.apps import AppConfig


class Community(AppConfig):
    name = "broadsheet.community"
    label = "community"
    verbose_name = "Community"
