from django.apps import AppConfig


class Delivery(AppConfig):
    """Lists sent to where people are: web hooks and chats."""

    name = "broadsheet.delivery"
    label = "delivery"
    verbose_name = "Delivery"

    def ready(self) -> None:
        """Register what this room keeps of readers."""
        from broadsheet.delivery import belongings

        belongings.register()
