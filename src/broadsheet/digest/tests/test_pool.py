import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from broadsheet.community import organisations
from broadsheet.community.tests.factory import NOON, reader
from broadsheet.digest.choose import Pool
from broadsheet.digest.pool import Pools, read
from broadsheet.digest.tests.people import WEDNESDAY, announce
from broadsheet.editions import lists
from broadsheet.editions.holding import canonical
from broadsheet.papers import finding
from broadsheet.papers.models import Paper, Vector
from broadsheet.record.paper import Author
from broadsheet.search.encoder import FORMAT

pytestmark = pytest.mark.django_db
TUESDAY, THURSDAY = WEDNESDAY - timedelta(days=1), WEDNESDAY + timedelta(days=1)


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, settings: Settings) -> Iterator[Path]:
    settings.CONFIG = replace(settings.CONFIG, home=tmp_path)
    finding.forget()
    yield tmp_path
    finding.forget()


def keys(pool: Pool, key: str) -> list[str]:
    return [pool.keys[place] for place in pool.lists.get(key, ())]


def test_a_pool_holds_the_papers_of_its_span_the_most_trending_first() -> None:
    announce(1, day=TUESDAY)
    announce(2, 3, 4)
    announce(5, day=THURSDAY)
    Paper.objects.filter(key="2611.00003").update(votes_outside=50)
    pool = read(TUESDAY, WEDNESDAY)
    assert pool.keys[0] == "2611.00003"
    assert sorted(pool.keys) == ["2611.00001", "2611.00002", "2611.00003", "2611.00004"]
    hot = [entry.paper.key for entry in lists.trending(now=NOON).entries if entry.paper.key in pool.keys]
    assert sorted(hot) == sorted(pool.keys) and hot[0] == pool.keys[0]
    assert pool.heat == tuple(sorted(pool.heat, reverse=True))
    assert pool.votes[0] == 50


def test_papers_that_were_withdrawn_or_hidden_are_not_in_it_and_placed_ones_are() -> None:
    announce(1, 2, 3)
    announce(9, day=WEDNESDAY - timedelta(days=300))
    Paper.objects.filter(key="2611.00001").update(withdrawn=True)
    Paper.objects.filter(key="2611.00002").update(hidden=True)
    Paper.objects.filter(key="2611.00009").update(placed=WEDNESDAY)
    assert sorted(read(WEDNESDAY, WEDNESDAY).keys) == ["2611.00003", "2611.00009"]


def test_lists_are_known_by_the_keys_that_people_give() -> None:
    announce(1, authors=(Author("Ada Lovelace"), Author("Éva Szép")), abstract="We use ImageNet.")
    announce(2, authors=(Author("Bo Sample"),), categories=("cs.CL", "stat.ML"))
    curator = reader(1, role="curator")
    lab = organisations.found(curator, "The Lab", "", [], "", now=NOON)
    organisations.affiliate(curator, lab, Paper.objects.get(key="2611.00002"), now=NOON)
    pool = read(WEDNESDAY, WEDNESDAY)
    assert keys(pool, canonical("author/ada lovelace")) == ["2611.00001"]
    assert keys(pool, canonical("author/Eva Szep")) == ["2611.00001"]
    assert pool.names[canonical("author/Eva Szep")] == "Éva Szép"
    assert keys(pool, canonical("tag/ImageNet")) == ["2611.00001"]
    assert keys(pool, "category/stat.ML") == ["2611.00002"]
    assert keys(pool, "category/stat") == []
    assert keys(pool, f"organisation/{lab.slug}") == ["2611.00002"]
    assert pool.names[f"organisation/{lab.slug}"] == "The Lab"
    assert sorted(keys(pool, "trending")) == sorted(keys(pool, "edition")) == ["2611.00001", "2611.00002"]


def test_searches_are_asked_once_in_a_run_and_inside_of_the_span() -> None:
    announce(1, day=TUESDAY, abstract="Of two suns and more.")
    announce(2, abstract="Of two suns.")
    announce(3, abstract="Of one moon.")
    finding.index()
    pools = Pools(NOON)
    assert keys(pools.of(WEDNESDAY, WEDNESDAY, ["search/two suns"]), "search/two suns") == ["2611.00002"]
    assert keys(pools.of(WEDNESDAY, WEDNESDAY, ["search/nothing such"]), "search/nothing such") == []
    assert keys(pools.of(WEDNESDAY, WEDNESDAY), "search/two suns") == ["2611.00002"]
    assert len(pools.of(TUESDAY, WEDNESDAY, ["search/two suns"]).lists["search/two suns"]) == 2


def test_a_span_is_read_once_in_a_run_and_in_few_questions() -> None:
    announce(*range(1, 20))
    pools = Pools(NOON)
    with CaptureQueriesContext(connection) as asked:
        first = pools.of(WEDNESDAY, WEDNESDAY, ["category/cs.CL"])
    assert len(asked) <= 6
    with CaptureQueriesContext(connection) as again:
        assert pools.of(WEDNESDAY, WEDNESDAY, ["edition"]) is first
    assert len(again) == 0


def test_a_day_without_papers_gives_an_empty_pool() -> None:
    assert len(read(WEDNESDAY, WEDNESDAY)) == 0


def test_near_duplicates_are_known_by_their_titles_and_their_vectors(own_home: Path) -> None:
    announce(1, 2, title="A long walk beside slow rivers")
    announce(3, 4, 5)
    folder = own_home / "encoders" / "minilm-int8"
    folder.mkdir(parents=True)
    card = {"id": "e1", "dim": 2, "max_length": 8, "recipe": "", "sums": {}, "cosine": 1.0, "format": FORMAT}
    (folder / "encoder.json").write_text(json.dumps(card))
    rows = {"2611.00003": [1, 0], "2611.00004": [0.98, 0.2], "2611.00005": [0, 1]}
    for key, row in rows.items():
        text_hash = Paper.objects.get(key=key).text_hash
        Vector.objects.create(encoder="e1", text_hash=text_hash, data=np.array(row, "<f2").tobytes())
    pool = read(WEDNESDAY, WEDNESDAY)
    told = {tuple(sorted(pool.keys[place] for place in places)) for places in pool.stories.values()}
    assert told == {("2611.00001", "2611.00002"), ("2611.00003", "2611.00004")}
