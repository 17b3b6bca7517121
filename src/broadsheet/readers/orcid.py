"""A reader's ORCID iD, taken from nowhere but an account at ORCID that the reader signed in with."""

import re
from typing import Any, Final

from allauth.socialaccount.models import SocialAccount

from broadsheet.readers.models import Reader

IDENTIFIER: Final = re.compile(r"\d{4}-\d{4}-\d{4}-\d{3}[\dX]")


def note(instance: SocialAccount, **signal: Any) -> None:  # noqa: ANN401 - Django passes what it likes
    """After an account at ORCID was connected: it is the reader's proved iD now."""
    if instance.provider == "orcid" and IDENTIFIER.fullmatch(instance.uid):
        Reader.objects.filter(pk=instance.user_id).update(orcid=instance.uid)


def forget(instance: SocialAccount, **signal: Any) -> None:  # noqa: ANN401 - Django passes what it likes
    """After it was disconnected: the reader has no proved iD any more."""
    if instance.provider == "orcid":
        Reader.objects.filter(pk=instance.user_id, orcid=instance.uid).update(orcid="")
