"""Orders of papers: by what readers gave to them, and by that and age together."""

from collections.abc import Iterable, Sequence
from datetime import date
from statistics import fmean

from broadsheet.community.rules import rules
from broadsheet.papers import schedule
from broadsheet.papers.models import Paper
from broadsheet.ranking.hot import HotTerms, hot, lot
from broadsheet.ranking.support import Counts, SupportTerms, support

Supported = tuple[Paper, SupportTerms]


def counts(paper: Paper) -> Counts:
    """Give what the formulas need of a paper."""
    return Counts(paper.vote_weight, paper.commenters, paper.votes_outside, paper.stars)


def by_support(papers: Iterable[Paper], key: str) -> list[Supported]:
    """Order papers by support, then recency, then by the lot they draw in the edition of that key."""
    valid = rules()
    supported = [(paper, support(counts(paper), valid)) for paper in papers]
    return sorted(supported, key=lambda pair: (-pair[1].total, -_moment(pair[0]), lot(pair[0].key, key)))


def _moment(paper: Paper) -> float:
    return paper.submitted.timestamp() if paper.submitted else 0.0


def why(paper: Paper, terms: SupportTerms) -> dict[str, object]:
    """Say why a paper stands where it stands in a dated list."""
    submitted = {"submitted": paper.submitted.date().isoformat()} if paper.submitted else {}
    return {"votes": paper.votes, **terms.to_json(), **submitted}


def by_heat(papers: Sequence[Paper], today: date) -> list[tuple[Paper, HotTerms]]:
    """Order papers by `ranking.hot` as of a day, each against the mean support of its field among them; ties by lot."""
    valid = rules()
    totals = {paper.id: support(counts(paper), valid).total for paper in papers}
    fields: dict[str, list[float]] = {}
    for paper in papers:
        fields.setdefault(_field(paper), []).append(totals[paper.id])
    means = {name: fmean(found) for name, found in fields.items()}
    overall = fmean(totals.values()) if totals else 0.0
    ages = {day: schedule.age(day, today) for day in {newest_day(paper) for paper in papers} if day}
    scored = [
        (paper, hot(counts(paper), ages.get(newest_day(paper), 0), means[_field(paper)], overall, valid))
        for paper in papers
    ]
    return sorted(scored, key=lambda pair: (-pair[1].score, lot(pair[0].key, today.isoformat())))


def newest_day(paper: Paper) -> date | None:
    """Give the newest day a paper stands in: that of its announcement, or the one a curator placed it in."""
    return max((day for day in (paper.announced, paper.placed) if day), default=None)


def _field(paper: Paper) -> str:
    return paper.categories.split(" ", 1)[0]
