"""Fields that all of arXiv's interfaces share, read one way."""

import re
from collections.abc import Collection
from datetime import UTC, date, datetime
from email.utils import parsedate_to_datetime

from broadsheet.record.identifiers import ArxivId, Identifier, dois
from broadsheet.sources.calendar import edition_day, next_edition

# Papers older than arXiv were put into it, none is older than this; and none is from the future.
FIRST_YEAR, LAST_YEAR = 1980, 2100
_WORK = r"(?:paper|article|manuscript|submission|preprint|work|draft|note|version|e-?print)"
_WITHDRAWN = re.compile(
    rf"^\W*(?:(?:this|the|our)\s+{_WORK}\s+)?(?:(?:has|have)\s+been\s+|is\s+|was\s+)?(?:now\s+|temporarily\s+|being\s+)*"
    r"withdrawn\b(?!\s+from\s+(?!(?:the\s+)?arxiv))",
    re.IGNORECASE,
)
_WITHDRAWN_WITHIN = re.compile(
    r"\bwithdrawn\s+by\s+(?:the\s+)?(?:author|submitter|arxiv)|"
    rf"\b{_WORK}\s+(?:(?:has|have)\s+been\s+|is\s+|was\s+)(?:now\s+|temporarily\s+|being\s+)*"
    r"withdrawn\b(?!\s+from\s+(?!(?:the\s+)?arxiv))",
    re.IGNORECASE,
)


def is_withdrawn(comments: str, abstract: str) -> bool:
    """Tell if the authors took a paper back: the comment says so, or the abstract does nothing but say so.

    Not withdrawn: a paper that was "withdrawn from" a conference, or whose abstract speaks of withdrawing.
    """
    return bool(_WITHDRAWN.match(comments) or _WITHDRAWN_WITHIN.search(comments) or _WITHDRAWN.match(abstract))


def read_day(text: str) -> date:
    """Read YYYY-MM-DD. Raises ValueError for anything else and for a year in which no paper was written."""
    if not re.fullmatch(r"\d{4}-\d\d-\d\d", text, re.ASCII):
        raise ValueError(f"{text!r} is not a date")
    return _plausible(date.fromisoformat(text))


def read_moment(text: str) -> datetime:
    """Read a moment in ISO 8601 or RFC 822 form, with its zone; a day alone is its midnight, UTC. Raises ValueError."""
    try:
        if re.match(r"\d{4}-", text, re.ASCII):
            moment = datetime.fromisoformat(text)
        else:
            moment = parsedate_to_datetime(text)
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        _plausible(moment.date())
        return moment
    except (ValueError, TypeError, OverflowError, IndexError) as error:
        raise ValueError(f"{text!r} is not a moment: {error}") from error


def estimate(submitted: datetime, paper: ArxivId, holidays: Collection[date]) -> date:
    """Estimate the edition of a paper from its submission, never before the month that its identifier names.

    The month is that of the first announcement and never back-dated, so a paper that was held up for longer is not put
    into an edition it cannot have been in.
    """
    first = date.fromisoformat(f"{paper.month}-01")
    day = edition_day(submitted, holidays)
    return day if day >= first else next_edition(first.replace(day=1), holidays)


def identifiers(paper: ArxivId, doi_field: str) -> tuple[Identifier, ...]:
    """Give the arXiv identifier first, then every DOI of a field that may hold several."""
    return tuple(dict.fromkeys((paper.identifier, *dois(doi_field))))


def _plausible(day: date) -> date:
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        raise ValueError(f"{day.isoformat()} is outside the years {FIRST_YEAR} to {LAST_YEAR}")
    return day
