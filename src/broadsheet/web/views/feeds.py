"""Feeds: of every list, of a reader's own by a secret address, and the outlines that name many at once."""

import re
from collections.abc import Mapping
from hashlib import sha256
from itertools import groupby
from types import MappingProxyType
from typing import Final
from urllib.parse import urlencode

from django.core.cache import caches
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseNotAllowed
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.cache import get_conditional_response
from django.utils.http import http_date
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from broadsheet.editions import named
from broadsheet.editions.named import MOST, MOST_SKIPPED, NamedList, NoSuchList
from broadsheet.export.address import absolute
from broadsheet.export.feeds import FORMATS, Feed, feed_of
from broadsheet.export.opml import TYPE, Outline, opml
from broadsheet.lib.clock import now
from broadsheet.readers import follows, tokens
from broadsheet.readers.models import Reader, Token
from broadsheet.readers.network import client_address
from broadsheet.web import limits
from broadsheet.web.acting import acting
from broadsheet.web.following import Offer, offers, title
from broadsheet.web.views.errors import NotHere, bad_request

USUAL: Final = 50
MAX_AGE: Final = 600
# How long a process remembers since when a feed is as it is.
REMEMBERED: Final = 7 * 86_400
_OWN: Final = re.compile(r"(?P<secret>[^/]+)/(?P<key>[a-z-]+(?:/[a-z0-9_-]+)?)\.(?P<form>atom|rss|json)")


def show(request: HttpRequest) -> HttpResponse:
    """Explain feeds, and list those of this site."""
    groups = [(name, list(found)) for name, found in groupby(offers(), key=lambda offer: offer.group)]
    return render(request, "web/feeds.html", {"section": "feeds", "groups": groups, "list_key": "edition"})


def newest(request: HttpRequest, form: str) -> HttpResponse:
    """Go to the feed of the newest editions."""
    return redirect("feed", key="edition", form=form)


def one(request: HttpRequest, key: str, form: str) -> HttpResponseBase:
    """Give the newest papers of a list as a feed; of a search also by `q`."""
    if wait := limits.count("feed", f"address:{client_address(request)}", now().timestamp()):
        return limits.too_many(request, wait)
    if key == "search":
        key = f"search/{request.GET.get('q', '')}"
    limit, page = _whole(request, "limit", USUAL, MOST), _whole(request, "page", 1, MOST_SKIPPED)
    if not limit or not page or (page - 1) * limit > MOST_SKIPPED:
        says = _("Ask for 1 to %(most)d papers by `limit`, and for a `page` from 1 on.") % {"most": MOST}
        return bad_request(request, says=says)
    try:
        found = named.named(key, limit=limit, skip=(page - 1) * limit)
    except NoSuchList as missing:
        raise NotHere(str(missing)) from None
    is_full = len(found.entries) == limit and page * limit <= MOST_SKIPPED
    here = {"limit": limit if limit != USUAL else 0, "page": page if page > 1 else 0}
    feed = feed_of(
        found,
        request,
        language=get_language() or "en",
        address=_address(request, found.key, form, here),
        following=_address(request, found.key, form, here | {"page": page + 1}) if is_full else "",
    )
    return _answer(request, feed, form)


def _whole(request: HttpRequest, name: str, usual: int, most: int) -> int:
    """Read a number from the address; 0 for one that makes no sense."""
    given = request.GET.get(name, str(usual))
    found = int(given) if given.isascii() and given.isdigit() and len(given) < 6 else 0
    return found if found <= most else 0


def _address(request: HttpRequest, key: str, form: str, asked: dict[str, int]) -> str:
    query = urlencode({name: value for name, value in asked.items() if value})
    path = reverse("feed", kwargs={"key": key, "form": form})
    return absolute(path + (f"?{query}" if query else ""), request)


def own(request: HttpRequest, address: str) -> HttpResponseBase:
    """Give what a reader follows, or saved, as a feed, to whoever has its secret address."""
    if request.method not in ("GET", "HEAD"):
        return HttpResponseNotAllowed(["GET", "HEAD"])
    if wait := limits.count("feed", f"address:{client_address(request)}", now().timestamp()):
        return limits.too_many(request, wait)
    match = _OWN.fullmatch(address)
    token = tokens.find(match["secret"], now=now()) if match else None
    found = _own_list(match["key"], token.reader) if match and token and _opens(token) else None
    if match is None or token is None or found is None:
        raise NotHere(_("There is no feed at this address. It may have been replaced."))
    # Its address is left out of it: whoever passes a paper on from a feed should not pass the secret on.
    feed = feed_of(found, request, language=get_language() or "en", whose=f"reader {token.reader_id}")
    response = _answer(request, feed, match["form"])
    response["X-Robots-Tag"] = "noindex"
    return response


def _opens(token: Token) -> bool:
    return tokens.is_valid(token, "feed", now=now())


def _own_list(key: str, reader: Reader) -> NamedList | None:
    """Give a list of the reader's own, or one shared with the reader; None for any other."""
    try:
        found = named.named(key, limit=USUAL, reader=reader)
    except NoSuchList:
        return None
    return found if found.own else None


def _answer(request: HttpRequest, feed: Feed, form: str) -> HttpResponse:
    """Send a feed, or say that it did not change. It is written only where it has to be sent."""
    mark, made = feed.mark(form), FORMATS[form]
    since = _since(feed.id + form + feed.address, mark)
    response = get_conditional_response(request, etag=mark, last_modified=since)
    if response is None:
        response = HttpResponse(made.write(feed), content_type=f"{made.type}; charset=utf-8")
    response["ETag"], response["Last-Modified"] = mark, http_date(since)
    response["Cache-Control"] = f"{'public' if feed.address else 'private'}, max-age={MAX_AGE}"
    links = [f'<{place}>; rel="{rel}"' for rel, place in (("self", feed.address), ("hub", feed.hub)) if place]
    if links:
        response["Link"] = ", ".join(links)
    return response


def _since(name: str, mark: str) -> int:
    """Say since when, in Unix seconds, a feed is as it is; as far as this process knows, else since now.

    The dates of its papers cannot tell: a list also changes when a paper leaves it, or when their order does.
    """
    memory, key = caches["memory"], f"feed:{sha256(name.encode()).hexdigest()}"
    kept: tuple[str, int] | None = memory.get(key)
    if kept is None or kept[0] != mark:
        kept = (mark, int(now().timestamp()))
        memory.set(key, kept, REMEMBERED)
    return kept[1]


def outline(request: HttpRequest) -> HttpResponse:
    """Give the feeds of this site as OPML."""
    return _outline(request, _("Feeds of this site"), offers(), "feeds.opml")


@acting
def followed(request: HttpRequest, reader: Reader) -> HttpResponseBase:
    """Give the feeds of what the reader follows as OPML."""
    found, names = [], {}
    for row in follows.rows(reader):
        try:
            head = named.head(row.key)
        except NoSuchList:
            continue
        found.append(Offer("", head.key, title(head), head.path))
        names[head.key] = row.name
    response = _outline(request, _("What I follow"), found, "follows.opml", names)
    response["Cache-Control"] = "private, no-cache"
    return response


def _outline(
    request: HttpRequest, name: str, found: list[Offer], file: str, names: Mapping[str, str] = MappingProxyType({})
) -> HttpResponse:
    groups = [
        (group, [_line(request, offer, names.get(offer.key, "")) for offer in of_group])
        for group, of_group in groupby(found, key=lambda offer: offer.group)
    ]
    response = HttpResponse(opml(name, groups), content_type=f"{TYPE}; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{file}"'
    return response


def _line(request: HttpRequest, offer: Offer, name: str) -> Outline:
    feed = reverse("feed", kwargs={"key": offer.key, "form": "atom"})
    return Outline(offer.title, absolute(feed, request), absolute(offer.path, request), name)
