"""Invented readers and papers for tests of what readers do together."""

from datetime import UTC, datetime, timedelta

from broadsheet.papers.ingest import ingest
from broadsheet.papers.models import Paper
from broadsheet.papers.tests.again import written
from broadsheet.papers.tests.factory import paper
from broadsheet.readers.models import Reader

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


def reader(number: int = 1, **fields: object) -> Reader:
    """Keep the invented reader with this number, a member for a year whose vote weighs in full; `fields` replace."""
    made: dict[str, object] = {
        "email": f"reader{number}@lab.example",
        "handle": f"reader-{number}",
        "name": f"Reader {number}",
        "joined": NOON - timedelta(days=365),
        "standing": 1.0,
        "standing_terms": {"value": 1.0, "assessed": "2026-11-20"},
    }
    return Reader.objects.create(**(made | fields))


def a_paper(number: int = 1, **fields: object) -> Paper:
    """Take in the invented paper with this number and give it as the record keeps it; `fields` replace its data's."""
    data = paper(number, **fields)
    written(("a paper", repr(data)), lambda: ingest([data], now=NOON))
    return Paper.objects.get(identifiers__name=str(data.identifiers[0]))
