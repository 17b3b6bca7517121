from django.apps import AppConfig


class Community(AppConfig):
    """What readers do together."""

    name = "broadsheet.community"
    label = "community"
    verbose_name = "Community"

    def ready(self) -> None:
        """Register what this room keeps of readers."""
        from broadsheet.community import belongings

        belongings.register()
