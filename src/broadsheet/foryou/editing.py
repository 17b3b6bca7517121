"""What a reader changes in the profile by hand. Every change is a row that can be taken back; nothing is lost."""

import json
from collections.abc import Iterable
from dataclasses import asdict
from datetime import datetime
from typing import Final

from django.db import transaction
from django.db.models import Model
from django.utils.translation import gettext as _

from broadsheet.community.given import line
from broadsheet.community.models import Vote
from broadsheet.foryou import profiles
from broadsheet.foryou.models import List, Opened, Opinion, Profile, Seed, Shown, Tuned, Wish
from broadsheet.foryou.portrait import FORM, Portrait, interest_of, portrait
from broadsheet.foryou.signals import LONGEST_NAME, MOST_TUNED, tune
from broadsheet.papers.store import LOOKUP
from broadsheet.readers.models import Reader, Saved
from broadsheet.readers.refused import Refused

WEIGHTS: Final = (0.25, 0.5, 1.0, 2.0, 3.0)
# An edit of an interest is anchored to so many of its papers, so that it outlasts one that is taken back.
ANCHORS: Final = 3
TOLD: Final[tuple[type[Model], ...]] = (Seed, Opinion, Opened, Wish, Tuned)
LEARNED: Final[tuple[type[Model], ...]] = (Profile, List, Shown)


def name_interest(reader: Reader, number: int, name: str, now: datetime) -> None:
    """Call the interest that holds an example so; "" for its words again. Raises Refused."""
    _change(reader, number, now, name=line(name, LONGEST_NAME))


def weigh_interest(reader: Reader, number: int, weight: float, now: datetime) -> None:
    """Let the interest that holds an example count more or less, one of WEIGHTS. Raises Refused."""
    if weight not in WEIGHTS:
        raise Refused(_("An interest counts a quarter, half, once, twice or three times."))
    _change(reader, number, now, weight=weight)


def _change(
    reader: Reader, number: int, now: datetime, *, weight: float | None = None, name: str | None = None
) -> None:
    members = _members(reader, number)
    with transaction.atomic():
        edits = Tuned.objects.filter(reader=reader, kind="interest", value__in=[str(one) for one in members])
        last = edits.order_by("at", "pk").last()
        weight = weight if weight is not None else last.weight if last else 1.0
        name = name if name is not None else last.name if last else ""
        edits.delete()
        anchors = [number, *(one for one in members if one != number)][:ANCHORS]
        for anchor in anchors:
            tune(reader, "interest", str(anchor), weight, name, now)


def tune_interest(reader: Reader, anchor: str, weight: float, name: str, now: datetime) -> None:
    """Do all of it at once, as programs ask: a name, a weight of any size; 0 deletes the interest. Raises Refused."""
    number = int(anchor) if anchor.removeprefix("-").isdecimal() and len(anchor) < 19 else 0
    if weight == 0:
        delete_interest(reader, number, name, now)
    else:
        _change(reader, number, now, weight=weight, name=line(name, LONGEST_NAME))


def delete_interest(reader: Reader, number: int, name: str, now: datetime) -> int:
    """Let no example of an interest count any longer; give how many there were. `undo` brings all back.

    name: what the interest is called, by which it is brought back. Raises Refused.
    """
    members = _members(reader, number)
    _silence(reader, members, line(name, LONGEST_NAME) or _("An interest"), now)
    return len(members)


def _members(reader: Reader, number: int) -> tuple[int, ...]:
    found = profiles.trained(reader)
    members = interest_of(found, number) if found else ()
    if not members:
        raise Refused(_("That interest is not there any more. The page shows those there are now."))
    return members


def _silence(reader: Reader, numbers: Iterable[int], name: str, now: datetime) -> None:
    rows = [Tuned(reader=reader, kind="paper", value=str(number), weight=0.0, name=name, at=now) for number in numbers]
    if Tuned.objects.filter(reader=reader).count() + len(rows) > MOST_TUNED:
        says = _("There are %(most)s of these already; please remove some first.")
        raise Refused(says % {"most": f"{MOST_TUNED:,}"})
    one, changed = ["reader", "kind", "value"], ["weight", "name", "at"]
    Tuned.objects.bulk_create(rows, update_conflicts=True, unique_fields=one, update_fields=changed, batch_size=100)


def not_this(reader: Reader, number: int, now: datetime) -> None:
    """Learn nothing from an example any longer. Raises Refused."""
    tune(reader, "paper", str(number), 0, "", now)


def not_word(reader: Reader, term: str, now: datetime) -> None:
    """Let a word pull no paper up or down. Raises Refused."""
    tune(reader, "word", term, 0, "", now)


def undo(reader: Reader, kind: str, value: str, now: datetime) -> None:
    """Take back what was changed of a paper or a word. Raises Refused."""
    tune(reader, kind, value, 1, "", now)


def undo_together(reader: Reader, name: str, at: datetime) -> None:
    """Let all papers count again that were taken out together: an interest that was deleted comes back."""
    Tuned.objects.filter(reader=reader, kind="paper", weight=0, name=name, at=at).delete()


def forget_seeds(reader: Reader, origin: str) -> None:
    """Learn no longer from papers that were named, those of one origin."""
    Seed.objects.filter(reader=reader, origin=origin).delete()


def start_over(reader: Reader, now: datetime, *, keep_votes: bool) -> None:
    """Erase all that was learned, and all that was told for it; votes, saves, follows and knobs stay.

    keep_votes: False and votes and saves do not count any longer, which can be undone like any other edit.
    """
    with transaction.atomic():
        for model in (*TOLD, *LEARNED):
            model._default_manager.filter(reader=reader).delete()
        if not keep_votes:
            _silence(reader, _given(reader), _("Votes and saves of before"), now)


def _given(reader: Reader) -> list[int]:
    votes = Vote.objects.filter(reader=reader).order_by("-cast", "-pk").values_list("paper_id", flat=True)
    saves = Saved.objects.filter(reader=reader).order_by("-at", "-pk").values_list("paper_id", flat=True)
    # Only the newest count at all, so the newest are enough.
    return list(dict.fromkeys([*votes[:LOOKUP], *saves[:LOOKUP]]))


def as_json(told: Portrait) -> dict[str, object]:
    """Give a portrait as plain JSON values; docs/profile.md tells the fields."""
    plain: dict[str, object] = json.loads(json.dumps(asdict(told), default=lambda moment: moment.isoformat()))
    return {"form": FORM, **plain}


def export(reader: Reader) -> bytes:
    """Give a reader's profile as a file of JSON."""
    return (json.dumps(as_json(portrait(reader)), ensure_ascii=False, indent=2) + "\n").encode()
