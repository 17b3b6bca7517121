import re
from datetime import date

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from broadsheet.foryou import signals
from broadsheet.foryou.models import List, Opened, Opinion, Shown, Taste, Tuned
from broadsheet.foryou.tests.reading import record
from broadsheet.foryou.tests.taste import vote
from broadsheet.lib import clock
from broadsheet.papers.models import Paper
from broadsheet.readers import tokens
from broadsheet.readers.models import Reader
from broadsheet.web.tests.accounts import reader, signed_in
from broadsheet.web.tests.conftest import MONDAY, NOW

pytestmark = pytest.mark.django_db
Papers = dict[str, list[Paper]]


@pytest.fixture
def papers(db: None) -> Papers:
    return record()


@pytest.fixture
def ada(papers: Papers) -> Reader:
    ada = reader("ada")
    vote(ada, *papers["bees"][:3])
    return ada


@pytest.fixture
def browser_of_ada(ada: Reader) -> Client:
    return signed_in(ada)


def text(client: Client, address: str = "/foryou") -> str:
    response = client.get(address)
    assert response.status_code == 200, response.status_code
    return response.content.decode()


def test_strangers_are_sent_to_sign_in_and_see_no_entry_for_it(client: Client, papers: Papers) -> None:
    response = client.get("/foryou")
    assert (response.status_code, response["Location"]) == (303, "/account/login/?next=/foryou")
    assert 'href="/foryou"' not in client.get("/").content.decode()


def test_the_list_says_what_it_was_learned_from_and_why(browser_of_ada: Client, papers: Papers) -> None:
    said = text(browser_of_ada)
    assert "learned from 3 papers you liked" in said
    assert "Because you liked" in said and "Lifted by what you liked" in said and "Of that, for its words" in said
    first = re.findall(r'id="paper-([^"]+)"', said)[:3]
    assert {paper.key for paper in papers["bees"][3:]} & set(first)
    assert 'aria-current="page">For you' in said
    assert "A few questions make it better" in said


def test_it_is_for_one_pair_of_eyes(browser_of_ada: Client) -> None:
    response = browser_of_ada.get("/foryou")
    assert "private" in response["Cache-Control"] and "Cookie" in response["Vary"]
    assert b'name="robots" content="noindex"' in response.content


def test_a_reader_who_told_nothing_gets_what_trends_and_the_way_to_the_start(papers: Papers) -> None:
    said = text(signed_in(reader("bo")))
    assert "This list is not yours yet." in said and 'href="/foryou/start"' in said
    assert "What trends here" in said
    assert not List.objects.exists() and not Shown.objects.exists()


def test_an_empty_record_says_so() -> None:
    assert "No edition has come in yet." in text(signed_in(reader("bo")))


def test_what_a_page_showed_is_kept_once_and_by_get_alone(browser_of_ada: Client, ada: Reader) -> None:
    browser_of_ada.head("/foryou")
    browser_of_ada.get("/foryou", headers={"Sec-Purpose": "prefetch;prerender"})
    assert not Shown.objects.exists()
    text(browser_of_ada)
    text(browser_of_ada)
    assert Shown.objects.filter(reader=ada).count() == 25 < len(List.objects.get().picks)


def test_less_like_this_acts_at_once_and_can_be_undone(browser_of_ada: Client, papers: Papers) -> None:
    key = re.findall(r'id="paper-([^"]+)"', text(browser_of_ada))[0]
    response = browser_of_ada.post(f"/foryou/say/{key}", {"said": "less", "next": "/foryou"})
    assert (response.status_code, response["Location"]) == (303, "/foryou")
    said = text(browser_of_ada)
    assert f'id="paper-{key}"' not in said and "Less like" in said and "Undo" in said
    browser_of_ada.post(f"/foryou/say/{key}", {"said": "nothing"})
    assert not Opinion.objects.exists() and f'id="paper-{key}"' in text(browser_of_ada)


def test_not_this_leaves_a_like_or_a_word_out_and_undo_brings_it_back(browser_of_ada: Client, ada: Reader) -> None:
    said = text(browser_of_ada)
    like = re.findall(r'name="not" value="(paper:\d+)"', said)[0]
    word = re.findall(r'name="not" value="(word:[^"]+)"', said)[0]
    for told in (like, word):
        assert browser_of_ada.post("/foryou/tune", {"not": told}).status_code == 303
    assert {(row.kind, row.weight) for row in Tuned.objects.all()} == {("paper", 0), ("word", 0)}
    said = text(browser_of_ada)
    assert f'value="{like}"' not in re.sub(r'name="again"[^>]*', "", said)
    assert f'name="again" value="{like}"' in said and f'name="again" value="{word}"' in said
    assert len(signals.gather(ada).examples) == 2
    for told in (like, word):
        browser_of_ada.post("/foryou/tune", {"again": told})
    assert not Tuned.objects.exists()


def test_knobs_are_kept_and_shown(browser_of_ada: Client, ada: Reader) -> None:
    form = {"mine": "35", "width": "90", "days": "14", "opens": "1"}
    assert browser_of_ada.post("/foryou/knobs", form).status_code == 303
    taste = Taste.objects.get(reader=ada)
    assert (taste.mine, taste.width, taste.days, taste.opens) == (0.35, 0.9, 14, True)
    said = text(browser_of_ada)
    assert 'value="35"' in said and 'name="days" value="14" checked' in said and 'value="1" checked> <span>Rem' in said


def test_what_was_opened_is_kept_where_that_was_allowed_and_forgotten_when_it_no_longer_is(
    browser_of_ada: Client, papers: Papers
) -> None:
    address = f"/papers/{papers['bells'][0].key}"
    text(browser_of_ada, address)
    assert not Opened.objects.exists()
    form = {"mine": "80", "width": "30", "days": "7"}
    browser_of_ada.post("/foryou/knobs", form | {"opens": "1"})
    browser_of_ada.head(address)
    assert not Opened.objects.exists()
    text(browser_of_ada, address)
    text(browser_of_ada, address)
    assert Opened.objects.count() == 1
    browser_of_ada.post("/foryou/knobs", form)
    assert not Opened.objects.exists()


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("address", "form"),
    [
        ("/foryou/knobs", {}),
        ("/foryou/knobs", {"mine": "101", "width": "0", "days": "7"}),
        ("/foryou/knobs", {"mine": "-1", "width": "0", "days": "7"}),
        ("/foryou/knobs", {"mine": "٣", "width": "0", "days": "7"}),
        ("/foryou/knobs", {"mine": "1", "width": "1", "days": "8"}),
        ("/foryou/tune", {}),
        ("/foryou/tune", {"not": "interest:1"}),
        ("/foryou/tune", {"not": "paper:abc"}),
        ("/foryou/tune", {"not": "paper:" + "9" * 100}),
        ("/foryou/tune", {"not": "word:"}),
        ("/foryou/tune", {"not": "\x00"}),
    ],
)
def test_nonsense_is_refused_in_a_sentence(browser_of_ada: Client, address: str, form: dict[str, str]) -> None:
    response = browser_of_ada.post(address, form)
    assert response.status_code == 400
    assert not Tuned.objects.exists() and not Taste.objects.exists()


def test_unknown_papers_and_days_are_not_there(browser_of_ada: Client) -> None:
    assert browser_of_ada.post("/foryou/say/nope", {"said": "less"}).status_code == 404
    for key in ("2024-13-01", "yesterday", "9999-12-31", "%00"):
        assert browser_of_ada.get(f"/foryou/date/{key}").status_code == 404, key
    assert browser_of_ada.get("/foryou/say/nope").status_code == 405


def test_a_list_of_another_day_is_shown_as_it_was_made(browser_of_ada: Client, ada: Reader, papers: Papers) -> None:
    old = date(2024, 5, 20)
    picks = [{"id": papers["ink"][0].pk, "score": 1.0, "why": [{"chance": 0.2}], "arm": "far", "also": []}]
    List.objects.create(reader=ada, day=old, ranker="likeness/0", signals="s", picks=picks, made=NOW)
    said = text(browser_of_ada, f"/foryou/date/{old}")
    assert "The list of that day, as it was made." in said and papers["ink"][0].key in said
    assert "Less like this" not in said and not Shown.objects.exists()
    assert f'href="/foryou/date/{old}"' in text(browser_of_ada, f"/foryou/date/{MONDAY}")
    assert "No list of yours was made on that day." in text(browser_of_ada, "/foryou/date/2024-05-21")


def test_pages_of_a_long_list_go_on(browser_of_ada: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("broadsheet.web.views.foryou.PAGE", 5)
    first, second = text(browser_of_ada), text(browser_of_ada, "/foryou?page=2")
    assert 'rel="next"' in first
    assert not set(re.findall(r'id="paper-([^"]+)"', first)) & set(re.findall(r'id="paper-([^"]+)"', second))


def test_more_likes_ask_no_more_questions(browser_of_ada: Client, ada: Reader, papers: Papers) -> None:
    def asked() -> int:
        text(browser_of_ada)
        with CaptureQueriesContext(connection) as queries:
            text(browser_of_ada)
        return len(queries)

    few = asked()
    vote(ada, *papers["bees"][3:], *papers["bells"][:5])
    for paper in papers["ice"][:3]:
        signals.opine(ada, paper, False, "list", NOW)
    assert asked() <= few + 1


def test_signing_in_puts_it_first_among_the_sections(browser_of_ada: Client) -> None:
    sections = text(browser_of_ada, "/").partition('aria-label="Sections"')[2]
    assert sections.index('href="/foryou"') < sections.index(">Day<")


def test_feeds_and_programs_have_it_with_its_reasons(client: Client, ada: Reader) -> None:
    _row, secret = tokens.make(ada, "all", ["read", "feed"], days=None, now=clock.now())
    feed = client.get(f"/feeds/own/{secret}/foryou.atom")
    assert feed.status_code == 200 and b"<entry" in feed.content
    told = client.get("/api/v1/lists?key=foryou", headers={"Authorization": f"Bearer {secret}"})
    assert told.status_code == 200, told.content
    first = told.json()["papers"][0]
    assert any("Because you liked" in sentence for sentence in first["reasons"])
    assert client.get("/api/v1/lists?key=foryou").status_code == 404
