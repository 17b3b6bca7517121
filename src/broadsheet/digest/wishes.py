"""What somebody wants of digests: which lists, how often, when, how long, and how they look."""

from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from datetime import date, timedelta
from functools import cache
from typing import Final
from zoneinfo import available_timezones

from django.utils.translation import gettext as _

from broadsheet.digest.models import RHYTHMS, Subscription
from broadsheet.editions import named
from broadsheet.editions.named import NoSuchList
from broadsheet.readers.refused import Refused

MOST_LISTS: Final = 30
MOST_PAPERS: Final = 50
FORMS: Final = ("html", "text")
# What stands beside the keys of `editions.named`, for those with an account.
OWN: Final = ("follows", "foryou")
LONGEST_PAUSE: Final = timedelta(days=366)
LONGEST_LANGUAGE: Final = 10


@dataclass(frozen=True, slots=True)
class Wish:
    """The columns of a subscription that its owner chooses; `models.Subscription` says what they mean."""

    lists: tuple[str, ...] = ("trending",)
    rhythm: str = "daily"
    least: int = 1
    weekday: int = 0
    hour: int = 7
    time_zone: str = "UTC"
    length: int = 10
    form: str = "html"
    language: str = ""
    paused_until: date | None = None


def of(subscription: Subscription) -> Wish:
    """Give what a subscription wants."""
    told = {field.name: getattr(subscription, field.name) for field in fields(Wish)}
    return Wish(**told | {"lists": tuple(subscription.lists)})


def put(subscription: Subscription, wish: Wish) -> None:
    """Let a subscription want this, without saving it."""
    for field in fields(Wish):
        setattr(subscription, field.name, getattr(wish, field.name))
    subscription.lists = list(wish.lists)


def checked(wish: Wish, *, has_account: bool, today: date, kept: Iterable[str] = ()) -> Wish:
    """Give a wish that can be had, its lists by their proper keys, each once. Raises Refused.

    kept: lists that were wished before, which stay even where they are gone by now. A pause that is over is none.
    """
    known, kept = set(available()), set(kept)
    lists = tuple(dict.fromkeys(key if key in kept else _key(key, has_account) for key in wish.lists))
    if not 1 <= len(lists) <= MOST_LISTS:
        raise Refused(_("Choose at least one list, and at most %(most)d.") % {"most": MOST_LISTS})
    if wish.rhythm not in RHYTHMS or wish.form not in FORMS or len(wish.language) > LONGEST_LANGUAGE:
        raise Refused(_("Choose how often it comes and how it looks."))
    if wish.time_zone not in known:
        raise Refused(_("Choose your time zone."))
    if not (0 <= wish.weekday <= 6 and 0 <= wish.hour <= 23):
        raise Refused(_("Choose a day of the week and an hour."))
    if not (1 <= wish.length <= MOST_PAPERS and 1 <= wish.least <= MOST_PAPERS):
        raise Refused(_("A digest holds 1 to %(most)d papers.") % {"most": MOST_PAPERS})
    if wish.paused_until and wish.paused_until > today + LONGEST_PAUSE:
        raise Refused(_("A pause lasts a year at most. To end it for good, stop it."))
    over = wish.paused_until is not None and wish.paused_until <= today
    return replace(wish, lists=lists, paused_until=None if over else wish.paused_until)


@cache
def available() -> frozenset[str]:
    """Give the names of all time zones that this machine knows."""
    return frozenset(available_timezones())


def _key(key: str, has_account: bool) -> str:
    if key in OWN:
        if has_account:
            return key
        raise Refused(_("What you follow and what is chosen for you need an account."))
    try:
        found = named.head(key)
    except NoSuchList as missing:
        raise Refused(f"{key[:60]}: {missing}") from missing
    if found.key.startswith("edition/"):
        raise Refused(_("A single edition brings nothing new; the list of all is called edition."))
    return found.key
