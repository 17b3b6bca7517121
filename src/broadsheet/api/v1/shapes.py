"""Papers and places in the shape the API gives them, for a whole page in a few queries."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.db.models import Max
from django.http import HttpRequest
from django.utils.translation import gettext as _

from broadsheet.api.errors import ApiError
from broadsheet.api.v1 import schemas
from broadsheet.community import links
from broadsheet.community.models import AddedLink
from broadsheet.editions.edition import Entry
from broadsheet.export import address
from broadsheet.export.reasons import sentences
from broadsheet.papers import queries
from broadsheet.papers.copying import UNTOLD
from broadsheet.papers.finding import FoundPaper
from broadsheet.papers.models import Change, Identifier, Paper
from broadsheet.search.highlight import Piece, highlight, snippet


def known(key: str) -> Paper:
    """Give the paper of that name. Raises ApiError."""
    paper = queries.by_key(key) if key.isprintable() else None
    if paper is None:
        raise ApiError(404, _("We have no paper of that name. It may not have come in yet."))
    return paper


def papers(found: Iterable[Paper], request: HttpRequest) -> dict[int, schemas.Paper]:
    """Give papers by their numbers, with all that is told of them."""
    wanted = {paper.id: paper for paper in found}
    names: dict[int, list[str]] = {}
    for number, name in Identifier.objects.filter(paper__in=wanted).order_by("name").values_list("paper_id", "name"):
        names.setdefault(number, []).append(name)
    changes = Change.objects.exclude(kind=UNTOLD).filter(paper__in=wanted).values_list("paper_id")
    numbers = dict(changes.annotate(last=Max("seq")).order_by())
    added = links.of_papers(wanted)
    return {
        number: _paper(paper, names.get(number, []), [*_links(paper), *map(_added, added.get(number, ()))],
                       numbers.get(number, 0), request)
        for number, paper in wanted.items()
    }  # fmt: skip


def _paper(paper: Paper, names: list[str], linked: list[schemas.Link], seq: int, request: HttpRequest) -> schemas.Paper:
    outside = address.outside(paper)
    plain = ("key", "title", "abstract", "submitted", "announced", "announced_by", "version", "withdrawn", "remarks",
             "journal_ref", "licence", "source", "first_seen")  # fmt: skip
    return schemas.Paper(
        **{name: getattr(paper, name) for name in plain},
        url=address.of_paper(paper, request),
        authors=[schemas.Author(**{"affiliation": "", "orcid": "", **author}) for author in paper.authors],
        categories=paper.category_list,
        identifiers=names,
        links=linked,
        abs=outside.abs,
        pdf=outside.pdf,
        given=_votes(paper),
        seq=seq,
    )


def _votes(paper: Paper) -> schemas.Votes:
    return schemas.Votes(
        votes=paper.votes,
        votes_here=paper.votes_here,
        votes_outside=paper.votes_outside,
        comments=paper.comments,
        stars=paper.stars,
    )


def _links(paper: Paper) -> list[schemas.Link]:
    return [schemas.Link(kind=link["kind"], url=link["url"], added_by="") for link in paper.links]


def _added(link: AddedLink) -> schemas.Link:
    return schemas.Link(kind=link.kind, url=link.url, added_by=link.reader.handle if link.reader else "")


def one(paper: Paper, request: HttpRequest) -> schemas.Paper:
    """Give one paper."""
    return papers([paper], request)[paper.id]


def places(entries: Sequence[Entry], request: HttpRequest) -> list[schemas.Place]:
    """Give the places of a list; the papers come with all their texts."""
    told = papers([entry.paper for entry in entries], request)
    return [
        schemas.Place(
            rank=entry.rank,
            paper=told[entry.paper.id],
            late=entry.late,
            why=plain(entry.why),
            reasons=_reasons(entry.why),
        )
        for entry in entries
    ]


def hits(found: Sequence[FoundPaper], words: Sequence[str], request: HttpRequest) -> list[schemas.Hit]:
    """Give papers found, with the words marked where it was words that found them."""
    told = papers([hit.paper for hit in found], request)
    return [_hit(hit, words if hit.block != "meaning" else (), told[hit.paper.id]) for hit in found]


def _hit(hit: FoundPaper, words: Sequence[str], paper: schemas.Paper) -> schemas.Hit:
    return schemas.Hit(
        rank=hit.rank,
        block=hit.block,
        score=hit.score,
        why=plain(hit.why),
        reasons=_reasons(hit.why),
        highlighted_title=_runs(highlight(paper.title, words)),
        highlighted_abstract=_runs(snippet(paper.abstract, words)),
        paper=paper,
    )


def _runs(pieces: Iterable[Piece]) -> list[schemas.Run]:
    return [schemas.Run(type="highlight" if marked else "text", text=text) for text, marked in pieces]


def _reasons(why: Mapping[str, object]) -> list[str]:
    return sentences(why) if why else []


def plain(why: Mapping[str, object]) -> dict[str, Any]:
    """Give terms as JSON can hold them."""
    return {name: list(value) if isinstance(value, tuple) else value for name, value in why.items()}
