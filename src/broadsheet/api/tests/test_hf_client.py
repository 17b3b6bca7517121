"""The real huggingface_hub client, newest and 1.33.0, in process against an invented record."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx2
import huggingface_hub
import pytest
from django.conf import settings
from django.db import transaction

from broadsheet.api import object_ids
from broadsheet.api.tests.hf_site import (
    BARE,
    BY_DOI,
    CALLS,
    GONE,
    HEP,
    HOST,
    LINKS,
    MINE,
    OLDEST,
    RICH,
    all_calls,
    fill,
    in_process,
)
from broadsheet.papers import finding

pytestmark = pytest.mark.django_db
OLD_CLIENT = Path(sys.prefix) / "old-client"


@contextmanager
def filled(home: Path) -> Iterator[None]:
    values = {**settings.CONFIG.values, "encoder": "none"}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HF_HOME", str(home))
        patch.setattr(settings, "CONFIG", replace(settings.CONFIG, home=home, values=values))
        finding.forget()
        fill()
        finding.index()
        with in_process(huggingface_hub, httpx2):
            yield
        finding.forget()


@pytest.fixture
def site(tmp_path: Path) -> Iterator[None]:
    with filled(tmp_path):
        yield


def asked(calls: list[Any], name: str, **given: object) -> Any:  # noqa: ANN401 - what the client made of the answer
    return calls[CALLS.index((name, given))]


def ids(found: list[dict[str, Any]]) -> list[str]:
    return [paper["id"] for paper in found]


@pytest.fixture(scope="module")
def calls(django_db_setup: None, django_db_blocker: Any, tmp_path_factory: pytest.TempPathFactory) -> list[Any]:  # noqa: ANN401
    """What every call gave; they are made once, and no test changes it. Their record is gone afterwards."""
    with django_db_blocker.unblock(), transaction.atomic(), filled(tmp_path_factory.mktemp("calls")):
        made = all_calls(huggingface_hub)
        transaction.set_rollback(True)
    return made


def test_lists_hold_what_was_asked_for_in_the_order_of_the_editions(calls: list[Any]) -> None:
    everything = ids(asked(calls, "list_daily_papers"))
    assert everything[:4] == [RICH, MINE, BARE, OLDEST]
    assert len(everything) == 6
    assert GONE not in everything
    for given in ({"date": "2026-11-18"}, {"week": "2026-W47"}):
        assert ids(asked(calls, "list_daily_papers", **given)) == [RICH, MINE, BARE]
    assert ids(asked(calls, "list_daily_papers", month="2026-11")) == [RICH, MINE, BARE, OLDEST]
    assert ids(asked(calls, "list_daily_papers", month="2026-10")) == everything[4:]
    assert asked(calls, "list_daily_papers", date="2026-11-14") == []
    assert asked(calls, "list_daily_papers", p=50) == []
    assert ids(asked(calls, "list_daily_papers", limit=2)) == everything[:2]
    assert ids(asked(calls, "list_daily_papers", limit=2, p=1)) == everything[2:4]
    for same in ({"date": ""}, {"sort": "publishedAt"}, {"token": "hf_of_another_site"}):
        assert ids(asked(calls, "list_daily_papers", **same)) == everything
    assert set(ids(asked(calls, "list_daily_papers", sort="trending"))) == {RICH, MINE, BARE, OLDEST}


def test_a_submitter_is_a_reader_here_or_an_account_of_the_list(calls: list[Any]) -> None:
    assert ids(asked(calls, "list_daily_papers", submitter="bo")) == [MINE]
    assert ids(asked(calls, "list_daily_papers", submitter="Mel.Issa")) == [RICH]
    assert asked(calls, "list_daily_papers", submitter="nobody") == []
    assert ids(calls[16]) == [MINE]


def test_what_a_list_told_comes_out_in_every_attribute(calls: list[Any]) -> None:
    listed, single = asked(calls, "list_daily_papers")[0], asked(calls, "paper_info", id=RICH)
    for paper in (listed, single):
        assert paper["title"] == "On two suns, part 1"
        assert paper["summary"] == "Bees. $x\\_i$ “hum” \N{HONEYBEE}."
        assert (paper["upvotes"], paper["comments"], paper["github_stars"]) == (12, 3, 9)
        assert paper["published_at"] == "2026-11-17T08:01:00+00:00"
        assert paper["submitted_at"] == "2026-11-18T00:00:00+00:00"
        assert (paper["submitted_by"]["username"], paper["submitted_by"]["fullname"]) == ("Mel.Issa", "Mel Issa")
        assert paper["submitted_by"]["avatar_url"] == f"{HOST}/avatars/Mel.Issa.svg"
        assert paper["ai_summary"] == "Bees hum in tune."
        assert paper["ai_keywords"] == ["bees", "honey combs"]
        assert (paper["organization"]["name"], paper["organization"]["fullname"]) == ("hive", "The Hive")
        assert paper["organization"]["avatar_url"] == f"{HOST}/avatars/hive.svg"
        assert paper["project_page"] == LINKS[0].url
        assert paper["github_repo"] == LINKS[2].url
        assert paper["discussion_id"] == "66ac44677746f1e5ff6b71f3"
        assert paper["source"] == "arxiv"
        assert paper["mediaUrls"] == ["https://media.example/a.mp4"]
        ada, bo = paper["authors"]
        assert (ada["name"], ada["user"]["username"], ada["status"]) == ("Ada Example1", "ada-l", "claimed_verified")
        assert ada["status_last_changed_at"] == "2026-11-18T09:13:43.053000+00:00"
        assert (bo["name"], bo["status"], "user" in bo) == ("Bo Sample", "extracted_pending", False)
    assert listed["thumbnail"] == f"{HOST}/thumbnails/{RICH}.svg"
    assert listed["isAuthorParticipating"] is False
    assert [one["id"] for one in single["linked_models"]] == ["a/bee-base", "a/bee-large"]
    assert [one["id"] for one in single["linked_datasets"]] == ["a/honey"]
    assert [one["id"] for one in single["linked_spaces"]] == ["a/hum"]
    assert (single["num_total_models"], single["num_total_datasets"], single["numTotalSpaces"]) == (2, 1, 1)


def test_what_readers_here_gave_comes_out_too(calls: list[Any]) -> None:
    for paper in (asked(calls, "list_daily_papers")[1], asked(calls, "paper_info", id=MINE)):
        assert (paper["submitted_by"]["username"], paper["submitted_by"]["fullname"]) == ("bo", "Bo Sample")
        assert paper["submitted_by"]["_id"] == object_ids.user_id("bo")
        assert paper["organization"]["name"] == "lab"
        assert paper["project_page"] == "https://suns.example/"
        assert (paper["github_repo"], paper.get("githubRepoAddedBy", "auto")) == (
            "https://github.com/b/suns",
            "auto",
        )
        assert (paper["upvotes"], paper["comments"]) == (4, 2)
        assert "status" not in paper["authors"][0]
        assert paper["authors"][1]["user"]["username"] == "bo"
        assert paper["authors"][1]["status"] == "claimed_verified"
    assert asked(calls, "list_daily_papers")[1]["isAuthorParticipating"] is True


def test_a_bare_paper_has_no_more_than_it_has(calls: list[Any]) -> None:
    listed, single = asked(calls, "list_daily_papers")[2], asked(calls, "paper_info", id=BARE)
    assert listed["upvotes"] == single["upvotes"] == 0
    assert listed["submitted_by"]["username"] == "broadsheet"
    assert "submitted_by" not in single
    for paper in (listed, single):
        assert not paper.keys() & {"ai_summary", "ai_keywords", "organization", "project_page", "github_repo"}
        assert paper["comments"] == 0
    assert single["linked_models"] == []


def test_papers_are_found_by_every_kind_of_id(calls: list[Any]) -> None:
    assert asked(calls, "paper_info", id=RICH + "v2") == asked(calls, "paper_info", id=RICH)
    assert asked(calls, "paper_info", id=HEP)["id"] == HEP
    by_doi = asked(calls, "paper_info", id=BY_DOI)
    assert (by_doi["title"], by_doi["source"]) == ("On old clocks, part 5", "crossref")
    assert asked(calls, "paper_info", id=GONE)["withdrawnAt"] == "2026-11-20T12:00:00.000Z"


def test_search_gives_the_best_first_and_marks_its_words(calls: list[Any]) -> None:
    found = asked(calls, "list_papers", query="two suns")
    assert {RICH, MINE} & set(ids(found[:2]))
    assert {"type": "highlight", "text": "two"} in found[0]["highlightedTitle"] + found[0]["highlightedSummary"]
    for paper in found:
        assert "".join(piece["text"] for piece in paper["highlightedTitle"]) == paper["title"]
        assert "".join(piece["text"] for piece in paper["highlightedSummary"]) == paper["summary"]
        assert paper["upvoted"] is False
    assert ids(asked(calls, "list_papers", query="hum", limit=1)) == [RICH]
    assert ids(asked(calls, "list_papers")) == ids(asked(calls, "list_daily_papers"))
    assert len(asked(calls, "list_papers", query="", limit=3)) == 3


def test_errors_raise_what_they_raise_against_the_original(calls: list[Any]) -> None:
    failed = [one for one in calls if isinstance(one, dict) and "raised" in one]
    assert len(failed) == 11
    for one in failed[:9]:
        assert (one["raised"], one["status"]) == ("BadRequestError", 400), one
    for one in failed[9:]:
        assert (one["raised"], one["status"]) == ("HfHubHTTPError", 404), one
    assert failed[0]["says"] == '"date" is a day of the calendar, such as 2024-05-27.'
    assert all(one["says"] for one in failed)


def test_the_text_of_a_paper_is_read(calls: list[Any]) -> None:
    assert asked(calls, "read_paper", id=RICH).startswith("# On two suns, part 1\n")


def test_an_address_that_ends_in_a_slash_works(site: None) -> None:
    found = huggingface_hub.HfApi(endpoint=HOST + "/").paper_info(RICH)
    assert found.title == "On two suns, part 1"
    assert next(iter(huggingface_hub.HfApi(endpoint=HOST + "/").list_daily_papers())).id == RICH


@pytest.mark.slow
def test_the_last_client_of_the_first_series_reads_the_same(calls: list[Any], tmp_path: Path) -> None:
    if not OLD_CLIENT.is_dir():
        pytest.skip(f"huggingface-hub 1.33.0 is not at {OLD_CLIENT}; `make dev` puts it there")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("BROADSHEET_", "PYTEST_", "HF_"))}
    home = tmp_path / "old"
    environment = kept | {
        "PYTHONPATH": str(OLD_CLIENT),
        "BROADSHEET_HOME": str(home),
        "BROADSHEET_ENCODER": "none",
        "BROADSHEET_ALLOWED_HOSTS": "testserver",
        "HF_HOME": str(tmp_path / "hub"),
        "HF_HUB_DISABLE_IMPLICIT_TOKEN": "1",
    }
    command = [sys.executable, "-m", "broadsheet.api.tests.hf_site"]
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
    assert ran.returncode == 0, ran.stderr[-3000:]
    told = json.loads(ran.stdout)
    assert told["version"] == "1.33.0"
    for call, new, old in zip(CALLS, calls, told["calls"], strict=True):
        assert old == json.loads(json.dumps(new)), call
