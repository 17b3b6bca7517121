"""Invented subscriptions and papers for tests of digests."""

from datetime import UTC, date, datetime, timedelta

from broadsheet.digest.models import Subscription
from broadsheet.papers.ingest import ingest
from broadsheet.papers.models import Paper
from broadsheet.papers.tests.factory import paper

WEDNESDAY = date(2026, 11, 18)
LONG_AGO = datetime(2026, 10, 1, tzinfo=UTC)


def subscriber(number: int = 1, **fields: object) -> Subscription:
    """Keep an active subscription to everything, daily at seven in UTC; `fields` replace."""
    made: dict[str, object] = {
        "address": f"reader{number}@lab.example",
        "state": "active",
        "lists": ["edition"],
        "asked": LONG_AGO,
        "confirmed": LONG_AGO,
    }
    return Subscription.objects.create(**(made | fields))


def announce(*numbers: int, day: date = WEDNESDAY, **fields: object) -> list[Paper]:
    """Take in invented papers of one edition, each with a title of its own."""
    at = datetime.combine(day, datetime.min.time(), UTC)
    titles = {number: f"Case {number} of {number * 31} birds and {number * 77} nets" for number in numbers}
    given = {"announced": day, "submitted": at - timedelta(days=1)} | fields
    ingest([paper(number, **({"title": titles[number]} | given)) for number in numbers], now=at)
    return list(Paper.objects.filter(identifiers__name__in=[f"arxiv:2611.{number:05}" for number in numbers]))
