from django.apps import AppConfig


class ForYou(AppConfig):
    """One reader's signals in, one reader's list out."""

    name = "broadsheet.foryou"
    label = "foryou"
    verbose_name = "For you"

    def ready(self) -> None:
        """Register what this room keeps of readers, and the list it gives them."""
        from broadsheet.foryou import belongings, rank

        belongings.register()
        rank.register()
