import json
from collections.abc import Callable
from io import BytesIO

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from broadsheet.community.tests.factory import reader
from broadsheet.papers.models import Paper
from broadsheet.readers import filing, library
from broadsheet.readers.models import Reader, Saved, SavedTag
from broadsheet.sources import bibtex, ris
from broadsheet.web.tests.conftest import NOW

Page = Callable[[str], str]
HOSTILE = "<script>alert(1)</script> [x](javascript:alert(1)) ![p](https://track.example/p.gif) <img src=x onerror=a>"
HTMX = {"HX-Request": "true"}


@pytest.fixture
def ada(edition: int, client: Client) -> Reader:
    """A reader who is signed in, with six papers in the library."""
    ada = reader(1)
    client.force_login(ada)
    library.add(ada, Paper.objects.order_by("pk").values_list("pk", flat=True)[:6], now=NOW)
    return ada


def key(number: int) -> str:
    return f"2405.{15000 + number}"


def file(ada: Reader, number: int, **wanted: str) -> None:
    filing.file(ada, Paper.objects.get(key=key(number)), now=NOW, **wanted)


def shown(html: str) -> list[int]:
    return [int(part[:5]) - 15000 for part in html.split('id="paper-2405.')[1:]]


def test_a_form_files_a_paper_and_goes_back_to_its_card(ada: Reader, client: Client, page: Page) -> None:
    given = {"tags": "wind, To cite", "note": "Their **table 4** and $x^2$", "state": "to-read", "next": "/library?q=w"}
    response = client.post(f"/library/file/{key(2)}", given)
    assert response.status_code == 303 and response.headers["Location"] == f"/library?q=w#paper-{key(2)}"
    html = page("/library")
    assert "<strong>table 4</strong>" in html and "<math" in html and "To read" in html
    assert 'href="/library?tag=to+cite"' in html and 'value="wind, To cite"' in html


def test_for_htmx_the_card_comes_back_and_what_was_refused_is_not_lost(ada: Reader, client: Client) -> None:
    given = {"tags": "wind", "note": "kept", "state": "", "next": "/library?q=kep", "rank": "4"}
    card = client.post(f"/library/file/{key(2)}", given, headers=HTMX).content.decode()
    assert card.count("<article") == 1 and "<html" not in card
    assert "<mark>kept</mark>" in card and '<span class="rank">4</span>' in card
    card = client.post(
        f"/library/file/{key(2)}", given | {"tags": "x" * 70, "note": "typed"}, headers=HTMX
    ).content.decode()
    assert (
        "is too long" in card
        and "x" * 70 in card
        and "typed</textarea>" in card
        and '<details class="lib-file" open>' in card
    )
    assert Saved.objects.get(paper__key=key(2)).note == "kept"


def test_hostile_notes_and_tags_are_only_text(ada: Reader, client: Client, page: Page) -> None:
    file(ada, 1, note=HOSTILE, tags='"><script>alert(2)</script>')
    for address in ("/library", "/library?q=script", "/library/reading?x", "/library/tags", "/library?q=%3Cscript"):
        html = page(address)
        assert "<script>alert" not in html and "<img" not in html and 'href="javascript' not in html
    assert client.get("/library.md").status_code == 200


def test_the_page_is_narrowed_by_words_tags_and_states(ada: Reader, page: Page) -> None:
    for number in (1, 2, 3):
        file(ada, number, tags="Wind", state="read")
    file(ada, 2, tags="Wind, rain", note="Zanzibar in the morning")
    assert sorted(shown(page("/library?tag=wind"))) == [1, 2, 3]
    assert shown(page("/library?tag=WIND&tag=rain")) == [2]
    assert shown(page("/library?q=zanz")) == [2] and "<mark>Zanzibar</mark>" in page("/library?q=zanz")
    assert len(shown(page("/library?state=kept"))) == 3
    html = page("/library?tag=wind")
    assert 'href="/library?tag=wind&amp;tag=rain"' in html and 'href="/library?state=read&amp;tag=wind"' in html
    assert "3 of 6 papers" in html and "None of your papers" in page("/library?q=nothing")


@pytest.mark.thorough
@pytest.mark.parametrize(
    "query",
    ["tag=%00", "tag=" + "x" * 3000, "state=lost", "sort=none", "page=0", "page=x", "page=99999999999999999999",
     "q=%00%ff", "q=" + "a+" * 2000, "tag=a&" * 300, "q=%F0%9F%A6%93", "tag=%ED%A0%80", "sort=title&sort=newest"],
)  # fmt: skip
def test_an_address_that_makes_no_sense_is_still_a_page(ada: Reader, client: Client, query: str) -> None:
    assert client.get(f"/library?{query}").status_code == 200
    assert client.get(f"/library.bib?{query}").status_code == 200


def test_typing_gets_the_results_alone(ada: Reader, client: Client) -> None:
    response = client.get("/library?q=wind&sort=", headers=HTMX)
    assert b"<html" not in response.content and response.headers["HX-Replace-Url"] == "/library?q=wind"
    assert "HX-Request" in response.headers["Vary"]


def test_the_reading_list_is_read_in_order_by_one_button(ada: Reader, client: Client, page: Page) -> None:
    assert "Nothing waits to be read" in page("/library/reading")
    order = [row.paper_id for row in Saved.objects.order_by("at")]
    keys = [Paper.objects.get(pk=number).key for number in order]
    for one in keys[:3]:
        client.post(f"/library/move/{one}", {"state": "to-read"})
    client.post(f"/library/move/{keys[2]}", {"state": "reading", "next": "/library/reading"})
    numbers = [int(one[-2:]) for one in keys]
    html = page("/library/reading")
    assert shown(html) == [numbers[2], numbers[0], numbers[1]]
    assert "Start reading" in html and "Finished" in html and 'href="/library.bib?state=list&amp;sort=added"' in html
    client.post(f"/library/move/{keys[2]}", {"state": "read"})
    assert shown(page("/library/reading")) == numbers[:2]
    assert client.post(f"/library/move/{keys[0]}", {"state": "lost"}).status_code == 400


def test_ticked_papers_and_whole_lists_are_filed_at_once(ada: Reader, client: Client, page: Page) -> None:
    ids = [str(Paper.objects.get(key=key(number)).pk) for number in (1, 2)]
    told = client.post("/library/several", {"paper": ids, "tag": "wind", "do": "add", "next": "/library"}, follow=True)
    assert "2 papers were filed anew." in told.content.decode()
    client.post("/library/several", {"all": "1", "tag": "rain", "do": "add", "next": "/library?tag=wind"})
    assert {tag.key: tag.papers for tag in filing.tags(ada)} == {"wind": 2, "rain": 2}
    client.post("/library/several", {"all": "1", "state": "read", "do": "state", "next": "/library"})
    assert Saved.objects.filter(state="read").count() == 6
    client.post("/library/several", {"paper": ids[:1], "tag": "RAIN", "do": "drop"})
    assert filing.tags(ada)[1].papers == 1


@pytest.mark.parametrize(
    "given",
    [{}, {"do": "add"}, {"do": "add", "tag": "x"}, {"do": "burn", "all": "1"},
     {"do": "state", "all": "1", "state": "x"}, {"do": "add", "all": "1", "tag": ",;"},
     {"do": "add", "paper": ["x", "-1", "9" * 30, "²"], "tag": "x"},
     {"do": "add", "all": "1", "tag": "x" * 61}],
)  # fmt: skip
def test_filing_several_by_nonsense_is_refused(ada: Reader, client: Client, given: dict[str, str]) -> None:
    assert client.post("/library/several", given).status_code == 400
    assert not SavedTag.objects.exists()


def test_papers_of_nobody_are_not_filed_for_others(ada: Reader, client: Client) -> None:
    bo = reader(2)
    other = Paper.objects.get(key=key(9))
    library.save(bo, other, now=NOW)
    client.post("/library/several", {"paper": [str(other.pk)], "tag": "mine", "do": "add"})
    assert not SavedTag.objects.exists()


def test_a_tag_is_renamed_and_deleted_everywhere(ada: Reader, client: Client, page: Page) -> None:
    file(ada, 1, tags="Müller")
    file(ada, 2, tags="muller, rain")
    html = page("/library/tags")
    assert "Müller" in html and "2 papers" in html and 'href="/library?tag=muller"' in html
    client.post("/library/tags/change", {"key": "muller", "name": "wind", "do": "rename"})
    assert [tag.name for tag in filing.tags(ada)] == ["wind", "rain"]
    client.post("/library/tags/change", {"key": "wind", "do": "delete"})
    assert [tag.name for tag in filing.tags(ada)] == ["rain"]
    for given in ({}, {"do": "rename", "key": "none", "name": "x"}, {"do": "rename", "key": "rain", "name": " "}):
        assert client.post("/library/tags/change", given).status_code == 400


def test_exactly_what_is_shown_is_exported_with_tags_and_notes(ada: Reader, client: Client) -> None:
    file(ada, 1, tags="wind, R&D {x}", note="100 % of $x_1$ & more\n\n- {odd", state="read")
    file(ada, 3, tags="wind")
    query = "?tag=wind&sort=title"
    raw = client.get(f"/library.bib{query}").content
    assert "keywords = {wind, R\\&D {x}}" in raw.decode() and "annote = {100 \\% of $x_1$ \\& more" in raw.decode()
    for module, kind in ((bibtex, "bib"), (ris, "ris")):
        raw = client.get(f"/library.{kind}{query}").content
        assert [one.identifiers[0].value for one in module.read(BytesIO(raw), "x")] == [key(1), key(3)]
    raw = client.get(f"/library.ris{query}").content
    assert b"KW  - wind\r\n" in raw and b"N1  - 100 % of $x_1$ & more - {odd\r\n" in raw
    told = json.loads(client.get(f"/library.csl.json{query}").content)
    assert [one.get("note", "") for one in told] == ["100 % of $x_1$ & more\n\n- {odd", ""]
    assert told[0]["keyword"] == "wind, R&D {x}"
    text = client.get(f"/library.md{query}").content.decode()
    assert "- State: read\n- Tags: wind, R&D {x}" in text and "> 100 % of $x_1$ & more\n>\n> - {odd" in text
    assert text.count("\n## ") == 2
    assert "annote" not in client.get(f"/papers/{key(1)}.bib").content.decode()


def test_a_note_is_not_thrown_away_by_one_click(ada: Reader, client: Client) -> None:
    file(ada, 1, note="of value")
    told = client.post(f"/save/{key(1)}", {"on": "0"}, headers={"Accept": "application/json"})
    assert told.status_code == 400 and "note and tags" in told.json()["says"]
    assert client.post(f"/save/{key(1)}", {"on": "0"}).status_code == 400
    assert client.post(f"/save/{key(2)}", {"on": "0"}).status_code == 303
    assert client.post(f"/save/{key(1)}?sure=1", {"on": "0"}).status_code == 303
    assert Saved.objects.count() == 4


@pytest.mark.parametrize(
    "path", ["/library/reading", "/library/tags", "/library.bib", "/library?q=x"],
)  # fmt: skip
def test_strangers_are_sent_to_sign_in(edition: int, client: Client, path: str) -> None:
    assert client.get(path).status_code == 303


@pytest.mark.parametrize("path", ["several", "tags/change", "file/2405.15001", "move/2405.15001"])
def test_filing_is_a_post_of_somebody_with_the_sites_own_form(ada: Reader, client: Client, path: str) -> None:
    assert client.get(f"/library/{path}").status_code == 405
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(ada)
    assert strict.post(f"/library/{path}", {"state": "read", "tags": "x", "do": "delete"}).status_code == 403
    assert Client().post(f"/library/{path}", {"state": "read", "tags": "x"}).status_code == 303
    assert not SavedTag.objects.exists()


@pytest.mark.parametrize("path", ["/library", "/library?q=wind", "/library/reading", "/library/tags", "/library.bib"])
def test_questions_to_the_database_do_not_grow_with_the_library(ada: Reader, client: Client, path: str) -> None:
    def asked() -> int:
        with CaptureQueriesContext(connection) as seen:
            assert client.get(path).status_code == 200
        return len(seen)

    filing.add_tags(ada, [Paper.objects.get(key=key(1)).pk], "one")
    filing.move(ada, Paper.objects.get(key=key(1)), "to-read", now=NOW)
    asked()
    before = asked()
    library.add(ada, Paper.objects.values_list("pk", flat=True), now=NOW)
    filing.add_tags(ada, Paper.objects.values_list("pk", flat=True), "one, two, three")
    filing.move_all(ada, Paper.objects.values_list("pk", flat=True), "to-read")
    Saved.objects.update(note="the wind")
    asked()
    assert asked() <= before


BIB = """
@misc{one, title={Weather of small planets, part 1}, eprint={2405.15001}, archivePrefix={arXiv},
 keywords={Wind; {GPU} weather, R\\&D, %s}}
@misc{two, title={Weather of small planets, part 9}, eprint={2405.15009}, archivePrefix={arXiv}}
""" % ("x" * 80)


@pytest.mark.parametrize("tags", [True, False])
def test_keywords_of_a_brought_library_become_tags_where_that_is_wanted(
    ada: Reader, client: Client, tags: bool
) -> None:
    file(ada, 1, tags="wind, old")
    seen = client.post("/library/bring", {"file": BytesIO(BIB.encode())}).content.decode()
    assert "Keep their keywords as my tags" in seen
    name = seen.split('name="name" value="')[1].split('"')[0]
    client.post("/library/bring", {"name": name, "confirm": "1"} | ({"tags": "1"} if tags else {}))
    one, nine = (Paper.objects.get(key=key(number)).pk for number in (1, 9))
    filed = filing.of(ada, [one, nine])
    assert filed[one].tags == (("wind", "old", "GPU weather", "R&D") if tags else ("wind", "old"))
    assert filed[nine].tags == ()
