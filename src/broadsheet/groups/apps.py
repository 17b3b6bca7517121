from django.apps import AppConfig


class Groups(AppConfig):
    """Labs and reading groups: a shared list to read, a shared profile."""

    name = "broadsheet.groups"
    label = "groups"
    verbose_name = "Groups"

    def ready(self) -> None:
        """Register what this room keeps of readers, and the lists it gives."""
        from broadsheet.groups import belongings, shelf

        belongings.register()
        shelf.provide()
