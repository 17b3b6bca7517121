"""The start: topics on a map, a few words, a few papers, a few questions. Every step may be skipped."""

from collections.abc import Iterable
from typing import Final

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.debug import sensitive_post_parameters

from broadsheet.community import bringing
from broadsheet.foryou import asking, seeds, signals
from broadsheet.foryou import map as topic_map
from broadsheet.foryou.models import Opinion, Seed, Wish
from broadsheet.learning.ask import Enough
from broadsheet.lib.clock import now
from broadsheet.markup import maths
from broadsheet.papers.models import Paper
from broadsheet.readers.models import Reader
from broadsheet.readers.refused import Refused
from broadsheet.web import atlas, cards
from broadsheet.web.acting import SeeOther, acting, typed, whole
from broadsheet.web.limits import limited

LIST: Final = "/foryou"
LONGEST: Final = 300
# Of papers that were found by a name, so many are offered; an ORCID record may list more.
OFFERED: Final = 100
KNOWN: Final = 8
WISHES_AT_ONCE: Final = 20
SKIPPED: Final = "foryou-skipped"
WAYS: Final = ("author", "orcid", "zotero")


@limited("start")
@acting
def show(request: HttpRequest, reader: Reader) -> HttpResponseBase:
    """Show the map, the words and the papers; keep what was given, and go on to the questions or to the list."""
    if request.method != "POST":
        return _page(request, reader)
    given = {name: typed(request, name, seeds.LONGEST_PASTE + 1) for name in ("papers", "words")}
    try:
        found = _papers(request, given["papers"])
        _keep_wishes(reader, given["words"])
        _keep_topics(request, reader)
    except Refused as refusal:
        return _page(request, reader, {**given, "says": str(refusal)}, 400)
    if found is not None:
        added = signals.seed(reader, (paper.pk for paper in found.here), _origin(request, given["papers"]), now())
        if found.unknown_count or found.unread or found.more or not found.here:
            return _page(request, reader, {"report": found, "added": added})
        messages.success(request, _said_of(added))
    return SeeOther(LIST if "list" in request.POST else reverse("start-ask"))


@sensitive_post_parameters("key")
@limited("start-look")
@acting
def papers(request: HttpRequest, reader: Reader) -> HttpResponseBase:
    """Show the papers found by a name, an ORCID iD or in a Zotero library; learn from those that are confirmed."""
    way = request.POST.get("way", "")
    if way not in WAYS:
        return SeeOther(reverse("start"))
    if "confirm" in request.POST:
        numbers = seeds.of_keys(request.POST.getlist("paper"))
        messages.success(request, _said_of(signals.seed(reader, numbers, way, now())))
        return SeeOther(reverse("start"))
    said = typed(request, "said", LONGEST).strip()
    try:
        # The key goes to Zotero and nowhere else: not into the page, not into the record.
        found = _looked_up(way, said, typed(request, "key", LONGEST))
    except Refused as refusal:
        return _page(request, reader, {"way": way, "said": said, "own_says": str(refusal)}, 400)
    return render(request, "web/start_papers.html", {"way": way, "said": said, **_offer(reader, found)})


@limited("start")
@acting
def unwish(request: HttpRequest, reader: Reader) -> HttpResponseBase:
    """Forget an interest that was typed."""
    signals.unwish(reader, typed(request, "words", LONGEST))
    return SeeOther(f"{reverse('start')}#words")


@limited("start-ask")
@acting
def ask(request: HttpRequest, reader: Reader) -> HttpResponseBase:
    """Ask about a few papers; keep the answers, and ask about others."""
    if request.method == "POST":
        answers = {name.removeprefix("a:"): said for name, said in request.POST.items() if name.startswith("a:")}
        skipped = asking.answer(reader, {key: str(said) for key, said in answers.items()}, now())
        kept = [*_skipped(request), *skipped]
        request.session[SKIPPED] = list(dict.fromkeys(reversed(kept)))[: asking.MOST_SKIPPED][::-1]
        return SeeOther(LIST if "list" in request.POST else reverse("start-ask"))
    asked = asking.ask(reader, _skipped(request))
    shown = cards.of_papers(asked.papers)
    context = {"section": "foryou", "asked": asked, "cards": shown, "list": LIST, "says": says(asked.enough)}
    return render(request, "web/start_ask.html", context)


def _skipped(request: HttpRequest) -> list[int]:
    kept = request.session.get(SKIPPED, [])
    return [number for number in kept if isinstance(number, int)] if isinstance(kept, list) else []


def _page(
    request: HttpRequest, reader: Reader, context: dict[str, object] | None = None, status: int = 200
) -> HttpResponse:
    drawn = topic_map.current()
    ticked = _ticked(request) if status != 200 else topic_map.chosen(reader, drawn) if drawn else set()
    learned = Seed.objects.filter(reader=reader).exclude(origin="map").select_related("paper").order_by("-at", "-pk")
    context = {
        "section": "foryou",
        "list": LIST,
        "mapped": drawn.background if drawn else "",
        "sheets": [("wide", atlas.wide(drawn)), ("tall", atlas.tall(drawn))] if drawn else [],
        "topics": [(number, place, number - 1 in ticked) for number, place in enumerate(drawn.places, 1)]
        if drawn
        else [],
        "wishes": Wish.objects.filter(reader=reader).order_by("at", "pk"),
        "learned": [(seed.paper.key, maths.render(seed.paper.title)) for seed in learned[:KNOWN]],
        "learned_count": learned.count(),
        "answered": Opinion.objects.filter(reader=reader, origin="asked").count(),
        "way": "author",
        "said": "",
        **(context or {}),
    }
    return render(request, "web/start.html", context, status=status)


def _ticked(request: HttpRequest) -> set[int]:
    """Give the places on the map that a form chose, from 0."""
    numbers = (whole(said) for said in request.POST.getlist("topic")[: 4 * topic_map.TOPICS])
    return {number - 1 for number in numbers if number}


def _keep_topics(request: HttpRequest, reader: Reader) -> None:
    drawn = topic_map.current()
    # A form without the map says nothing of it; one drawn since counts its topics anew.
    if drawn is None or "mapped" not in request.POST:
        return
    if request.POST["mapped"] != drawn.background:
        raise Refused(_("The map was drawn anew a moment ago. Please choose once more."))
    topic_map.choose(reader, drawn, _ticked(request), now())


def _keep_wishes(reader: Reader, words: str) -> None:
    rows = [row for row in words.splitlines() if row.strip()]
    if len(rows) > WISHES_AT_ONCE:
        raise Refused(_("That is more than %(most)d interests at once.") % {"most": WISHES_AT_ONCE})
    for row in rows:
        signals.wish(reader, row, now())


def _papers(request: HttpRequest, pasted: str) -> seeds.Found | None:
    """Give what was pasted or uploaded; None where nothing was. Raises Refused."""
    file = request.FILES.get("file")
    if file is not None:
        if file.size is None or file.size > bringing.LARGEST:
            raise Refused(_("That file is too large: at most 5 MB are read. Please bring it in parts."))
        return seeds.of_file(file.read(), now())
    return seeds.of_text(pasted, now()) if pasted.strip() else None


def _origin(request: HttpRequest, pasted: str) -> str:
    return "bibtex" if request.FILES.get("file") is not None or "@" in pasted or "TY  -" in pasted else "ids"


def _looked_up(way: str, said: str, key: str) -> seeds.Found:
    if way == "orcid":
        return seeds.of_orcid(said)
    return seeds.of_zotero(said, key) if way == "zotero" else seeds.written_by(said)


def _offer(reader: Reader, found: seeds.Found) -> dict[str, object]:
    held = set(Seed.objects.filter(reader=reader).values_list("paper_id", flat=True))
    return {
        "found": found,
        "here": [_row(paper, paper.pk in held) for paper in found.here[:OFFERED]],
        "more": max(0, len(found.here) - OFFERED),
        "section": "foryou",
    }


def _row(paper: Paper, held: bool) -> dict[str, object]:
    names = cards.author_names(paper)
    return {"paper": paper, "title": maths.render(paper.title), "by": _few(names), "held": held}


def _few(names: Iterable[str], most: int = 6) -> str:
    every = list(names)
    return ", ".join(every[:most]) + (" …" if len(every) > most else "")


def says(enough: Enough) -> str:
    """Say in a sentence whether more answers would help."""
    if enough.state == "few":
        return _("The first interesting ones teach the most.")
    if enough.state == "flat":
        return _("More answers would hardly make your list better.")
    return _("More answers still make your list better.")


def _said_of(added: int) -> str:
    says = ngettext("%(count)d paper more to learn from.", "%(count)d papers more to learn from.", added)
    return says % {"count": added}
