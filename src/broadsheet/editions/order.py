"""Orders of papers: by what readers gave to them, and by that and age together."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from statistics import fmean

from broadsheet.community.rules import rules
from broadsheet.papers import schedule
from broadsheet.papers.models import Paper
from broadsheet.ranking.hot import HotTerms, hot, lot
from broadsheet.ranking.support import Counts, SupportTerms, in_steps, support


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
    valid = rules()
    # Of thousands of papers most have the counts of many others: what follows from them is worked out once.
    counted = [(paper, counts(paper)) for paper in papers]
    totals = {one: support(one, valid).total for one in {one for _paper, one in counted}}
    fields: dict[str, list[float]] = {}
    for paper, one in counted:
        fields.setdefault(_field(paper), []).append(totals[one])
    means = {name: fmean(found) for name, found in fields.items()}
    overall = fmean(totals[one] for _paper, one in counted) if counted else 0.0

    @cache
    def age(day: date | None) -> int:
        return schedule.age(day, today) if day else 0

    @cache
    def terms(one: Counts, day: date | None, field: str) -> HotTerms:
        return hot(one, age(day), means[field], overall, valid)

    scored = [(paper, terms(one, newest_day(paper), _field(paper))) for paper, one in counted]
    key = today.isoformat()
    return sorted(scored, key=lambda pair: (-pair[1].score, lot(pair[0].key, key)))


def newest_day(paper: Paper) -> date | None:
    """Give the newest day a paper stands in: that of its announcement, or the one a curator placed it in."""
    announced, placed = paper.announced, paper.placed
    return max(announced, placed) if announced and placed else announced or placed


def _field(paper: Paper) -> str:
    return paper.categories.split(" ", 1)[0]
