from django.apps import AppConfig


class Digest(AppConfig):
    """Digests: what is new, chosen for one reader, by mail."""

    name = "broadsheet.digest"
    label = "digest"
    verbose_name = "Digest"

    def ready(self) -> None:
        """Register what this room keeps of readers, and give them their digests as a list."""
        from broadsheet.digest import as_list, belongings

        belongings.register()
        as_list.register()
