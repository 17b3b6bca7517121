"""Orders of papers: by what readers gave to them, and by that and age together."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from itertools import chain
from math import fsum, inf
from statistics import fmean
from types import MappingProxyType
from typing import Final

from broadsheet.community.rules import rules
from broadsheet.papers import schedule
from broadsheet.papers.models import Paper
from broadsheet.ranking.hot import HotTerms, hot, lot
from broadsheet.ranking.support import Counts, SupportTerms, in_steps, support

# Of papers: their newest day and their field.
Group = tuple[date, str]
NOTHING: Final = Counts(0.0, 0.0, 0, 0)


@dataclass(frozen=True, slots=True)
class Supported:
    """A paper with the terms of its support; `counted` is the support in steps, by which it stands in its list."""

    paper: Paper
    terms: SupportTerms
    counted: float

    @property
    def why(self) -> dict[str, object]:
        """Say why the paper stands where it stands in a dated list."""
        submitted = {"submitted": self.paper.submitted.date().isoformat()} if self.paper.submitted else {}
        return {"votes": self.paper.votes, **self.terms.to_json(), "counted": round(self.counted, 4), **submitted}


def counts(paper: Paper) -> Counts:
    """Give what the formulas need of a paper."""
    return Counts(paper.vote_weight, paper.commenters, paper.votes_outside, paper.stars)


def by_support(papers: Iterable[Paper], key: str) -> list[Supported]:
    """Order papers by support in steps, then recency, then by the lot they draw in the edition of that key."""
    valid = rules()
    terms = [(paper, support(counts(paper), valid)) for paper in papers]
    mean = fmean(found.total for _paper, found in terms) if terms else 0.0
    supported = [Supported(paper, found, in_steps(found, mean, valid)) for paper, found in terms]
    return sorted(supported, key=lambda one: (-one.counted, -_moment(one.paper), lot(one.paper.key, key)))


def _moment(paper: Paper) -> float:
    return paper.submitted.timestamp() if paper.submitted else 0.0


def by_heat(papers: Sequence[Paper], today: date) -> list[tuple[Paper, HotTerms]]:
    """Order papers by `ranking.hot` as of a day, each against the mean support of its field among them; ties by lot."""
    return Heat(papers, today).order(papers)


class Heat:
    """What `ranking.hot` gives the papers of a span as of a day, each against the mean support of its field.

    quiet: how many papers the span has beside these that nobody supports, by their newest day and field: those of one
    group have one score, so that a list need not read them to know where they would stand.
    """

    def __init__(self, papers: Iterable[Paper], today: date, quiet: Mapping[Group, int] = MappingProxyType({})) -> None:
        self._today, self._rules = today, rules()
        total = cache(lambda one: support(one, self._rules).total)
        totals: dict[str, list[float]] = defaultdict(list)
        for paper in papers:
            totals[field_of(paper)].append(total(counts(paper)))
        numbers = Counter({field: len(found) for field, found in totals.items()})
        for (_day, field), number in quiet.items():
            numbers[field] += number
        self._means = {field: fsum(totals[field]) / number for field, number in numbers.items()}
        self._overall = fsum(chain.from_iterable(totals.values())) / max(1, numbers.total())
        # Of thousands of papers most have the terms of many others.
        self._worked_out = cache(self._work_out)
        self._age = cache(lambda day: schedule.age(day, today) if day else 0)
        scores = {(day, field): self._terms(NOTHING, day, field).score for day, field in quiet}
        self._quiet = [(scores[group], quiet[group], group) for group in sorted(scores, key=lambda one: -scores[one])]

    def _terms(self, one: Counts, day: date | None, field: str) -> HotTerms:
        return self._worked_out(one, self._age(day), self._means[field])

    def _work_out(self, one: Counts, age: int, field_mean: float) -> HotTerms:
        return hot(one, age, field_mean, self._overall, self._rules)

    def hottest(self, limit: int) -> list[Group]:
        """Give the groups of quiet papers of which any may be among the first `limit` of the list."""
        found: list[Group] = []
        reached, last = 0, -inf
        for score, papers, group in self._quiet:
            if reached >= limit and score < last:
                break
            found.append(group)
            reached, last = reached + papers, score
        return found

    def order(self, papers: Iterable[Paper]) -> list[tuple[Paper, HotTerms]]:
        """Put papers in order, with their terms; ties by lot."""
        scored = [(paper, self._terms(counts(paper), newest_day(paper), field_of(paper))) for paper in papers]
        key = self._today.isoformat()
        return sorted(scored, key=lambda pair: (-pair[1].score, lot(pair[0].key, key)))


def newest_day(paper: Paper) -> date | None:
    """Give the newest day a paper stands in: that of its announcement, or the one a curator placed it in."""
    announced, placed = paper.announced, paper.placed
    return max(announced, placed) if announced and placed else announced or placed


def field_of(paper: Paper) -> str:
    """Give the field of a paper: the first of its categories."""
    return paper.categories.split(" ", 1)[0]
