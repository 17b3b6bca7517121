"""What this room keeps of a reader: signals, knobs, and all that was learned from them."""

from typing import Final

from django.db.models import Model

from broadsheet.foryou.models import List, Opened, Opinion, Profile, Seed, Shown, Taste, Tuned, Wish
from broadsheet.readers import belongings
from broadsheet.readers.models import Reader
from broadsheet.readers.parts import row

GIVEN: Final[tuple[type[Model], ...]] = (Seed, Opinion, Opened, Wish, Tuned, Taste, Shown, List)
KEPT: Final[tuple[type[Model], ...]] = (*GIVEN, Profile)


def register() -> None:
    """Register the part."""
    belongings.register(belongings.Part("for_you", _export, _erase))


def _export(reader: Reader) -> object:
    # The profile is left out: it is bytes that follow from the rest.
    return {
        model.__name__.lower(): [_row(each) for each in model._default_manager.filter(reader=reader).order_by("pk")]
        for model in GIVEN
    }


def _row(instance: Model) -> dict[str, object]:
    paper = getattr(instance, "paper", None)
    return row(instance, paper=paper.key) if paper else row(instance)


def _erase(reader: Reader) -> None:
    for model in KEPT:
        model._default_manager.filter(reader=reader).delete()
