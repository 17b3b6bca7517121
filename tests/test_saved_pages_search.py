"""The saved pages, imported, indexed with the real encoder and searched by command: heads, buckets, tails."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pytest_django import Settings

from broadsheet.cli import DONE, main
from broadsheet.lib.text import title_key
from broadsheet.papers import finding
from broadsheet.papers.models import Paper

# One process reads the pages and builds their index, for all of these.
pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True), pytest.mark.xdist_group("saved pages")]
Name = tuple[int, int]

# Heads by bucket, best first; the few full matches that the pages have in their tails stand with their equals here.
HEADS: dict[str, list[set[Name]]] = {
    "independently trained": [
        {(3, rank) for rank in range(1, 15)},
        {(3, 15)},
        {(3, rank) for rank in range(16, 28)} | {(3, 101)},
        {(3, rank) for rank in range(28, 31)},
        {(3, rank) for rank in range(31, 35)} | {(4, 34)},
    ],
    "initial loss": [
        {(2, 1), (2, 2)},
        {(2, 3)},
        {(2, rank) for rank in range(4, 15)},
        {(2, rank) for rank in range(15, 45) if rank != 27} | {(2, rank) for rank in (45, 55, 88, 95, 98)},
    ],
    "auxiliary consistency loss": [{(4, 1)}, {(4, 2)}, {(4, 3)}],
}


@pytest.fixture
def names(
    shared: Path, real_encoder_home: Path, tmp_path: Path, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> Iterator[dict[str, set[Name]]]:
    """Import and index the pages; give, for each paper's key, the places where the pages list it."""
    settings.CONFIG = replace(settings.CONFIG, home=tmp_path)
    (tmp_path / "encoders").symlink_to(real_encoder_home / "encoders")
    finding.forget()
    assert main(["import", str(shared / "pages")]) == main(["index"]) == DONE
    capsys.readouterr()
    keys = {title_key(title): key for key, title in Paper.objects.values_list("key", "title")}
    places: dict[str, set[Name]] = {}
    for line in (shared / "pages" / "titles.jsonl").read_text().splitlines():
        row = json.loads(line)
        places.setdefault(keys[title_key(row["title"])], set()).add((row["page"], row["rank"]))
    yield places
    finding.forget()


def search(capsys: pytest.CaptureFixture[str], query: str) -> list[dict[str, Any]]:
    assert main(["search", query, "--limit", "120", "--json"]) == DONE
    found: list[dict[str, Any]] = json.loads(capsys.readouterr().out)["hits"]
    return found


def key_of(hit: dict[str, Any]) -> tuple[int, int, int]:
    why = hit["why"]
    return why["typos"], why["proximity"], -why["title_words"]


def test_heads_buckets_and_tails_are_those_of_the_saved_pages(
    names: dict[str, set[Name]], capsys: pytest.CaptureFixture[str]
) -> None:
    for query, buckets in HEADS.items():
        hits = search(capsys, query)
        assert [hit["rank"] for hit in hits] == list(range(1, 121))
        assert len({hit["id"] for hit in hits}) == 120, f"{query}: a paper twice"
        blocks = [hit["block"] for hit in hits]
        head = [hit for hit in hits if hit["block"] == "words" and hit["why"]["typos"] == 0]
        assert blocks == sorted(blocks, reverse=True), f"{query}: a paper by meaning before one by words"
        assert [key_of(hit) for hit in head] == sorted(key_of(hit) for hit in head)
        at = 0
        for bucket in buckets:
            wanted = {key for key, places in names.items() if places & bucket}
            assert {hit["id"] for hit in head[at : at + len(wanted)]} == wanted, f"{query}: bucket at {at}"
            at += len(wanted)
        assert at == len(head), f"{query}: more papers hold all words than the pages show"


def test_the_order_among_the_self_training_papers_is_that_of_the_page(
    names: dict[str, set[Name]], capsys: pytest.CaptureFixture[str]
) -> None:
    hits = search(capsys, "self training algorithms")
    rank = {place: hit["rank"] for hit in hits for place in names[hit["id"]] if hit["block"] == "words"}
    page = [(1, number) for number in (1, 2, 3, 4, 5)]
    assert hits[0]["id"] == next(key for key, places in names.items() if (1, 1) in places)
    assert [rank[place] for place in page] == sorted(rank[place] for place in page)
    assert rank[1, 5] < min(rank[1, 6], rank[1, 7]) and max(rank[1, 6], rank[1, 7]) < rank[1, 8]
    assert rank[1, 8] < rank[1, 9] < rank[1, 12] and rank[1, 10] < rank[1, 12]
