import gzip
import json
import os
import re
from collections import Counter
from datetime import UTC, date, datetime
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from broadsheet.record.identifiers import arxiv_id

DAYS = ("2024-10-08", "2024-10-10", "2024-10-11", "2024-10-17", "2024-10-18")
REQUIRED = {"id", "day", "title", "authors", "submitted", "categories", "votes", "comments", "summary"}
CATEGORY = re.compile(r"[a-z-]+(?:\.[A-Za-z-]{2,})?")
SENTENCE_END = re.compile(r"[.!?](?=\s+[A-Z0-9]|$)")
RUN = 6  # words in a row that would count as copied

Paper = dict[str, Any]


@pytest.fixture(scope="module")
def papers() -> list[Paper]:
    text = (files("broadsheet") / "sample" / "papers.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


@pytest.fixture(scope="module")
def published() -> dict[str, Paper]:
    """The recorded lists of the sample's days, by arXiv id."""
    beside = Path(__file__).resolve().parents[5] / "shared"
    path = Path(os.environ.get("BROADSHEET_SHARED", beside)) / "data" / "hf_daily" / "2024.jsonl.gz"
    if not path.is_file():
        pytest.skip(f"the recorded lists are not here: {path}")
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        entries = [json.loads(line) for line in lines]
    return {entry["paper"]["id"]: entry for entry in entries if entry["day"] in DAYS}


def runs(text: str) -> set[tuple[str, ...]]:
    words = re.findall(r"\w+", text.lower())
    return {tuple(words[start : start + RUN]) for start in range(len(words) - RUN + 1)}


def test_the_sample_has_five_days_and_about_150_papers(papers: list[Paper]) -> None:
    assert tuple(sorted({paper["day"] for paper in papers})) == DAYS
    assert 140 <= len(papers) <= 160
    assert min(Counter(paper["day"] for paper in papers).values()) >= 20
    assert all(date.fromisoformat(day).weekday() < 5 for day in DAYS)


def test_every_paper_has_a_bare_arxiv_id_and_appears_once(papers: list[Paper]) -> None:
    for paper in papers:
        read = arxiv_id(paper["id"])
        assert (read.value, read.version) == (paper["id"], 0)
    assert len({paper["id"] for paper in papers}) == len(papers)
    assert len({paper["title"].casefold() for paper in papers}) == len(papers)


def test_papers_are_sorted_by_day_then_votes(papers: list[Paper]) -> None:
    keys = [(paper["day"], -paper["votes"], paper["id"]) for paper in papers]
    assert keys == sorted(keys)


def test_every_field_is_there_and_well_formed(papers: list[Paper]) -> None:
    for paper in papers:
        assert REQUIRED <= set(paper) <= REQUIRED | {"code"}, paper["id"]
        texts = [paper["title"], paper["summary"], *paper["authors"]]
        assert paper["authors"] and all(text and text == " ".join(text.split()) for text in texts), paper["id"]
        assert 1 <= len(paper["categories"]) <= 2 and all(map(CATEGORY.fullmatch, paper["categories"])), paper["id"]
        assert paper["votes"] >= 0 and paper["comments"] >= 0, paper["id"]
        assert paper.get("code", "https://").startswith("https://"), paper["id"]


def test_every_paper_was_submitted_before_the_end_of_its_edition_day(papers: list[Paper]) -> None:
    for paper in papers:
        submitted = datetime.fromisoformat(paper["submitted"])
        assert submitted.tzinfo == UTC and submitted.date() <= date.fromisoformat(paper["day"]), paper["id"]


def test_summaries_are_one_or_two_short_sentences(papers: list[Paper]) -> None:
    for paper in papers:
        summary = paper["summary"]
        assert 120 <= len(summary) <= 360, paper["id"]
        assert summary.endswith(".") and 1 <= len(SENTENCE_END.findall(summary)) <= 2, paper["id"]
        assert not summary.startswith(("This paper", "We ", "In this")), paper["id"]
    assert len({paper["summary"] for paper in papers}) == len(papers)


def test_facts_are_those_that_were_published(papers: list[Paper], published: dict[str, Paper]) -> None:
    assert {paper["id"] for paper in papers} == set(published)
    for paper in papers:
        entry = published[paper["id"]]
        told = entry["paper"]
        assert paper["day"] == entry["day"]
        assert paper["title"] == " ".join(told["title"].split())
        assert paper["authors"] == [" ".join(author["name"].split()) for author in told["authors"]]
        assert (paper["submitted"], paper["votes"]) == (told["publishedAt"], told["upvotes"])
        assert paper["comments"] == entry["numComments"]


def test_code_is_named_only_where_the_abstract_names_it(papers: list[Paper], published: dict[str, Paper]) -> None:
    for paper in papers:
        address = paper.get("code", "").removeprefix("https://")
        assert address in published[paper["id"]]["paper"]["summary"], paper["id"]


def test_no_summary_shares_six_words_in_a_row_with_its_abstract(
    papers: list[Paper], published: dict[str, Paper]
) -> None:
    for paper in papers:
        shared = runs(paper["summary"]) & runs(published[paper["id"]]["paper"]["summary"])
        assert not shared, (paper["id"], shared)
