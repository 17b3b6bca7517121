"""What all digests of a run share, read once for each span of editions."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Final, NamedTuple, cast

import numpy as np
from django.conf import settings
from numpy.typing import NDArray

from broadsheet.digest.choose import Places, Pool, as_places
from broadsheet.editions import lists, named
from broadsheet.editions.holding import ASKED_AT_ONCE, FOUND_AT_MOST, memberships
from broadsheet.editions.named import NoSuchList
from broadsheet.editions.order import by_heat
from broadsheet.learning.stories import stories, unit_rows
from broadsheet.papers.models import Paper, Vector
from broadsheet.search import encoder as encoders
from broadsheet.search.types import Filter
from broadsheet.search.weights import EncoderError

# Pools kept in a run: one for each span, and most digests are of the same few.
KEPT: Final = 12
EVERYTHING: Final = ("edition", "trending")


class _Row(NamedTuple):
    """What stands in for a paper: what its place in a pool needs and no more."""

    id: int
    key: str
    title: str
    text_hash: str
    categories: str
    announced: date | None
    placed: date | None
    votes: int
    votes_outside: int
    vote_weight: float
    commenters: float
    stars: int


@dataclass
class Pools:
    """The pools of one run. now: the moment of the run."""

    now: datetime
    _known: dict[tuple[date, date], Pool] = field(default_factory=dict)

    def of(self, first: date, last: date, wished: Iterable[str] = ()) -> Pool:
        """Give the pool of the editions from `first` to `last`, with the searches among the wished lists."""
        span = (first, last)
        if span not in self._known:
            if len(self._known) >= KEPT:
                # A run that catches up with many spans must not keep them all.
                self._known.clear()
            self._known[span] = read(first, last)
        searches = {key for key in wished if key.partition("/")[0] in named.FOUND}
        if missing := searches - self._known[span].lists.keys():
            found, names = self._search(span, missing)
            pool = self._known[span]
            self._known[span] = replace(pool, lists={**pool.lists, **found}, names={**pool.names, **names})
        return self._known[span]

    def _search(self, span: tuple[date, date], keys: Iterable[str]) -> tuple[dict[str, Places], dict[str, str]]:
        """Give the places of the papers that searches find, by words or by meaning, and what those are called."""
        numbers, wanted = self._known[span].numbers, Filter(since=span[0], until=span[1])
        places: dict[str, Places] = {}
        names: dict[str, str] = {}
        for key in keys:
            try:
                names[key] = named.head(key).label
                found = named.found(key, wanted, FOUND_AT_MOST)
            except NoSuchList:
                # What was followed may be gone, as a paper that was withdrawn.
                found = []
            places[key] = as_places(np.flatnonzero(np.isin(numbers, found)).tolist() if found else ())
        return places, names


def read(first: date, last: date) -> Pool:
    """Read the pool of the editions from `first` to `last`."""
    rows = [_Row(*row) for row in lists.places(first, last).values_list(*_Row._fields)]
    ranked = by_heat(cast("list[Paper]", rows), last)
    papers = [cast(_Row, paper) for paper, _terms in ranked]
    fields = tuple(paper.categories.split(" ", 1)[0] for paper in papers)
    story, told = stories([paper.title for paper in papers], _vectors(papers), fields)
    found, names = _lists(papers)
    return Pool(
        numbers=np.array([paper.id for paper in papers], np.int64),
        keys=tuple(paper.key for paper in papers),
        fields=fields,
        votes=tuple(paper.votes for paper in papers),
        heat=tuple(round(terms.score, 4) for _paper, terms in ranked),
        story=story,
        stories=told,
        lists=found,
        names=names,
    )


def _vectors(papers: list[_Row]) -> NDArray[np.float32] | None:
    try:
        encoder = encoders.Card.read(encoders.place(settings.CONFIG.home, settings.CONFIG.encoder)).id
    except EncoderError:
        return None
    hashes = [paper.text_hash for paper in papers]
    data: dict[str, bytes] = {}
    for start in range(0, len(hashes), ASKED_AT_ONCE):
        wanted = Vector.objects.filter(encoder=encoder, text_hash__in=hashes[start : start + ASKED_AT_ONCE])
        data.update((text_hash, bytes(row)) for text_hash, row in wanted.values_list("text_hash", "data"))
    return unit_rows(data, hashes)


def _lists(papers: list[_Row]) -> tuple[dict[str, Places], dict[str, str]]:
    """Give the places of every list that holds one of the papers, and the names of lists."""
    places = {paper.id: place for place, paper in enumerate(papers)}
    found: dict[str, list[int]] = {}
    names: dict[str, str] = {}
    for place, paper in enumerate(papers):
        for code in paper.categories.split():
            found.setdefault(f"category/{code}", []).append(place)
    for number, kind, value, name in memberships(list(places)):
        key = f"{kind}/{value}"
        found.setdefault(key, []).append(places[number])
        names.setdefault(key, name)
    for key in EVERYTHING:
        found[key] = list(range(len(papers)))
    return {key: as_places(held) for key, held in found.items() if held}, names
