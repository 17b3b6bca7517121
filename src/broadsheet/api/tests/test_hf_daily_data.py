"""Recorded lists of daily papers, taken in and asked for again: the client makes the same of our items as of theirs."""

import gzip
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any

import httpx2
import huggingface_hub
import pytest
from huggingface_hub.hf_api import PaperInfo
from pytest_django.fixtures import Settings

from broadsheet.api.tests.hf_site import in_process
from broadsheet.papers import finding
from broadsheet.papers.ingest import ingest
from broadsheet.sources import hf_daily

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 20, tzinfo=UTC)
# One of each half year's shape: without and with discussion ids, media as one text and as a list.
DAYS = ("2024-05-27", "2024-06-03", "2024-07-15", "2024-08-20", "2024-10-01", "2024-12-10", "2024-12-31")


@pytest.fixture
def recorded(shared: Path, tmp_path: Path, settings: Settings) -> Iterator[dict[str, list[dict[str, Any]]]]:
    """The recorded rows of some days, by day, with a site that has taken them in."""
    settings.CONFIG = replace(settings.CONFIG, home=tmp_path, values={**settings.CONFIG.values, "encoder": "none"})
    with gzip.open(shared / "hf_daily" / "2024.jsonl.gz", "rt") as file:
        lines = [line for line in file if any(f'"day": "{day}"' in line[:40] for day in DAYS)]
    ingest(hf_daily.read(BytesIO("".join(lines).encode()), "2024.jsonl", lambda: NOW), now=NOW)
    rows: dict[str, list[dict[str, Any]]] = {}
    for row in map(json.loads, lines):
        rows.setdefault(row["day"], []).append(row)
    with in_process(huggingface_hub, httpx2):
        yield rows
    finding.forget()


def one_line(text: str | None) -> str:
    return " ".join((text or "").split())


def authors(paper: PaperInfo) -> list[tuple[object, ...]]:
    """What the client knows of the authors; those who chose to be hidden are not kept here."""
    return [
        (
            one_line(author.name),
            author.user.username if author.user else None,
            one_line(author.user.fullname) if author.user else None,
            author.status,
            author.status_last_changed_at,
        )
        for author in paper.authors or []
        if not author.hidden
    ]


def test_every_field_comes_out_as_the_client_read_it_from_the_original(
    recorded: dict[str, list[dict[str, Any]]],
) -> None:
    api = huggingface_hub.HfApi(endpoint="http://testserver")
    seen = 0
    for day, rows in recorded.items():
        ours = {paper.id: paper for paper in api.list_daily_papers(date=day, limit=100)}
        # In the original of these years a submitter has a name and no user.
        submitters = {row["paper"]["id"]: row.get("submittedBy") or {} for row in rows}
        # A few titles stand there in two ways, with TeX and without.
        titles = {row["paper"]["id"]: {one_line(row["title"]), one_line(row["paper"]["title"])} for row in rows}
        originals = [PaperInfo(**{**row, "paper": dict(row["paper"])}) for row in rows]
        assert set(ours) == {paper.id for paper in originals}
        for theirs in originals:
            mine, by = ours[theirs.id], submitters[theirs.id]
            for found in (mine, api.paper_info(theirs.id)):
                assert found.title in titles[theirs.id]
                assert found.summary == one_line(theirs.summary)
                assert found.published_at == theirs.published_at
                assert authors(found) == authors(theirs)
                assert found.upvotes == (theirs.upvotes or 0)
                assert found.comments == theirs.comments
                assert found.submitted_at == datetime.fromisoformat(f"{day}T00:00:00+00:00")
                assert not theirs.discussion_id or found.discussion_id == theirs.discussion_id
                assert getattr(found, "mediaUrls", []) == media(theirs)
                if by:
                    assert found.submitted_by
                    assert (found.submitted_by.username, found.submitted_by.fullname) == (by["name"], by["fullname"])
                seen += 1
    assert seen > 100


def media(paper: PaperInfo) -> list[str]:
    """The pictures and films of a paper, in the form of any year; the site's own picture of a title is none."""
    told = getattr(paper, "mediaUrls", None) or [getattr(paper, "mediaUrl", "")]
    return [url for url in told if url.startswith("http") and "/social-thumbnails/" not in url]


def test_days_weeks_and_months_hold_the_papers_of_their_days(recorded: dict[str, list[dict[str, Any]]]) -> None:
    api = huggingface_hub.HfApi(endpoint="http://testserver")
    for given, days in (({"week": "2024-W22"}, DAYS[:1]), ({"month": "2024-12"}, DAYS[5:]), ({"month": "2024-09"}, ())):
        expected = {row["paper"]["id"] for day in days for row in recorded[day]}
        found = list(api.list_daily_papers(**given, limit=100))  # type: ignore[arg-type]
        assert {paper.id for paper in found} == expected
        assert [paper.submitted_at for paper in found] == sorted((p.submitted_at for p in found), reverse=True)  # type: ignore[type-var]


def test_pages_together_are_the_whole_list(recorded: dict[str, list[dict[str, Any]]]) -> None:
    api, seen, page = huggingface_hub.HfApi(endpoint="http://testserver"), [], 0
    while found := [paper.id for paper in api.list_daily_papers(p=page, limit=7)]:
        seen += found
        page += 1
    assert len(seen) == len(set(seen)) == sum(map(len, recorded.values()))
