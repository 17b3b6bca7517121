"""What a reader follows: the lists, what is new in them, and the secret addresses of the reader's own feeds."""

from typing import Final

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import render, resolve_url
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.cache import never_cache

from broadsheet.community import marks
from broadsheet.editions import named, outlines
from broadsheet.editions.named import NoSuchList
from broadsheet.export import address
from broadsheet.lib.clock import now
from broadsheet.papers.models import Paper
from broadsheet.readers import follows, tokens
from broadsheet.readers.follows import Switches
from broadsheet.readers.models import Reader, Token
from broadsheet.readers.refused import Refused
from broadsheet.web import cards, follow_lines, following
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
    "search": gettext_lazy("Search by words"),
    "like": gettext_lazy("Search by meaning"),
    "similar": gettext_lazy("Papers like this one"),
}
# Lists named one by one above the new papers; all of them stand below.
NAMED: Final = 12
NOT_KNOWN: Final = 5
OWN_NAMES: Final = {
    "digest": gettext_lazy("My digest: what is new for me"),
    "library": gettext_lazy("My library"),
}


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
def switch(request: HttpRequest, reader: Reader, key: str) -> HttpResponseBase:
    """Change the name of a followed list, whether it comes with digests, and whether it alerts, as a form says it."""
    wanted = Switches(
        name=typed(request, "name", follows.LONGEST_NAME),
        in_digest=request.POST.get("in_digest") == "1",
        alert=request.POST.get("alert") == "1",
    )
    follows.switch(reader, key, wanted)
    messages.success(request, _("Saved."))
    return SeeOther(next_of(request, resolve_url("follows") + "#lists"))


@limited("follow")
@acting
def seen(request: HttpRequest, reader: Reader) -> HttpResponseBase:
    """Note that the reader looked at what is new in one list, or in all."""
    follows.mark_seen(reader, now=now(), key=typed(request, "key", follows.LONGEST))
    return SeeOther(resolve_url("follows"))


@limited("bring")
@acting
def bring(request: HttpRequest, reader: Reader) -> HttpResponseBase:
    """Follow what an outline of feeds names, as far as this site has it."""
    file = request.FILES.get("file")
    try:
        if file is None:
            raise Refused(_("Please choose a file."))
        if file.size is None or file.size > outlines.LONGEST:
            raise Refused(_("That file is too large; one of up to 1 MB can be read."))
        _brought(request, reader, outlines.read(file.read()))
    except Refused as problem:
        return _page(request, reader, bring_says=str(problem), status=400)
    return SeeOther(resolve_url("follows") + "#lists")


def _brought(request: HttpRequest, reader: Reader, lines: list[outlines.Line]) -> None:
    before = set(follows.of(reader))
    left: list[str] = []
    for line in lines:
        try:
            for key in line.keys or (line.address,):
                found = following.of_key(key).key
                follows.follow(reader, found, now=now())
                if line.name and len(line.keys) == 1:
                    follows.name_once(reader, found, line.name)
        except NotHere:
            left.append(line.name or line.title or line.address)
    count = len(set(follows.of(reader)) - before)
    messages.success(
        request,
        ngettext("You follow %(count)d more list now.", "You follow %(count)d more lists now.", count)
        % {"count": count},
    )
    if left:
        some = "; ".join(left[:NOT_KNOWN]) + (" …" if len(left) > NOT_KNOWN else "")
        says = ngettext(
            "%(count)d feed is of no list here: %(some)s", "%(count)d feeds are of no list here: %(some)s", len(left)
        )
        messages.info(request, says % {"count": len(left), "some": some})


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
    bring_says: str = "",
    status: int = 200,
) -> HttpResponse:
    lines = follow_lines.lines(follows.rows(reader), now())
    only = next((line for line in lines if line.key == request.GET.get("list")), None)
    papers = _papers(reader, only)
    new = only.new if only else frozenset().union(*(line.new for line in lines))
    news = sorted((line for line in lines if line.new), key=lambda line: -len(line.new))
    context = {
        "section": "follows",
        "followed": lines,
        "groups": follow_lines.groups(lines),
        "only": only,
        "news": news[:NAMED],
        "new": new,
        "kinds": KINDS,
        "given": given or {"kind": "category", "value": ""},
        "says": says,
        "bring_says": bring_says,
        "cards": cards.of_papers(papers, marks.of_papers([paper.id for paper in papers], reader)),
        "addresses": _feed_tokens(reader),
        "secret_feeds": _secret_feeds(request, reader, secret) if secret else [],
        "here": only.only.partition("#")[0] if only else resolve_url("follows"),
    }
    return render(request, "web/follows.html", context, status=status)


def _papers(reader: Reader, only: follow_lines.Line | None) -> list[Paper]:
    """Give the newest papers of what a reader follows, or of one list of it."""
    if only is None:
        return [entry.paper for entry in named.followed(reader, limit=SHOWN)]
    try:
        return [entry.paper for entry in named.named(only.key, limit=SHOWN).entries]
    except NoSuchList:
        return []


def _secret_feeds(request: HttpRequest, reader: Reader, secret: str) -> list[tuple[str, str]]:
    names: dict[str, object] = {key: OWN_NAMES.get(key) or kind.head(reader).title for key, kind in named.OWN.items()}
    names |= {key: named.head(key, reader=reader).title for key in named.own_keys(reader) if key not in names}
    return [
        (str(names[key]), address.absolute(resolve_url("own-feed", address=f"{secret}/{key}.atom"), request))
        for key in dict.fromkeys([*OWN_NAMES, *names])
    ]
