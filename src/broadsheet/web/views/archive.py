"""Sent digests to read again: one behind the link of its mail, and all of them for a reader who is signed in."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render, resolve_url
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache

from broadsheet.community import marks
from broadsheet.digest import archive, links, reasons, run, subscribing
from broadsheet.digest.archive import Issue
from broadsheet.digest.compose import span
from broadsheet.digest.links import BadLink, Signed
from broadsheet.digest.models import Digest, Subscription
from broadsheet.editions.edition import NoSuchEdition
from broadsheet.editions.lists import read_day
from broadsheet.lib.clock import now
from broadsheet.markup import maths
from broadsheet.papers.models import Paper
from broadsheet.readers.models import Reader
from broadsheet.web import cards
from broadsheet.web.acting import SeeOther, acting, reader_of, sign_in
from broadsheet.web.cards import Card
from broadsheet.web.views.errors import NotHere
from broadsheet.web.views.subscribe import useless

Place = Callable[[Digest], str]


@dataclass(frozen=True, slots=True)
class Turn:
    """Where the page leads on to: a neighbouring digest."""

    url: str
    label: str


@dataclass(frozen=True, slots=True)
class PickedCard:
    """A paper of a digest with why it was chosen, and the near-duplicates that stand with it: address and title."""

    card: Card
    why: tuple[str, ...]
    also: list[tuple[str, str]]


@never_cache
def by_link(request: HttpRequest, token: str) -> HttpResponseBase:
    """Show the digest that a link of its mail names; to its owner, where that is who is signed in, among the others."""
    try:
        signed = links.read("archive", token, now=now())
    except BadLink as bad:
        return useless(request, str(bad))
    digest = archive.of(signed.subscription).filter(pk=signed.digest).first() if signed.digest else None
    if digest is None:
        raise NotHere(_("This digest is gone."))
    owner, here = signed.subscription.reader, reader_of(request)
    if owner is not None and here is not None and owner.pk == here.pk:
        return SeeOther(_own(digest))
    # Mails are forwarded, and their links with them: where there is an account, only it leads to the other digests.
    return _page(request, digest, None if owner else _beside(signed))


def _beside(signed: Signed) -> Place:
    """Lead to other digests of a subscription for no longer than the link of the mail itself is good."""

    def place(digest: Digest) -> str:
        return _signed(signed.subscription, digest, signed.made)

    return place


def _signed(subscription: Subscription, digest: Digest, moment: datetime) -> str:
    token = links.token(subscription, "archive", digest=digest.pk, now=moment)
    return resolve_url("digest-archive", token=token)


@never_cache
@acting
def mine(request: HttpRequest, reader: Reader) -> HttpResponseBase:
    """List all digests of the reader who is signed in, the newest first."""
    subscription = subscribing.of_reader(reader)
    found = archive.of(subscription) if subscription else Digest.objects.none()
    page = Paginator(found, archive.PAGE).get_page(request.GET.get("page"))
    lines = [
        {"url": _own(digest), "label": _label(digest), "papers": papers, "digest": digest}
        for digest, papers in archive.counted(page.object_list)
    ]
    context = {"section": "me", "page": page, "lines": lines, "subscription": subscription, "mail_goes": run.is_on()}
    return _hidden(render(request, "web/digests.html", context))


@never_cache
@acting
def mine_of(request: HttpRequest, reader: Reader, day: str) -> HttpResponseBase:
    """Show the digest of the reader who is signed in whose last edition is of a day."""
    subscription = subscribing.of_reader(reader)
    digest = archive.of(subscription).filter(last=_day(day)).first() if subscription else None
    if digest is None:
        raise NotHere(_("There is no digest of yours for that day."))
    return _page(request, digest, _own)


def _day(text: str) -> date:
    try:
        return read_day(text)
    except NoSuchEdition as wrong:
        raise NotHere(str(wrong)) from None


def _own(digest: Digest) -> str:
    return resolve_url("my-digests-of", day=digest.last.isoformat())


def _label(digest: Digest) -> str:
    return span(digest.first, digest.last)


def _page(request: HttpRequest, digest: Digest, place: Place | None) -> HttpResponse:
    issue = archive.issue(digest)
    picked = _cards(request, issue)
    context = {
        "section": "me",
        "heading": _label(digest),
        "digest": digest,
        "picked": picked,
        "standing": reasons.standing(len(picked), digest.ranker, digest.picks),
        "gone": issue.gone,
        "earlier": _turn(issue.earlier, place),
        "later": _turn(issue.later, place),
        "mine": place is _own,
        "lacks_sign_in": place is None,
        "here": request.get_full_path(),
        "sign_in": sign_in(request.get_full_path()),
    }
    return _hidden(render(request, "web/digest.html", context))


def _hidden(response: HttpResponse) -> HttpResponse:
    response["X-Robots-Tag"] = "noindex"
    return response


def _turn(digest: Digest | None, place: Place | None) -> Turn | None:
    return Turn(place(digest), _label(digest)) if digest and place else None


def _cards(request: HttpRequest, issue: Issue) -> list[PickedCard]:
    papers = [one.paper for one in issue.picked]
    given = marks.of_papers([paper.id for paper in papers], reader_of(request))
    made = cards.of_papers(papers, given)
    return [
        PickedCard(card, one.why, [_named(paper) for paper in one.also])
        for card, one in zip(made, issue.picked, strict=True)
    ]


def _named(paper: Paper) -> tuple[str, str]:
    return resolve_url("paper", key=paper.key), maths.as_text(paper.title)
