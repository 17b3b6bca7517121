"""Mails made of digests: subject, HTML and plain text, from what was chosen and from nothing else.

Nothing here asks the database, and the same digest gives the same mail: what a paper looks like comes from `Galleys`,
shared by a run, and what is signed for one reader from `links`.
"""

import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from email.utils import parseaddr
from typing import Any, Final, Protocol

from django.conf import settings
from django.urls import reverse
from django.utils import translation
from django.utils.formats import date_format
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from broadsheet.digest.galleys import COLUMNS, Galley, Galleys, Story
from broadsheet.digest.models import Digest, Subscription
from broadsheet.digest.readable import cut, visible, without_emoji, without_surrogates, wrapped
from broadsheet.digest.reasons import standing
from broadsheet.digest.typeset import render, typeset
from broadsheet.export.address import absolute
from broadsheet.papers.models import Paper

# Gmail shows no more than the first 102,400 bytes of a mail. AROUND: what stands around the papers takes at most.
MOST_BYTES: Final = 98_000
AROUND: Final = 14_000
# Characters of each abstract, tried in this order until the mail fits.
ABSTRACTS: Final = (500, 300, 160, 0)
LONGEST_SUBJECT: Final = 110
LISTS_NAMED: Final = 6


class Links(Protocol):
    """Makes signed links: `links.link`, or a stand-in for a preview."""

    def __call__(
        self,
        subscription: Subscription,
        purpose: str,
        *,
        paper: int | None = None,
        digest: int | None = None,
        now: datetime,
    ) -> str:
        """Give the address of a page that acts for a subscription. paper, digest: their numbers."""


@dataclass(frozen=True, slots=True)
class Composed:
    """A mail's subject, one line, and its two parts; `html` is "" for those who asked for plain text."""

    subject: str
    html: str
    text: str


@dataclass(frozen=True, slots=True)
class _Place:
    """A paper's place in one reader's digest: as it was picked, and what fills its slots, plain and escaped."""

    paper: Paper
    story: Story
    why: Sequence[Any]
    also: Sequence[Paper]
    slots: Mapping[str, str]
    escaped: Mapping[str, str]

    @property
    def size(self) -> int:
        """How many bytes go into its slots in the HTML."""
        return sum(map(len, self.escaped.values()))


def compose(
    digest: Digest,
    subscription: Subscription,
    papers: Mapping[int, Paper],
    *,
    links: Links,
    now: datetime,
    galleys: Galleys | None = None,
) -> Composed:
    """Make the mail of a digest.

    papers: by number, at least those of the picks and of their near-duplicates; a paper that is not there, or that
    lists do not show any more, is left out. galleys: shared by the mails of a run.
    """
    galleys = galleys or Galleys()
    with translation.override(subscription.language or settings.LANGUAGE_CODE):
        places = _places(digest, subscription, papers, links, now, galleys)
        values = _values(digest, subscription, places, links, now)
        set_up, left_out = _fitting(places, galleys)
        if left_out:
            says = ngettext("%(count)d more paper is there.", "%(count)d more papers are there.", left_out)
            values["left_out"] = says % {"count": left_out}
        page = "" if subscription.form == "text" else _html(set_up, places, values)
        return Composed(str(values["subject"]), page, _text(set_up, places, values))


def subject(title: str, others: int) -> str:
    """Make a subject of the best paper's title and how many others there are: one line, without pictures."""
    more = ngettext("and %(count)d more", "and %(count)d more", others) % {"count": others} if others else ""
    room = LONGEST_SUBJECT - len(more) - 2
    head = cut(without_emoji(visible(without_surrogates(title))), room) or _("Papers for you")
    return f"{head}, {more}" if more else head


def _places(
    digest: Digest,
    subscription: Subscription,
    papers: Mapping[int, Paper],
    links: Links,
    now: datetime,
    galleys: Galleys,
) -> list[_Place]:
    places: list[_Place] = []
    for pick in digest.picks:
        paper = papers.get(pick["id"])
        if paper is None or not paper.is_shown:
            continue
        acts = {name: links(subscription, name, paper=paper.pk, now=now) for name in ("vote", "save", "less")}
        also = galleys.shown(papers, pick["also"]) if pick.get("also") else []
        slots = {"number": str(len(places) + 1), **acts}
        escaped = {name: html.escape(value) for name, value in slots.items()}
        places.append(_Place(paper, galleys.story(paper), pick.get("why", ()), also, slots, escaped))
    return places


def _fitting(places: Sequence[_Place], galleys: Galleys) -> tuple[list[Galley], int]:
    """Set the papers so that the mail stays small: shorter abstracts first, then fewer papers.

    Gives the papers as they are set, and how many were left out.
    """
    room = MOST_BYTES - AROUND
    links = sum(place.size for place in places)
    for longest in ABSTRACTS:
        found = [galleys.set(place.paper, place.why, place.also, longest) for place in places]
        if sum(galley.size for galley in found) + links <= room:
            return found, 0
    kept = 0
    for place, galley in zip(places, found, strict=True):
        room -= galley.size + place.size
        if room < 0:
            break
        kept += 1
    return found[:kept], len(found) - kept


def _values(
    digest: Digest, subscription: Subscription, places: Sequence[_Place], links: Links, now: datetime
) -> dict[str, Any]:
    titles = [place.story.title for place in places]
    return _frame() | {
        "subject": subject(titles[0] if titles else "", max(len(titles) - 1, 0)),
        "preheader": cut(" · ".join(titles[1:4]) or (places[0].story.abstract if places else ""), 140),
        "heading": span(digest.first, digest.last),
        "standing": f"{standing(len(places), digest.ranker, digest.picks)}.",
        "note": _note(digest, places),
        "left_out": "",
        "because": because(subscription),
        "archive": links(subscription, "archive", digest=digest.pk, now=now),
        "preferences": links(subscription, "preferences", now=now),
        "unsubscribe": links(subscription, "unsubscribe", now=now),
    }


def _frame() -> dict[str, Any]:
    """What a mail says of the site."""
    address = parseaddr(settings.CONFIG.values.get("digest_from") or settings.DEFAULT_FROM_EMAIL)[1]
    return {
        "site": _site(),
        "home": absolute(reverse("latest")),
        "from_us": _("Sent by %(site)s. Answers to %(address)s reach the people who run it.")
        % {"site": _site(), "address": visible(address)},
    }


def _site() -> str:
    return cut(visible(without_surrogates(settings.CONFIG.site_name)), 60)


def _note(digest: Digest, places: Sequence[_Place]) -> str:
    if not places:
        return _("What was chosen for you has been taken off the lists since.")
    if digest.partial:
        return _("This edition is not complete yet: papers that come later stand in your next digest.")
    return ""


def span(first: date, last: date) -> str:
    """Say which days a digest is of: "Monday, 27 May 2024", or "25 to 27 May 2024"."""
    if first == last:
        return date_format(last, _("l, j F Y"))
    pattern = _("j") if (first.year, first.month) == (last.year, last.month) else _("j F")
    pattern = pattern if first.year == last.year else _("j F Y")
    return _("%(first)s to %(last)s") % {
        "first": date_format(first, pattern),
        "last": date_format(last, _("j F Y")),
    }


def because(subscription: Subscription) -> str:
    """Say why somebody gets this mail: whose wish it was, how often and from which lists."""
    return _("You get this because %(address)s asked for it: %(rhythm)s, from %(lists)s.") % {
        "address": visible(subscription.address),
        "rhythm": rhythm(subscription),
        "lists": _lists(subscription.lists),
    }


def rhythm(subscription: Subscription) -> str:
    """Say how often a subscription gets digests."""
    hour = _("from %(hour)02d:00 on in %(zone)s") % {
        "hour": subscription.hour,
        "zone": visible(subscription.time_zone).replace("_", " "),
    }
    says = {"weekly": _("once a week"), "monthly": _("once a month"), "daily": _("on days with new papers")}
    if subscription.rhythm == "when":
        least = subscription.least
        often = ngettext("as soon as %(least)d paper matches", "as soon as %(least)d papers match", least) % {
            "least": least
        }
    else:
        often = says.get(subscription.rhythm, subscription.rhythm)
    return f"{often}, {hour}"


def _lists(keys: Sequence[str]) -> str:
    names = [list_name(key) for key in keys[:LISTS_NAMED]] or [_("the trending papers")]
    more = len(keys) - LISTS_NAMED
    if more > 0:
        names.append(ngettext("%(more)d more list", "%(more)d more lists", more) % {"more": more})
    return ", ".join(names)


def list_name(key: str) -> str:
    """Name a list in a few words, by its key alone."""
    known = {
        "trending": _("the trending papers"),
        "edition": _("every edition"),
        "follows": _("what you follow"),
        "foryou": _("what is chosen for you"),
        "library": _("your library"),
    }
    kind, _slash, value = str(key).partition("/")
    if kind == "similar":
        return _("papers like %(paper)s") % {"paper": cut(visible(value), 60)}
    return known.get(key) or cut(visible(without_surrogates(value or kind)), 60)


def _html(set_up: Sequence[Galley], places: Sequence[_Place], values: Mapping[str, Any]) -> str:
    stories = "".join(galley.html % place.escaped for galley, place in zip(set_up, places, strict=False))
    return render(typeset("digest").whole, {**values, "stories": SafeString(stories)})


def _text(set_up: Sequence[Galley], places: Sequence[_Place], values: Mapping[str, Any]) -> str:
    rule = "-" * COLUMNS
    stories = [
        galley.text % {**place.slots, "number": f"{place.slots['number']:>2}. "}
        for galley, place in zip(set_up, places, strict=False)
    ]
    intro = [values["standing"], *(wrapped(values[part], COLUMNS) for part in ("note",) if values[part])]
    more = [values["left_out"]] if values["left_out"] else []
    last = "\n".join([*more, f"{_('Read this digest in the browser')}:", values["archive"]])
    return "\n\n".join([_head(values), *intro, *stories, rule, last, _foot(values)]) + "\n"


def _head(values: Mapping[str, Any]) -> str:
    return "\n".join([*(wrapped(values[name], COLUMNS) for name in ("site", "heading")), "=" * COLUMNS])


def _foot(values: Mapping[str, Any]) -> str:
    acts = [(_("Change what you get, and when"), "preferences"), (_("Unsubscribe"), "unsubscribe")]
    return "\n\n".join(
        [
            wrapped(values["because"], COLUMNS),
            *(f"{label}:\n{values[name]}" for label, name in acts),
            wrapped(values["from_us"], COLUMNS),
        ]
    )
