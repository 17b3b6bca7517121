"""What a reader follows: the lists, what is new in them, and the secret addresses of the reader's own feeds."""

from typing import Final

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import render, resolve_url
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache

from broadsheet.community import marks
from broadsheet.editions import named
from broadsheet.editions.named import NamedList, NoSuchList
from broadsheet.export import address
from broadsheet.lib.clock import now
from broadsheet.readers import follows, tokens
from broadsheet.readers.models import Reader, Token
from broadsheet.readers.refused import Refused
from broadsheet.web import cards, following
from broadsheet.web.acting import SeeOther, acting, next_of, typed, wants_json, whole
from broadsheet.web.limits import limited
from broadsheet.web.views.errors import NotHere
from broadsheet.web.views.vote import wished

SHOWN: Final = 20
SHOWN_ONCE: Final = "feed_secret"
FEED: Final = "feed"
KINDS: Final = {
    "category": gettext_lazy("Category"),
    "author": gettext_lazy("Author"),
    "tag": gettext_lazy("Tag"),
    "organisation": gettext_lazy("Organisation"),
    "search": gettext_lazy("Search"),
}
OTHERS: Final = {"edition": gettext_lazy("Editions"), "trending": gettext_lazy("Trending")}


@never_cache
@acting
def show(request: HttpRequest, reader: Reader) -> HttpResponseBase:
    """Show what the reader follows, the newest papers of it, and the addresses of the reader's own feeds."""
    return _page(request, reader, secret=request.session.pop(SHOWN_ONCE, ""))


@limited("follow")
@acting
def follow(request: HttpRequest, reader: Reader, key: str) -> HttpResponseBase:
    """Follow a list, where `on` is 1; follow it no more, where it is 0."""
    on = wished(request)
    if on:
        follows.follow(reader, following.of_key(key).key, now=now())
    else:
        follows.unfollow(reader, key)
    return JsonResponse({"on": on}) if wants_json(request) else SeeOther(next_of(request, resolve_url("follows")))


@limited("follow")
@acting
def add(request: HttpRequest, reader: Reader) -> HttpResponseBase:
    """Follow the list that a form names."""
    kind, value = typed(request, "kind", 20), " ".join(typed(request, "value", 1000).split())
    # A whole key, as it stands in the address of a feed, is as good as its parts.
    key = value if value.partition("/")[0] in named.KINDS else f"{kind}/{value}"
    try:
        found = following.of_key(key)
        follows.follow(reader, found.key, now=now())
    except (NotHere, Refused) as problem:
        return _page(request, reader, given={"kind": kind, "value": value}, says=str(problem), status=400)
    messages.success(request, _("You follow “%(list)s” now.") % {"list": following.title(found)})
    return SeeOther(resolve_url("follows"))


@limited("follow")
@acting
def addresses(request: HttpRequest, reader: Reader) -> HttpResponseBase:
    """Make a secret address for the reader's own feeds, replace one by another, or end one."""
    does, number = request.POST.get("do", ""), whole(request.POST.get("number", ""))
    if does not in ("make", "replace", "revoke"):
        raise Refused(_("That request could not be understood: it does not say what to do."))
    if does != "make" and number is not None and _feed_tokens(reader, number):
        tokens.revoke(reader, number)
    if does != "revoke":
        _token, secret = tokens.make(reader, _("My feeds"), [FEED], days=None, now=now())
        request.session[SHOWN_ONCE] = secret
    return SeeOther(resolve_url("follows") + "#addresses")


def _feed_tokens(reader: Reader, number: int | None = None) -> list[Token]:
    """Give the reader's tokens that open feeds and nothing else: those that can do more are for another page."""
    return [token for token in tokens.of(reader) if token.scopes == [FEED] and number in (None, token.pk)]


def _page(
    request: HttpRequest,
    reader: Reader,
    *,
    secret: str = "",
    given: dict[str, str] | None = None,
    says: str = "",
    status: int = 200,
) -> HttpResponse:
    papers = [entry.paper for entry in named.followed(reader, limit=SHOWN)]
    context = {
        "section": "follows",
        "followed": [_line(key) for key in follows.of(reader)],
        "kinds": KINDS,
        "given": given or {"kind": "category", "value": ""},
        "says": says,
        "cards": cards.of_papers(papers, marks.of_papers([paper.id for paper in papers], reader)),
        "addresses": _feed_tokens(reader),
        "secret_feeds": _secret_feeds(request, secret) if secret else [],
        "here": resolve_url("follows"),
    }
    return render(request, "web/follows.html", context, status=status)


def _line(key: str) -> dict[str, object]:
    try:
        found: NamedList | None = named.head(key)
    except NoSuchList:
        found = None
    kind = key.partition("/")[0]
    title = following.title(found) if found else key
    return {
        "key": key,
        "kind": {**KINDS, **OTHERS}.get(kind, ""),
        "title": title.partition(": ")[2] if kind == "search" and found else title,
        "path": found.path if found else "",
        "feeds": following.feed_links(key) if found else [],
    }


def _secret_feeds(request: HttpRequest, secret: str) -> list[tuple[str, str]]:
    names = (("digest", _("My digest: what is new for me")), ("library", _("My library")))
    return [
        (name, address.absolute(resolve_url("own-feed", address=f"{secret}/{key}.atom"), request))
        for key, name in names
    ]
