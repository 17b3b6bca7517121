"""Invented papers for tests."""

from dataclasses import replace
from datetime import UTC, date, datetime
from hashlib import sha256

from broadsheet.record.identifiers import Identifier
from broadsheet.record.paper import Author, PaperData

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
TOPICS = ("wet ground", "two suns", "slow rivers", "loud bees", "thin glass", "old clocks", "blue salt", "deep snow")


def paper(number: int, **values: object) -> PaperData:
    """Make the invented paper with this number; `values` replace fields."""
    topic = TOPICS[number % len(TOPICS)]
    made = PaperData(
        source="arxiv-jsonl",
        title=f"On {topic}, part {number}",
        abstract=f"We study {topic} for the {number}th time and find {number * 7919 % 1000} of it worth telling.",
        identifiers=(Identifier("arxiv", f"2611.{number:05}"),),
        authors=(Author(f"Ada Example{number}"), Author("Bo Sample", "Institute of Samples")),
        categories=("cs.LG", "cs.CL") if number % 2 else ("cs.CV",),
        submitted=datetime(2026, 11, 17, 8, number % 60, tzinfo=UTC),
        announced=date(2026, 11, 18),
        announced_by="estimate",
        version=1,
    )
    made = replace(made, **values)  # type: ignore[arg-type]
    return made if made.raw_hash else replace(made, raw_hash=sha256(repr(made).encode()).hexdigest())
