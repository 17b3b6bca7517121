"""What readers follow: lists, by their keys."""

from collections.abc import Iterable
from datetime import datetime
from typing import Final

from django.utils.translation import gettext as _

from broadsheet.readers.models import Follow, Reader
from broadsheet.readers.refused import Refused

MOST: Final = 200
LONGEST: Final = 300


def follow(reader: Reader, key: str, *, now: datetime) -> None:
    """Follow a list; a second time changes nothing. The caller made sure that there is such a list. Raises Refused."""
    if len(key) > LONGEST:
        raise Refused(_("That is too long to follow."))
    if not Follow.objects.filter(reader=reader, key=key).exists() and reader.follows.count() >= MOST:
        raise Refused(_("You follow %(most)d lists already.") % {"most": MOST})
    Follow.objects.get_or_create(reader=reader, key=key, defaults={"at": now})


def unfollow(reader: Reader, key: str) -> None:
    """Follow a list no more."""
    reader.follows.filter(key=key).delete()


def of(reader: Reader) -> list[str]:
    """Give the keys of the lists a reader follows, the latest followed first."""
    return list(reader.follows.order_by("-at", "-pk").values_list("key", flat=True))


def followed(reader: Reader, keys: Iterable[str]) -> set[str]:
    """Say which of these lists a reader follows."""
    return set(reader.follows.filter(key__in=list(keys)).values_list("key", flat=True))
