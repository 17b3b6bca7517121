"""A site that mirrors Hugging Face's daily papers and lets its own readers vote; and one that mirrors another site."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from django.test import Client
from pytest_django import Settings

from broadsheet.community import votes
from broadsheet.community.tests.factory import reader
from broadsheet.editions import lists
from broadsheet.lib.http import Http
from broadsheet.lib.tests.loopback import FakeTime, Loopback, fake_http, playing
from broadsheet.papers import health
from broadsheet.papers.harvesting import Harvested, harvest, site_source
from broadsheet.papers.ingest import ingest
from broadsheet.papers.models import Change, Paper, Quarantined, SourceDay, Tag
from broadsheet.papers.tests.factory import paper
from broadsheet.readers.tests.site import configure
from broadsheet.record.paper import Listing, PaperData
from broadsheet.sources.files import open_items
from broadsheet.sources.hf_daily import parse_rows
from broadsheet.sources.registry import LIVE

pytestmark = pytest.mark.django_db

LIST = "/api/daily_papers"
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
THURSDAY, FRIDAY = date(2026, 11, 19), date(2026, 11, 20)


def row(number: int, upvotes: int, day: date = THURSDAY, **more: object) -> dict[str, object]:
    """A row as the service gives it today, with invented people."""
    account = {"_id": "a" * 24, "avatarUrl": "/a.svg", "fullname": "Bo Bug", "user": "bo", "type": "user"}
    told: dict[str, object] = {
        "id": f"2611.{number:05}",
        "title": f"Bees {number}",
        "summary": f"On bees, for the {number}th time.",
        "upvotes": upvotes,
        "publishedAt": "2026-11-17T00:00:00.000Z",
        "submittedOnDailyAt": f"{day}T00:00:00.000Z",
        "submittedOnDailyBy": account,
        "discussionId": "b" * 24,
        "ai_summary": "Bees, in short.",
        "ai_keywords": ["bees", "honey combs"],
        "ai_summary_model": "some/model",
        "githubRepo": "https://github.com/bees/hive",
        "githubRepoAddedBy": "auto",
        "githubStars": 9,
        "projectPage": "https://bees.example/",
        "mediaUrls": ["https://media.example/bees.mp4"],
        "organization": {"_id": "c" * 24, "name": "hive", "fullname": "The Hive", "avatar": "https://x.example/a.png"},
        "authors": [
            {"_id": "d" * 24, "name": "Ada Ant", "hidden": False},
            {
                "_id": "e" * 24,
                "name": "Bo Bug",
                "hidden": False,
                "user": account,
                "status": "claimed_verified",
                "statusLastChangedAt": "2026-11-18T09:13:43.053Z",
            },
        ],
    }
    submitter = {**account, "name": "bo", "isPro": False, "isHf": False, "followerCount": 7}
    return {
        "paper": {**told, **more},
        "publishedAt": "2026-11-16T20:00:00.000Z",
        "title": f"Bees {number}",
        "summary": told["summary"],
        "thumbnail": f"https://cdn.example/social-thumbnails/papers/2611.{number:05}.png",
        "numComments": 2,
        "submittedBy": submitter,
        "isAuthorParticipating": True,
    }


@pytest.fixture
def server(settings: Settings) -> Iterator[Loopback]:
    with playing() as loopback:
        configure(settings, sources=("huggingface",), huggingface_url=loopback.base)
        loopback.answer(LIST, "[]")
        yield loopback


@pytest.fixture
def http(tmp_path: Path) -> Http:
    return fake_http(tmp_path, FakeTime(NOON), limits={"127.0.0.1": 0.0})


def mirror(http: Http, now: datetime = NOON) -> Harvested:
    return harvest(site_source("huggingface"), http=replace(http, clock=lambda: now), clock=lambda: now)


def day_of(day: date) -> list[tuple[str, int]]:
    return [(entry.paper.key, entry.paper.votes) for entry in lists.whole(lists.day(day, NOON).entries)]


def play(server: Loopback, day: date, *rows: object, page: int = 0, more: bool = False) -> None:
    query = f"{LIST}?date={day}&limit=100" + (f"&p={page}" if page else "")
    link = f'<{server.base}{LIST}?date={day}&limit=100&p={page + 1}>; rel="next"' if more else ""
    server.answer(query, json.dumps(rows), Link=link)


def test_the_days_stand_here_as_they_are_listed_there(server: Loopback, http: Http) -> None:
    play(server, THURSDAY, row(1, 90), row(2, 40), more=True)
    play(server, THURSDAY, row(3, 3), page=1)
    play(server, FRIDAY, row(4, 5, FRIDAY))

    result = mirror(http)

    assert (result.state, result.report.new, Quarantined.objects.count()) == ("done", 4, 0)
    assert day_of(THURSDAY) == [("2611.00001", 90), ("2611.00002", 40), ("2611.00003", 3)]
    assert day_of(FRIDAY) == [("2611.00004", 5)]
    states = dict(SourceDay.objects.filter(day__in=(THURSDAY, FRIDAY)).values_list("day", "state"))
    assert states == {THURSDAY: "complete", FRIDAY: "complete"}
    assert [check.name for check in health.source_checks(NOON) if not check.ok] == []
    assert set(Tag.objects.values_list("key", flat=True)) == {"bees", "honey-combs"}


def test_counts_follow_on_reading_again_and_what_readers_gave_here_stays_on_top(server: Loopback, http: Http) -> None:
    play(server, THURSDAY, row(1, 90), row(2, 40))
    play(server, THURSDAY, row(2, 130), row(1, 80, githubStars=12))
    mirror(http)
    first = Paper.objects.get(key="2611.00001")
    votes.cast(reader(1), first, now=NOON)
    changes = Change.objects.count()

    again = mirror(http, NOON + timedelta(hours=1))

    assert (again.report.same, again.report.new, Change.objects.count()) == (2, 0, changes)
    first.refresh_from_db()
    assert (first.votes_outside, first.votes_here, first.votes, first.stars) == (80, 1, 81, 12)
    assert day_of(THURSDAY) == [("2611.00002", 130), ("2611.00001", 81)]


def test_a_keyword_more_is_a_change_and_the_same_list_again_is_none(server: Loopback, http: Http) -> None:
    play(server, THURSDAY, row(1, 90))
    play(server, THURSDAY, row(1, 90, ai_keywords=["wax"]))
    mirror(http)
    assert mirror(http, NOON + timedelta(hours=1)).report.linked == 1
    assert mirror(http, NOON + timedelta(hours=2)).report.same == 1
    assert set(Tag.objects.values_list("key", flat=True)) == {"wax"}


@pytest.mark.parametrize("broken", ["[", '{"error": "busy"}'])
def test_a_list_that_cannot_be_read_fails_aloud_and_goes_on_from_that_day(
    broken: str, server: Loopback, http: Http
) -> None:
    play(server, THURSDAY, row(1, 90))
    for _ in range(3):
        server.answer(f"{LIST}?date={FRIDAY}&limit=100", broken)
    play(server, FRIDAY, row(4, 5, FRIDAY))
    failed = mirror(http)
    assert (failed.state, failed.report.new) == ("failed", 1)
    assert [check.ok for check in health.source_checks(NOON)] == [False]
    asked = len(server.asked)
    assert mirror(http).report.new == 1
    assert len(server.asked) == asked + 1


def test_a_site_may_live_on_that_list_alone() -> None:
    assert "huggingface" in LIVE


def as_told(item: PaperData) -> PaperData:
    """What a list tells of a paper, in an order of its own where order says nothing."""
    return replace(item, raw_hash="", links=tuple(sorted(item.links, key=str)), signals=tuple(sorted(item.signals)))


def answered(client: Client, day: date) -> list[dict[str, object]]:
    response = client.get(LIST, {"date": day.isoformat(), "limit": "100"})
    assert response.status_code == 200, response.content
    return list(response.json())


def test_a_site_that_mirrors_a_site_has_the_same_papers(server: Loopback, http: Http, client: Client) -> None:
    told = [row(1, 90), row(2, 40, organization=None, mediaUrls=[], ai_keywords=[]), row(3, 3, authors=[])]
    first = [item for item in parse_rows(told, THURSDAY, today=FRIDAY) if isinstance(item, PaperData)]
    ingest(first, now=NOON)
    rows = answered(client, THURSDAY)

    again = [item for item in parse_rows(rows, THURSDAY, today=FRIDAY) if isinstance(item, PaperData)]
    assert [as_told(item) for item in again] == [as_told(item) for item in first]

    Paper.objects.all().delete()
    play(server, THURSDAY, *rows)
    assert mirror(http).report.new == 3
    assert [name for name, _ in day_of(THURSDAY)] == ["2611.00001", "2611.00002", "2611.00003"]
    assert [as_told(item) for item in parse_rows(answered(client, THURSDAY), THURSDAY, today=FRIDAY)] == [  # type: ignore[arg-type]
        as_told(item) for item in first
    ]


def test_votes_of_both_sites_add_up_where_one_mirrors_the_other(server: Loopback, http: Http, client: Client) -> None:
    ingest(parse_rows([row(1, 90)], THURSDAY, today=FRIDAY), now=NOON)
    votes.cast(reader(1), Paper.objects.get(), now=NOON)
    rows = answered(client, THURSDAY)
    Paper.objects.all().delete()
    play(server, THURSDAY, *rows)
    mirror(http)
    assert Paper.objects.get().votes_outside == 91


def test_a_paper_that_nobody_submitted_is_submitted_by_nobody_on_the_other_site_too(client: Client) -> None:
    ingest([paper(1, announced=THURSDAY)], now=NOON)
    (found,) = parse_rows(answered(client, THURSDAY), THURSDAY, today=FRIDAY)
    assert isinstance(found, PaperData) and (found.listing is None or found.listing.submitter is None)
    assert found.announced == THURSDAY


@pytest.mark.slow
@pytest.mark.parametrize("name", ["2024-05-27", "2024-06-03", "2024-10-01", "2024-12-11-drift", "2025-01-10-drift"])
def test_a_recorded_day_is_the_same_after_its_way_through_a_site(name: str, shared: Path, client: Client) -> None:
    told = [item for item in open_items(shared / "hf_daily" / "raw" / f"{name}.json")[1] if isinstance(item, PaperData)]
    ingest(told, now=NOON)
    day = date.fromisoformat(name[:10])
    again = {
        item.identifiers[0]: item
        for item in parse_rows(answered(client, day), day, today=FRIDAY)
        if isinstance(item, PaperData)
    }
    assert len(again) == len({item.identifiers[0] for item in told})
    for item in told:
        assert without_ours(again[item.identifiers[0]], item) == without_ours(item, item)


def without_ours(item: PaperData, first: PaperData) -> PaperData:
    """Leave out what our answer adds: a discussion where there was none, and code that the abstract names."""
    listing = item.listing or Listing()
    discussion = listing.discussion if first.listing and first.listing.discussion else ""
    listing = replace(listing, discussion=discussion, code_by="")
    return replace(as_told(item), links=tuple(link for link in item.links if link in first.links), listing=listing)
