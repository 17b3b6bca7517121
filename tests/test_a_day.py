"""One announcement day from three sources on a loopback server to the edition a reader sees."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from pytest_django import Settings

from broadsheet.editions import lists
from broadsheet.lib.http import Http
from broadsheet.lib.tests.loopback import FakeTime, Loopback, fake_http, playing
from broadsheet.papers import completeness, finding
from broadsheet.papers.harvesting import harvest, site_source
from broadsheet.papers.models import Paper
from broadsheet.sources.tests.test_feeds import item, rss

pytestmark = pytest.mark.django_db
DAY = date(2026, 11, 20)
OAI = """<?xml version="1.0"?><OAI-PMH xmlns="http://www.openarchives.org/OAI/2.0/">
<responseDate>2026-11-20T12:00:00Z</responseDate><request verb="ListRecords">http://oai.example</request>
<ListRecords><record><header><identifier>oai:arXiv.org:2611.00001</identifier><datestamp>2026-11-20</datestamp>
<setSpec>cs:cs:AI</setSpec></header><metadata><arXiv xmlns="http://arxiv.org/OAI/arXiv/"><id>2611.00001</id>
<created>2026-11-18</created><authors><author><keyname>Ant</keyname><forenames>Ada</forenames>
<affiliation>Hill</affiliation></author></authors><title>Bees 1</title><categories>cs.AI cs.LG</categories>
<license>http://licence.example/by</license><abstract>On bees, told in full by the archive itself.</abstract></arXiv>
</metadata></record></ListRecords></OAI-PMH>"""
LISTED = """[{"paper": {"id": "2611.00002", "title": "Bees 2", "authors": [{"name": "Ada Ant"}], "upvotes": 7,
"summary": "On bees.", "publishedAt": "2026-11-18T09:00:00.000Z", "submittedOnDailyAt": "2026-11-20T03:00:00.000Z",
"githubRepo": "https://github.com/example/bees"}, "numComments": 2}]"""


@pytest.fixture
def server() -> Iterator[Loopback]:
    with playing() as loopback:
        loopback.answer("/rss/cs.AI", rss(item(1), item(2), item(3, "replace", version=2, month="2512")))
        loopback.answer("/oai", OAI)
        loopback.answer("/api/daily_papers", "[]")
        loopback.answer("/api/daily_papers?date=2026-11-20&limit=100", LISTED)
        yield loopback


@pytest.fixture
def http(tmp_path: Path) -> Http:
    return fake_http(tmp_path / "limits", FakeTime(datetime(2026, 11, 20, 12, tzinfo=UTC)))


@pytest.fixture(autouse=True)
def site(server: Loopback, tmp_path: Path, settings: Settings) -> None:
    values: dict[str, Any] = {
        **settings.CONFIG.values,
        "categories": ("cs.AI",),
        "encoder": "none",
        "arxiv_feeds_url": server.base,
        "arxiv_oai_url": f"{server.base}/oai",
        "huggingface_url": server.base,
    }
    settings.CONFIG = replace(settings.CONFIG, home=tmp_path, values=values)
    finding.forget()


def harvest_all(http: Http) -> dict[str, str]:
    names = ("arxiv-feeds", "arxiv-oai", "huggingface")
    return {name: harvest(site_source(name), http=http, clock=http.clock).state for name in names}


def test_three_sources_make_one_edition(http: Http) -> None:
    assert set(harvest_all(http).values()) == {"done"}
    edition = lists.day(DAY, http.clock())
    assert [(entry.paper.key, entry.paper.votes) for entry in edition.entries] == [("2611.00002", 7), ("2611.00001", 0)]
    first, second = Paper.objects.get(key="2611.00001"), Paper.objects.get(key="2611.00002")
    assert first.announced_by == "feed"
    assert (first.abstract, first.authors) == (
        "On bees, told in full by the archive itself.",
        [{"name": "Ada Ant", "affiliation": "Hill"}],
    )
    assert second.links == [{"kind": "code", "url": "https://github.com/example/bees"}] and second.has_code


def test_a_replacement_of_an_old_paper_is_recorded_but_is_no_news(http: Http) -> None:
    harvest_all(http)
    old = Paper.objects.get(key="2512.00003")
    assert old.announced is None
    assert old.key not in {entry.paper.key for entry in lists.day(DAY, http.clock()).entries}


def test_a_second_harvest_changes_nothing(http: Http) -> None:
    harvest_all(http)
    before = list(Paper.objects.order_by("id").values())
    harvest_all(http)
    assert list(Paper.objects.order_by("id").values()) == before


def test_the_day_is_known_to_be_complete(http: Http) -> None:
    harvest_all(http)
    days = completeness.recent_days(http.clock(), ("arxiv-feeds", "arxiv-oai", "huggingface"), 1)
    assert {part.source: part.state for part in days[0].parts} == {
        "arxiv-feeds": "complete",
        "arxiv-oai": "complete",
        "huggingface": "complete",
    }


def test_what_was_harvested_is_found(http: Http) -> None:
    harvest_all(http)
    finding.index()
    assert [hit.paper.key for hit in finding.find("told in full", mode="lexical").hits] == ["2611.00001"]
