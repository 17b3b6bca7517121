"""What pages say: years where they differ, counts of what stands there, the desk's terms in words."""

import re
from datetime import date
from html import unescape
from pathlib import Path

import pytest
from django.test import Client
from pytest_django import Settings

from broadsheet.community.models import Finding, Submission
from broadsheet.community.tests.factory import NOON, reader
from broadsheet.papers.ingest import ingest
from broadsheet.papers.models import Paper
from broadsheet.readers.models import Reader
from broadsheet.web import card_html, standing
from broadsheet.web.card_html import Looking
from broadsheet.web.numbers import counted
from broadsheet.web.tests.conftest import NOW, made


def read(client: Client, address: str) -> str:
    return unescape(client.get(address).content.decode())


def test_an_edition_of_another_year_is_named_with_its_year(edition: int, client: Client) -> None:
    ingest([made(40, announced=date(2023, 12, 29))], now=NOW)
    assert "Fri 29 Dec 2023" in read(client, "/date/2024-05-27")
    assert "Week 52, 2023" in read(client, "/week/2024-W22")
    assert "Mon 27 May 2024" in read(client, "/date/2023-12-29")


def test_an_edition_of_the_same_year_is_named_without_it(edition: int, client: Client) -> None:
    ingest([made(40, announced=date(2024, 5, 24))], now=NOW)
    told = read(client, "/date/2024-05-27")
    assert "Fri 24 May" in told and "Fri 24 May 2024" not in told


@pytest.mark.parametrize(
    ("name", "mark"),
    [
        ("Broadsheet", '"nameplate"'),
        ("The Lab's Broadsheet", "nameplate-long"),
        ("The Daily of " * 4, "nameplate-longer"),
    ],
)
def test_a_long_name_is_set_smaller_and_the_version_stays_broadsheets(
    edition: int, client: Client, settings: Settings, name: str, mark: str
) -> None:
    settings.CONFIG.values["site_name"] = name
    told = read(client, "/")
    assert mark in told
    assert "· Broadsheet " in told


def test_a_paper_leads_to_the_comments_that_stand_there_and_tells_of_others(edition: int, client: Client) -> None:
    Paper.objects.filter(key="2405.15003").update(comments_outside=3)
    told = read(client, "/papers/2405.15003")
    assert "3 more comments were counted elsewhere." in told
    assert ">Discuss</a>" in told and ">3 comments</a>" not in told


def test_only_who_is_in_a_group_is_offered_to_put_a_paper_on_its_list(edition: int, client: Client) -> None:
    client.force_login(reader(1))
    assert "/groups/put/" not in read(client, "/papers/2405.15001")


def test_the_desk_tells_a_readers_standing_and_findings_in_words(edition: int, client: Client) -> None:
    one = reader(1)
    terms = {"start": 0.005, "age_part": 1.0, "active_part": 0.25, "accepted_part": 0.05, "discount": 0.9, "value": 0.1}
    Reader.objects.filter(pk=one.pk).update(standing_terms=terms)
    found = Finding.objects.create(
        key="b", kind="burst", paper=Paper.objects.get(key="2405.15001"), discount=0.9, found=NOON,
        evidence={"peak_votes": 6, "window_hours": 6.0},
    )  # fmt: skip
    found.members.set([one])
    client.force_login(reader(9, role="moderator"))
    told = read(client, "/desk/readers/reader-1")
    for words in ("began at 0.5 %", "time here 100 %", "contributions +5 %", "findings take 90 %", "to decide"):
        assert words in told
    assert "Many new accounts voted for one paper" in told and "age part" not in told
    assert "Most within the hours looked at" in read(client, "/desk/votes")


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("terms", "told"),
    [
        ({}, []),
        ({"by_role": True, "upheld_factor": 0.5}, [("in full, by the role", ""), ("upheld reports leave", "50 %")]),
    ],
)
def test_terms_that_change_nothing_are_left_out(terms: dict[str, object], told: list[tuple[str, str]]) -> None:
    assert standing.terms(Reader(standing_terms=terms)) == told


def test_a_vote_that_began_below_one_percent_does_not_begin_at_none(db: None) -> None:
    said = " ".join(standing.sentences(Reader(standing_terms={"start": 0.005})))
    assert "began at 0.5 %" in said


def test_the_title_of_a_submission_is_set_with_its_formulas(edition: int, client: Client) -> None:
    one = reader(1)
    Submission.objects.create(reader=one, name="title:x", title="Weather in $L_2$", at=NOON)
    client.force_login(one)
    told = read(client, "/submissions")
    assert "<math" in told and "$L_2$" not in told


def test_the_page_about_the_api_sets_names_as_code(edition: int, client: Client) -> None:
    assert "`" not in read(client, "/api/v1/docs").partition("<main")[2]


def test_templates_write_apostrophes_as_printers_do() -> None:
    templates = Path(standing.__file__).with_name("templates")
    straight = re.compile(r"[A-Za-z]'(?:[a-z]\b|[ ,.;](?=[A-Za-z]))")
    found = [
        f"{place.name}: {text}" for place in templates.rglob("*.html") for text in straight.findall(place.read_text())
    ]
    assert found == []


@pytest.mark.parametrize(("number", "said"), [(0, "0"), (999, "999"), (8880, "8,880"), (2_400_000, "2,400,000")])
def test_counts_have_their_thousands_apart(number: int, said: str) -> None:
    assert counted(number) == said


@pytest.mark.parametrize("looking", [Looking(), Looking(reader=True)])
def test_votes_past_a_thousand_are_counted_with_their_thousands_apart(looking: Looking) -> None:
    button = card_html.vote(Paper(key="2405.15003", votes=1234), voted=False, hint="", looking=looking)
    assert ">1,234<" in button.replace("</span> 1,234", "</span>>1,234")
