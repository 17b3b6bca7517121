from django.apps import AppConfig


class Digest(AppConfig):
    """Digests: what is new, chosen for one reader, by mail."""

    name = "broadsheet.digest"
    label = "digest"
    verbose_name = "Digest"

    def ready(self) -> None:
        """Register what this room keeps of readers."""
        from broadsheet.digest import belongings

        belongings.register()
