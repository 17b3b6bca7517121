import re
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from broadsheet.foryou import asking
from broadsheet.foryou import map as topic_map
from broadsheet.foryou.map import Map, Place
from broadsheet.foryou.models import Opinion, Seed, Wish
from broadsheet.learning.ask import Enough
from broadsheet.papers.models import Paper
from broadsheet.web.tests.accounts import reader, signed_in

START, ASK = "/foryou/start", "/foryou/ask"


@pytest.fixture
def drawn(edition: int, monkeypatch: pytest.MonkeyPatch) -> Map:
    numbers = list(Paper.objects.order_by("pk").values_list("pk", flat=True))
    made = Map(
        "v1",
        (
            Place(("<b>winds", "planets"), 0.6, 0.1, 0.2, tuple(numbers[:5])),
            Place(("honey",), 0.4, 0.9, 0.8, tuple(numbers[5:10])),
        ),
    )
    monkeypatch.setattr(topic_map, "current", lambda: made)
    return made


@pytest.fixture
def ada(drawn: Map) -> Client:
    return signed_in(reader())


def seeded(origin: str) -> list[str]:
    return list(Seed.objects.filter(origin=origin).order_by("paper").values_list("paper__key", flat=True))


def text(answer: Any) -> str:  # noqa: ANN401 - what the test client gives has no name
    return str(answer.content.decode())


def test_strangers_are_sent_to_sign_in(drawn: Map, client: Client) -> None:
    assert client.get(START).status_code == client.get(ASK).status_code == 303
    assert client.post(START, {"words": "x"}).status_code == 303 and not Wish.objects.exists()


def test_the_map_has_a_tick_box_for_every_land_and_names_are_escaped(ada: Client) -> None:
    html = text(ada.get(START))
    assert html.count('name="topic"') == 2 and html.count("<svg") == 2 and "<b>winds" not in html
    assert html.count('data-topic="topic-1"') == 2 and "&lt;b&gt;winds, planets" in html
    assert 'style="' not in html and "onclick" not in html


def test_a_topic_is_learned_from_its_three_most_typical_papers_and_can_be_taken_back(ada: Client, drawn: Map) -> None:
    sent = ada.post(START, {"mapped": "v1", "topic": ["1", "1", "99", "x", "-1"]})
    assert (sent.status_code, sent.headers["Location"]) == (303, ASK)
    assert set(Seed.objects.values_list("paper_id", flat=True)) == set(drawn.places[0].papers[:3])
    assert re.search(r'value="1" checked', text(ada.get(START)))
    ada.post(START, {"mapped": "v1", "topic": ["2"], "list": "1"})
    assert set(Seed.objects.values_list("paper_id", flat=True)) == set(drawn.places[1].papers[:3])
    assert ada.post(START, {"words": "a form without the map"}).status_code == 303
    assert Seed.objects.count() == 3
    assert ada.post(START, {"mapped": "v0", "topic": ["1"]}).status_code == 400


def test_words_become_interests_that_can_be_removed(ada: Client) -> None:
    sent = ada.post(START, {"words": "protein folding\n\n  <i>small</i> planets \n", "list": "1"})
    assert (sent.status_code, sent.headers["Location"]) == (303, "/foryou")
    assert list(Wish.objects.order_by("words").values_list("words", flat=True)) == [
        "<i>small</i> planets",
        "protein folding",
    ]
    assert "<i>small" not in text(ada.get(START))
    assert ada.post("/foryou/start/wish", {"words": "protein folding"}).status_code == 303
    assert Wish.objects.count() == 1


def test_pasted_papers_are_learned_from_and_unknown_ones_told(ada: Client) -> None:
    html = text(ada.post(START, {"papers": "2405.15001 2405.15002\n10.5555/<none>\n2401.00009"}))
    assert "2 of the papers are here" in html and "2401.00009" in html and "/submit?given=2401.00009" in html
    assert seeded("ids") == ["2405.15001", "2405.15002"]
    assert ada.post(START, {"papers": "2405.15003"}).status_code == 303


def test_a_file_is_learned_from(ada: Client) -> None:
    bib = b"@misc{a, title={Weather of small planets, part 4}, eprint={2405.15004}, archivePrefix={arXiv}}"
    assert ada.post(START, {"file": SimpleUploadedFile("a.bib", bib)}).status_code == 303
    assert seeded("bibtex") == ["2405.15004"]
    sent = ada.post(START, {"file": SimpleUploadedFile("a.bib", b"\x00\xff<html>")})
    assert sent.status_code == 400 and "no library we can read" in text(sent)


def test_papers_by_a_name_are_confirmed_before_anything_is_learned(ada: Client) -> None:
    html = text(ada.post("/foryou/start/papers", {"way": "author", "said": "Ada Lum"}))
    assert html.count('name="paper"') == 13 and not Seed.objects.exists()
    sent = ada.post("/foryou/start/papers", {"way": "author", "confirm": "1", "paper": ["2405.15001", "nope", "\x00"]})
    assert sent.status_code == 303 and seeded("author") == ["2405.15001"]
    assert "already learned from" in text(ada.post("/foryou/start/papers", {"way": "author", "said": "ada lum"}))


@pytest.mark.parametrize(
    ("way", "said", "status"),
    [
        ("author", "", 400),
        ("author", "Nobody <i>", 200),
        ("orcid", "0000", 400),
        ("zotero", "users/x", 400),
        ("x", "", 303),
    ],
)
def test_what_finds_nothing_is_said_in_a_sentence(ada: Client, way: str, said: str, status: int) -> None:
    sent = ada.post("/foryou/start/papers", {"way": way, "said": said})
    assert sent.status_code == status and "Nobody <i>" not in text(sent) and not Seed.objects.exists()


@pytest.mark.parametrize(
    "given",
    [
        {"papers": "x" * 600_000},
        {"words": "w" * 201},
        {"words": "\n".join(f"interest {number}" for number in range(30))},
        {"words": "\u202eturned"},
    ],
)
def test_too_much_is_refused_and_nothing_is_kept(ada: Client, given: dict[str, str]) -> None:
    sent = ada.post(START, given)
    assert sent.status_code == 400 and "<h1>" in text(sent) and 'role="alert"' in text(sent)
    assert not Seed.objects.exists()


def test_a_broken_library_is_told_entry_by_entry(ada: Client) -> None:
    html = text(ada.post(START, {"papers": "@article{a, title={" + "{" * 2000}))
    assert "1 entry could not be read" in html and not Seed.objects.exists()


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch, drawn: Map) -> list[set[int]]:
    """The questions asked by number, without what was judged or skipped; gives what was skipped, time by time."""
    heard: list[set[int]] = []

    def ask(who: object, skipped: Any = (), count: int = 5) -> asking.Round:  # noqa: ANN401 - as the room has it
        heard.append(set(skipped))
        gone = set(Opinion.objects.values_list("paper_id", flat=True)) | set(skipped)
        papers = tuple(Paper.objects.exclude(pk__in=gone).order_by("pk")[:count])
        answers = list(Opinion.objects.values_list("more", flat=True))
        return asking.Round(papers, len(answers), sum(answers), Enough("flat" if len(answers) > 3 else "learning"))

    monkeypatch.setattr(asking, "ask", ask)
    return heard


def test_answers_are_kept_skipped_papers_come_no_more_and_it_says_when_it_is_enough(
    ada: Client, asked: list[set[int]]
) -> None:
    html = text(ada.get(ASK))
    names = re.findall(r'name="(a:[^"]+)" value="more"', html)
    assert len(names) == 5 and "That is enough" not in html
    said = dict(zip(names, ("more", "less", "skip", "nonsense", "more"), strict=True))
    assert ada.post(ASK, said | {"a:nope": "more", "a:\x00": "less", "b": "c"}).headers["Location"] == ASK
    assert sorted(Opinion.objects.values_list("more", flat=True)) == [False, True, True]
    assert set(Opinion.objects.values_list("origin", flat=True)) == {"asked"}
    second = text(ada.get(ASK))
    assert len(asked[-1]) == 2 and not set(names) & set(re.findall(r'name="(a:[^"]+)"', second))
    assert "3 answers so far" in second and "2 of them interesting" in second
    again = re.findall(r'name="(a:[^"]+)" value="more"', second)
    assert ada.post(ASK, dict.fromkeys(again, "less") | {"list": "1"}).headers["Location"] == "/foryou"
    assert "That is enough" in text(ada.get(ASK))


def test_more_answers_than_were_asked_for_are_refused(ada: Client, asked: list[set[int]]) -> None:
    sent = ada.post(ASK, {f"a:2405.{number}": "more" for number in range(100)})
    assert sent.status_code == 400 and not Opinion.objects.exists()
