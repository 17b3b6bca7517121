"""What readers follow: lists, by their keys, each with a name, whether it comes with digests, and whether it alerts."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.utils.translation import gettext as _

from broadsheet.papers.models import Change
from broadsheet.readers.models import Follow, Reader
from broadsheet.readers.refused import Refused

MOST: Final = 200
LONGEST: Final = 300
LONGEST_NAME: Final = 80
# Its places change with every vote: nothing in it is new at one moment.
NO_ALERT: Final = ("trending",)


@dataclass(frozen=True, slots=True)
class Switches:
    """What a reader wants of a list they follow; None leaves it as it is. name: "" for the list's own."""

    name: str | None = None
    in_digest: bool | None = None
    alert: bool | None = None


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
    return [row.key for row in rows(reader)]


def rows(reader: Reader) -> list[Follow]:
    """Give the lists a reader follows with what they want of each, the latest followed first."""
    return list(reader.follows.order_by("-at", "-pk"))


def in_digest(reader: Reader) -> list[str]:
    """Give the keys of the lists whose papers are to come with digests, the latest followed first."""
    return [row.key for row in rows(reader) if row.in_digest]


def followed(reader: Reader, keys: Iterable[str]) -> set[str]:
    """Say which of these lists a reader follows."""
    return set(reader.follows.filter(key__in=list(keys)).values_list("key", flat=True))


def switch(reader: Reader, key: str, wanted: Switches) -> None:
    """Change what a reader wants of a list. Raises Refused where they do not follow it, or it cannot alert.

    Alerts begin with what comes from now on.
    """
    row = reader.follows.filter(key=key).first()
    if row is None:
        raise Refused(_("You do not follow that list."))
    told: dict[str, object] = {}
    if wanted.name is not None:
        told["name"] = _name(wanted.name)
    if wanted.in_digest is not None:
        told["in_digest"] = wanted.in_digest
    if wanted.alert is not None:
        told["alert"] = wanted.alert
        if wanted.alert and not can_alert(key):
            raise Refused(_("That list changes with every vote, so nothing in it is new at one moment."))
        if wanted.alert and not row.alert:
            told["change"] = latest_change()
    if told:
        reader.follows.filter(key=key).update(**told)


def name_once(reader: Reader, key: str, name: str) -> None:
    """Name a list that a reader follows, where they gave it no name yet."""
    reader.follows.filter(key=key, name="").update(name=_name(name))


def _name(written: str) -> str:
    return " ".join(written.split())[:LONGEST_NAME]


def can_alert(key: str) -> bool:
    """Whether one can be told at once of what is new in a list: it grows, and does not only change its order."""
    kind, _slash, value = key.partition("/")
    return kind not in NO_ALERT and not (kind == "edition" and value)


def latest_change() -> int:
    """Give the number of the newest change of the record."""
    return Change.objects.order_by("-seq").values_list("seq", flat=True).first() or 0


def mark_seen(reader: Reader, *, now: datetime, key: str = "") -> None:
    """Note that the reader looked at what is new: in one list, or in all."""
    wanted = reader.follows.filter(key=key) if key else reader.follows.all()
    wanted.update(seen=now)
