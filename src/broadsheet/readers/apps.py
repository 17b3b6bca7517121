from django.apps import AppConfig


class Readers(AppConfig):
    """People and what belongs to them."""

    name = "broadsheet.readers"
    label = "readers"
    verbose_name = "Readers"

    def ready(self) -> None:
        """Register what this room keeps of readers, and follow accounts at ORCID."""
        from allauth.socialaccount.models import SocialAccount
        from django.db.models.signals import post_delete, post_save

        from broadsheet.readers import orcid, parts

        parts.register()
        post_save.connect(orcid.note, sender=SocialAccount)
        post_delete.connect(orcid.forget, sender=SocialAccount)
