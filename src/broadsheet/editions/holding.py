"""Which of many lists hold which of some papers: asked once for all, however many lists and readers there are."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from functools import lru_cache
from typing import Final

from django.conf import settings

from broadsheet.community.models import Affiliation
from broadsheet.editions import lists, named
from broadsheet.editions.named import NoSuchList
from broadsheet.lib.text import fold
from broadsheet.papers import finding
from broadsheet.papers.models import Authorship, Tag
from broadsheet.papers.store import tag_key
from broadsheet.search.types import Filter

# Numbers of one question: SQLite takes 250,000, PostgreSQL 65,000.
ASKED_AT_ONCE: Final = 20_000
FOUND_AT_MOST: Final = 500


def canonical(key: str) -> str:
    """Give the form of a list's key by which papers tell what they are in."""
    kind, _slash, value = key.partition("/")
    if kind == "author":
        return f"author/{fold(value)}"
    return f"tag/{tag_key(value)}" if kind == "tag" else key


def memberships(numbers: list[int]) -> Iterator[tuple[int, str, str, str]]:
    """Give (paper, kind, key, name) for the authors, tags and organisations of papers."""
    for start in range(0, len(numbers), ASKED_AT_ONCE):
        some = numbers[start : start + ASKED_AT_ONCE]
        written = Authorship.objects.filter(paper__in=some).values_list("paper_id", "name_key", "name")
        yield from ((number, "author", key, name) for number, key, name in written.order_by("paper_id", "position"))
        tagged = Tag.objects.filter(paper__in=some).values_list("paper_id", "key", "name").order_by("paper_id", "key")
        yield from ((number, "tag", key, name) for number, key, name in tagged)
        come = Affiliation.objects.filter(paper__in=some).order_by("paper_id", "organisation__slug")
        of = come.values_list("paper_id", "organisation__slug", "organisation__name")
        yield from ((number, "organisation", key, name) for number, key, name in of)


@lru_cache(maxsize=5_000)
def _found(home: str, indexed: int, key: str, since: date | None) -> frozenset[int]:
    """Give what a search finds. It stays the same while the same changes of the same record are indexed."""
    return frozenset(named.found(key, Filter(since=since), FOUND_AT_MOST))


class Holding:
    """Which lists hold which of some papers; what was asked once is known.

    categories: of each paper, by its number, divided by blanks. since: the first edition day of any of them.
    """

    def __init__(self, categories: Mapping[int, str], since: date | None) -> None:
        self.categories = categories
        self.since = since
        self._of_papers: dict[str, set[int]] | None = None
        self._known: dict[str, frozenset[int]] = {}

    def of(self, key: str) -> frozenset[int]:
        """Give the papers that the list of a key holds; none for one that is gone or brings nothing new."""
        plain = canonical(key)
        if plain not in self._known:
            self._known[plain] = frozenset(self._look(plain)) if self.categories else frozenset()
        return self._known[plain]

    def _look(self, key: str) -> Iterable[int]:
        kind, _slash, value = key.partition("/")
        if key == "edition":
            return self.categories
        if key == "trending":
            return {entry.paper.id for entry in lists.trending().entries} & self.categories.keys()
        if kind in named.FOUND:
            try:
                found = _found(str(settings.CONFIG.home), finding.indexed_up_to(), key, self.since)
            except NoSuchList:
                return ()
            return self.categories.keys() & found
        return self._by_papers().get(key, ())

    def _by_papers(self) -> dict[str, set[int]]:
        if self._of_papers is None:
            found: dict[str, set[int]] = {}
            for number, codes in self.categories.items():
                for code in codes.split():
                    found.setdefault(f"category/{code}", set()).add(number)
            for number, kind, value, _name in memberships(list(self.categories)):
                found.setdefault(f"{kind}/{value}", set()).add(number)
            self._of_papers = found
        return self._of_papers
