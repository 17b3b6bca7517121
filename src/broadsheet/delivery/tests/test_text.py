import html
import re

import pytest

from broadsheet.delivery.masked import masked, without
from broadsheet.delivery.message import first_sentence
from broadsheet.delivery.text import rendered

PAPER = {
    "id": "1",
    "title": "On <b>bold</b> [claims](https://evil.example) *and* @everyone",
    "url": "https://b.example/papers/a(1)",
    "by": "Ada, Bo and others",
    "says": "We find `it` | worth _telling_.",
    "votes": "3 votes",
}


def message(count: int = 1, **values: object) -> dict[str, object]:
    listed = {"key": "trending", "title": "Trending", "url": "https://b.example/trending"}
    return {"list": listed, "site": "Broadsheet", "note": "", "papers": [PAPER] * count, "more": 0, **values}


@pytest.mark.parametrize("form", ["markdown", "links", "html", "text"])
def test_it_names_the_list_and_each_paper_with_its_link(form: str) -> None:
    title, body = rendered(message(2), form, 4000)
    assert title == "Trending · Broadsheet"
    assert body.count("Ada, Bo and others · 3 votes") == 2 and "https://b.example/trending" in body
    assert "https://b.example/papers/a" in body


def test_titles_become_no_markup_and_call_nobody() -> None:
    marked = rendered(message(), "markdown", 4000)[1]
    assert "[claims](https" not in marked and r"\[claims\](https://evil.example)" in marked
    assert r"\*and\*" in marked and r"\<b\>" in marked and "](https://b.example/papers/a%281%29)" in marked
    told = rendered(message(), "html", 4000)[1]
    assert "<b>bold" not in told and html.escape("<b>bold</b>") in told
    assert set(re.findall(r"<(/?\w+)", told)) == {"b", "/b", "a", "/a", "br"}
    for form in ("markdown", "links", "html", "text"):
        assert "@everyone" not in rendered(message(), form, 4000)[1]


@pytest.mark.parametrize("form", ["markdown", "links", "html", "text"])
@pytest.mark.parametrize("longest", [280, 500, 1000, 2000, 4096, 35000])
def test_it_stays_within_the_length_and_counts_what_is_left_out(form: str, longest: int) -> None:
    _title, body = rendered(message(60, more=5), form, longest)
    assert len(body) <= longest
    shown = body.count("https://b.example/papers/")
    assert f"+ {65 - shown}" in body


def test_many_papers_or_none_need_no_counting() -> None:
    assert "+ " not in rendered(message(3), "text", 4000)[1]
    assert rendered(message(0, note="This is a test."), "text", 4000)[1].startswith("This is a test. Trending")


def test_the_first_sentence_is_cut_where_it_ends() -> None:
    assert first_sentence("We measure the wind on small planets, e.g. ours. It blows. Often.") == (
        "We measure the wind on small planets, e.g. ours."
    )
    long = first_sentence("word " * 200)
    assert len(long) <= 241 and long.endswith("word…")
    assert first_sentence("") == ""


@pytest.mark.parametrize(
    ("target", "shown"),
    [
        ("https://hooks.example/services/T1/abcdef1234", "https://hooks.example/…1234"),
        ("https://hooks.example", "https://hooks.example/…mple"),
        ("https://a.b/x", "https://a.b/…"),
        ("slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ", "slack://…i7FQ"),
        ("ntfy://x", "ntfy://…"),
        ("https://[half", "https:///…"),
    ],
)
def test_addresses_are_shown_without_their_secrets(target: str, shown: str) -> None:
    assert masked(target) == shown


def test_what_is_said_of_an_address_holds_none_of_its_secrets() -> None:
    target = "https://hooks.example/services/TABCDEFGH/secret1234?key=another5678"
    said = "hooks.example/services/TABCDEFGH/secret1234 did not answer; another5678 and https://hooks.example/services/TABCDEFGH"
    cleaned = without(said, target)
    assert "hooks.example" in cleaned
    assert not any(secret in cleaned for secret in ("TABCDEFGH", "secret1234", "another5678"))
    assert "T1JJ3T3L2" not in without("asked T1JJ3T3L2/A1BRTD4JD", "slack://T1JJ3T3L2/A1BRTD4JD/x")
