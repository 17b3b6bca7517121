from django.apps import AppConfig


class Digest(AppConfig):
    """Digests: what is new, chosen for one reader, by mail."""

    name = "broadsheet.digest"
    label = "digest"
    verbose_name = "Digest"
