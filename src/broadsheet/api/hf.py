"""The reads of the drop-in API: a program for Hugging Face's Daily Papers is answered here at the same paths.

Addresses, parameters and shapes are those of `docs/hf_api.md`. An empty parameter counts as absent; filters that are
given together all hold.
"""

import gzip
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from hashlib import blake2b
from typing import Any, Final, Literal

from django.db.models import Q
from django.http import HttpRequest, HttpResponse, QueryDict
from django.urls import reverse
from django.utils.cache import patch_vary_headers
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe
from pydantic_core import to_json

from broadsheet.api import hf_shapes
from broadsheet.api.auth import caller_of
from broadsheet.api.errors import ApiError
from broadsheet.community import comments, votes
from broadsheet.community.comments import Node
from broadsheet.community.models import Submission
from broadsheet.editions import lists
from broadsheet.editions.order import newest_day
from broadsheet.export.address import absolute
from broadsheet.papers import finding, queries
from broadsheet.papers.models import Paper
from broadsheet.search.highlight import highlight
from broadsheet.search.query import parse

LONGEST_QUERY: Final = 250
LONGEST_HANDLE: Final = 100
MOST_PAGES: Final = 100_000_000
WORTH_COMPRESSING: Final = 500
LEVEL: Final = 1
Placed = tuple[date | None, Paper]


@dataclass(frozen=True, slots=True)
class Asked:
    """What a program asks of the daily papers.

    since, until: the span of editions, both ends included. day: the one edition asked for, where it is one.
    """

    page: int
    limit: int
    sort: Literal["publishedAt", "trending"]
    day: date | None
    since: date
    until: date
    submitter: str

    @property
    def skip(self) -> int:
        """How many papers stand on the pages before."""
        return self.page * self.limit


@require_safe
def daily_papers(request: HttpRequest) -> HttpResponse:
    """Give a page of the daily papers; Link names the next one."""
    asked = read(request.GET)
    found, more = _found(asked)
    told = hf_shapes.around([paper for _day, paper in found], request)
    response = answer(request, [hf_shapes.item(paper, told, day) for day, paper in found])
    if more:
        _link_next(request, response, "p", str(asked.page + 1))
    return response


def read(given: QueryDict) -> Asked:
    """Read the parameters. Raises ApiError 400."""
    sort = given.get("sort") or "publishedAt"
    if sort not in ("publishedAt", "trending"):
        raise ApiError(400, _("“sort” is publishedAt or trending."))
    spans = [_day(given.get("date")), _week(given.get("week")), _month(given.get("month"))]
    known = [span for span in spans if span]
    return Asked(
        page=_number(given, "p", 0, 0, MOST_PAGES),
        limit=_number(given, "limit", 50, 1, 100),
        sort="trending" if sort == "trending" else "publishedAt",
        day=spans[0][0] if spans[0] else None,
        since=max((first for first, _last in known), default=date.min),
        until=min((last for _first, last in known), default=date.max),
        submitter=given.get("submitter", "").strip(),
    )


def _number(given: QueryDict, name: str, default: int, least: int, most: int) -> int:
    text = given.get(name) or str(default)
    if not re.fullmatch(r"[0-9]{1,10}", text) or not least <= int(text) <= most:
        says = _("“%(name)s” is a whole number from %(least)d to %(most)d.")
        raise ApiError(400, says % {"name": name, "least": least, "most": most})
    return int(text)


Span = tuple[date, date] | None


def _day(text: str | None) -> Span:
    if not text:
        return None
    try:
        found = date.fromisoformat(text) if re.fullmatch(r"\d{4}-\d{2}-\d{2}", text, re.ASCII) else None
    except ValueError:
        found = None
    if found is None:
        raise ApiError(400, _("“date” is a day of the calendar, such as 2024-05-27."))
    return found, found


def _week(text: str | None) -> Span:
    if not text:
        return None
    match = re.fullmatch(r"(\d{4})-W(\d{2})", text, re.ASCII)
    try:
        first = date.fromisocalendar(int(match[1]), int(match[2]), 1) if match else None
        if first is not None:
            return first, first + timedelta(days=6)
    except (ValueError, OverflowError):
        pass
    raise ApiError(400, _("“week” is an ISO week, such as 2024-W22."))


def _month(text: str | None) -> Span:
    if not text:
        return None
    match = re.fullmatch(r"(\d{4})-(0[1-9]|1[0-2])", text, re.ASCII)
    if not match or not 1 <= int(match[1]) <= 9998:
        raise ApiError(400, _("“month” is a month, such as 2024-05."))
    first = date(int(match[1]), int(match[2]), 1)
    return first, (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)


def _found(asked: Asked) -> tuple[list[Placed], bool]:
    """Give the papers of the page that is asked for, and whether more follow."""
    if asked.since > asked.until or not _is_handle(asked.submitter):
        return [], False
    if asked.sort == "trending":
        return _trending(asked)
    if asked.day:
        return _of_day(asked, asked.day)
    if asked.submitter:
        return _submitted(asked)
    found, more = lists.recent(asked.limit, asked.skip, asked.since, asked.until, why=False)
    return [(day, entry.paper) for day, entry in found], more


def _trending(asked: Asked) -> tuple[list[Placed], bool]:
    if not asked.submitter and asked.since == date.min and asked.until == date.max:
        return _page(asked, [entry.paper for entry in lists.trending(asked.skip + asked.limit + 1).entries])
    by = _numbers_of(asked.submitter) if asked.submitter else None
    ranked = (entry.paper for entry in lists.trending(MOST_PAGES).entries)
    chosen = [paper for paper in ranked if by is None or paper.id in by]
    return _page(asked, [paper for paper in chosen if _is_within(paper, asked)])


def _is_within(paper: Paper, asked: Asked) -> bool:
    return any(day and asked.since <= day <= asked.until for day in (paper.announced, paper.placed))


def _of_day(asked: Asked, day: date) -> tuple[list[Placed], bool]:
    """The edition of a day, whole: also what a curator placed in a later one stands there."""
    if not lists.FIRST_DAY <= day <= lists.LAST_DAY:
        return [], False
    papers = [entry.paper for entry in lists.day(day).entries]
    by = _numbers_of(asked.submitter) if asked.submitter else None
    return _page(asked, [paper for paper in papers if by is None or paper.id in by], day)


def _submitted(asked: Asked) -> tuple[list[Placed], bool]:
    """What somebody submitted: the newest edition first, each in its own order."""
    by_day: dict[date, list[Paper]] = {}
    for paper in lists.shown().filter(_by(asked.submitter)).defer(*lists.HEAVY):
        day = newest_day(paper)
        if day and asked.since <= day <= asked.until:
            by_day.setdefault(day, []).append(paper)
    ordered: list[Paper] = []
    for day, papers in sorted(by_day.items(), reverse=True):
        # The order of an edition depends on all of its papers; before and after the page it makes no difference.
        in_page = asked.skip < len(ordered) + len(papers) and len(ordered) < asked.skip + asked.limit
        ordered += _in_order(day, papers) if in_page and len(papers) > 1 else papers
    return _page(asked, ordered)


def _in_order(day: date, papers: Iterable[Paper]) -> list[Paper]:
    wanted = {paper.id for paper in papers}
    return [entry.paper for entry in lists.day(day).entries if entry.paper.id in wanted]


def _by(handle: str) -> Q:
    """Papers that a reader of this site, or an account of a daily list elsewhere, submitted."""
    here = Submission.objects.filter(state="accepted", reader__handle=handle.lower(), paper__isnull=False)
    return Q(id__in=here.values("paper_id")) | Q(listing__submitter__0=handle)


def _numbers_of(handle: str) -> set[int]:
    return set(Paper.objects.filter(_by(handle)).values_list("id", flat=True))


def _is_handle(text: str) -> bool:
    # PostgreSQL refuses a NUL in a question.
    return len(text) <= LONGEST_HANDLE and text.isprintable()


def _page(asked: Asked, ordered: Sequence[Paper], day: date | None = None) -> tuple[list[Placed], bool]:
    chosen = ordered[asked.skip : asked.skip + asked.limit]
    whole = queries.in_order(paper.id for paper in chosen)
    return [(day, paper) for paper in whole], len(ordered) > asked.skip + asked.limit


@require_safe
def search(request: HttpRequest) -> HttpResponse:
    """Give what is found by words and by meaning, the best first; without words the most recent papers."""
    asked = " ".join(request.GET.get("q", "").split())
    if len(asked) > LONGEST_QUERY:
        raise ApiError(400, _("“q” is at most %(most)d characters long.") % {"most": LONGEST_QUERY})
    limit = _number(request.GET, "limit", 120, 1, 120)
    papers = _search(asked, limit) if asked else [entry.paper for _day, entry in lists.recent(limit, why=False)[0]]
    words = [term.word for term in parse(asked).terms]
    told = hf_shapes.around(papers, request)
    reader = caller_of(request).reader
    voted = votes.voted_for(reader, [paper.id for paper in papers]) if reader else set()
    made = [
        hf_shapes.item(paper, told)
        | {
            "upvoted": paper.id in voted,
            "highlightedTitle": highlighted(paper.title, words),
            "highlightedSummary": highlighted(paper.abstract, words),
        }
        for paper in papers
    ]
    response = answer(request, made)
    if reader:
        response["Cache-Control"] = "private, no-cache"
    return response


def _search(asked: str, limit: int) -> list[Paper]:
    found = finding.find(asked, mode="hybrid", limit=limit)
    papers = [hit.paper for hit in found.hits]
    named = found.goes_to
    if named and named.is_shown:
        papers = [named, *(paper for paper in papers if paper.id != named.id)][:limit]
    return papers


def highlighted(text: str, words: Sequence[str]) -> list[dict[str, str]]:
    """Cut a text into pieces, each said to be text or highlight; together they are the text."""
    pieces = highlight(text, words) if words else [(text, False)]
    return [{"type": "highlight" if marked else "text", "text": piece} for piece, marked in pieces]


@require_safe
def paper(request: HttpRequest, key: str) -> HttpResponse:
    """Give one paper."""
    found = paper_of(key)
    return answer(request, hf_shapes.flat(found, hf_shapes.around([found], request)))


@require_safe
def repositories(request: HttpRequest, key: str) -> HttpResponse:
    """Give the models, data sets and spaces that are linked to a paper."""
    found = paper_of(key)
    return answer(request, hf_shapes.repositories(found, hf_shapes.around([found], request)))


def paper_of(key: str) -> Paper:
    """Find a paper by any name it has. Raises ApiError 404."""
    found = queries.by_key(key) if key.isprintable() else None
    if found is None:
        raise ApiError(404, _("We have no paper of that id."))
    return found


@require_safe
def indexed(request: HttpRequest) -> HttpResponse:
    """Give every paper that is here, by the day it was announced, the newest first; a cursor leads on."""
    limit = _number(request.GET, "limit", 50, 1, 100)
    found = _after(request.GET.get("cursor", ""), limit + 1)
    papers = found[:limit]
    told = hf_shapes.around(papers, request)
    response = answer(request, [hf_shapes.item(paper, told) for paper in papers])
    if len(found) > limit:
        _link_next(request, response, "cursor", _cursor(papers[-1]))
    return response


def _cursor(last: Paper) -> str:
    return f"{last.announced or 'none'}_{last.id}"


def _after(cursor: str, count: int) -> list[Paper]:
    """Give the papers after a cursor; those of an unknown day come last, as no database sorts them alike."""
    rows = Paper.objects.filter(hidden=False).order_by("-announced", "-id")
    match = re.fullmatch(r"(none|\d{4}-\d{2}-\d{2})_(\d{1,18})", cursor, re.ASCII)
    if cursor and not match:
        raise ApiError(400, _("“cursor” is what the header Link of the page before holds."))
    day = _day(match[1]) if match and match[1] != "none" else None
    dated = rows.exclude(announced=None)
    if day and match:
        dated = dated.filter(announced__lte=day[0]).exclude(announced=day[0], id__gte=int(match[2]))
    undated = rows.filter(announced=None)
    if match and match[1] == "none":
        return list(undated.filter(id__lt=int(match[2]))[:count])
    found = list(dated[:count])
    return found if len(found) == count else found + list(undated[: count - len(found)])


@require_safe
def discussion(request: HttpRequest, key: str) -> HttpResponse:
    """Give the comments on a paper, the oldest first, replies after what they answer."""
    found = paper_of(key)
    base, place = absolute("", request), absolute(reverse("paper", args=[found.key]), request)
    made = [_comment(node, base, place) for node in _downwards(comments.thread(found, None))]
    return answer(request, {"paperId": found.key, "numComments": found.comments, "comments": made})


def _downwards(nodes: Sequence[Node]) -> Iterable[Node]:
    # Without recursion: replies to replies go deep.
    waiting = list(reversed(nodes))
    while waiting:
        node = waiting.pop()
        yield node
        waiting += reversed(node.replies)


def _comment(node: Node, base: str, place: str) -> dict[str, Any]:
    told = node.comment
    made: dict[str, Any] = {
        "id": str(told.pk),
        "state": told.state,
        "createdAt": hf_shapes.moment(told.written),
        "url": f"{place}#comment-{told.pk}",
    }
    if told.parent_id:
        made["parentId"] = str(told.parent_id)
    if node.placeholder:
        return made
    if told.edited:
        made["updatedAt"] = hf_shapes.moment(told.edited)
    if told.author:
        made["author"] = hf_shapes.reader(told.author, base)
    return made | {"raw": told.text, "html": told.html}


def nothing(request: HttpRequest, rest: str = "") -> HttpResponse:
    """Answer 404 at every address of the API that does not exist. Raises ApiError."""
    raise ApiError(404, _("There is nothing at this address; the documentation of the API tells what there is."))


def answer(request: HttpRequest, told: object) -> HttpResponse:
    """Answer with JSON and its ETag, for GET and HEAD alike; compressed where that is welcome."""
    # A quarter of the time of the standard library's.
    body = to_json(told)
    mark = blake2b(body, digest_size=16).hexdigest()
    response = HttpResponse(content_type="application/json; charset=utf-8")
    if len(body) >= WORTH_COMPRESSING and "gzip" in request.headers.get("Accept-Encoding", ""):
        # Here and not by the middleware: its level takes four times as long for a seventh less.
        body = gzip.compress(body, compresslevel=LEVEL, mtime=0)
        response["Content-Encoding"] = "gzip"
    response.content = body
    # Weak, as the same answer may go out compressed and not.
    response["ETag"] = f'W/"{mark}"'
    response["Cache-Control"] = "no-cache"
    patch_vary_headers(response, ["Accept-Encoding"])
    return response


def _link_next(request: HttpRequest, response: HttpResponse, name: str, value: str) -> None:
    """Name the next page (RFC 8288), every other parameter kept."""
    query = request.GET.copy()
    query[name] = value
    response["Link"] = f'<{absolute(request.path, request)}?{query.urlencode()}>; rel="next"'
