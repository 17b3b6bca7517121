import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.cache import caches
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from pytest_django import Settings

from broadsheet.community.tests.factory import reader
from broadsheet.lib.clock import now
from broadsheet.lib.tests.loopback import Loopback, playing, without_turns
from broadsheet.papers import outside
from broadsheet.papers.models import Paper, Quarantined
from broadsheet.readers import filing, library
from broadsheet.readers.models import Reader
from broadsheet.readers.tests.site import configure

KEY = "aB3dE5gH7jK9mN1pQ3sT5vW7"
BIB = """@misc{one, title={Known here}, author={Ant, Ada}, eprint={2405.15001}, archivePrefix={arXiv}}
@article{two, title={On <b>honey}, author={Bug, Bo}, doi={10.1000/182}, journal={Hives}}
@book{three, title={Nameless clay}, author={Clay, Cy}}
@article{four, author={No Title}}
"""


@pytest.fixture
def ada(edition: int, client: Client) -> Client:
    client.force_login(reader(1))
    return client


@pytest.fixture
def zotero(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Loopback]:
    with playing() as server:
        without_turns(monkeypatch)
        configure(settings, zotero_url=server.base)
        outside.http.cache_clear()
        yield server
    outside.http.cache_clear()


def file(text: str | bytes, name: str = "library.bib") -> dict[str, object]:
    return {"file": SimpleUploadedFile(name, text.encode() if isinstance(text, str) else text)}


def look(client: Client, **given: object) -> Any:  # noqa: ANN401 - what the test client gives has no name
    return client.post("/library/bring", given)


def name_in(html: str) -> str:
    found = re.search(r'name="name" value="([^"]+)"', html)
    assert found, html
    return found[1]


def shelf(number: int = 1) -> list[str]:
    return [paper.key for paper in library.papers(Reader.objects.get(handle=f"reader-{number}"))]


def test_a_file_is_looked_at_and_the_papers_that_are_here_are_saved_once_confirmed(ada: Client) -> None:
    count = Paper.objects.count()
    html = look(ada, **file(BIB)).content.decode()
    assert "1 paper is here" in html and 'href="/papers/2405.15001"' in html
    assert "2 papers are not here" in html and "On &lt;b&gt;honey" in html and "Nameless clay" in html
    assert 'href="/submit?given=10.1000%2F182"' in html and "1 entry could not be read" in html
    assert "Take those" not in html and shelf() == []
    sent = ada.post("/library/bring", {"confirm": "1", "name": name_in(html)})
    assert (sent.status_code, sent.headers["Location"]) == (303, "/library")
    assert "1 paper is new in your library." in ada.get("/library").content.decode()
    assert shelf() == ["2405.15001"]
    assert Paper.objects.count() == count and not Quarantined.objects.exists()


def test_a_curator_takes_the_others_into_the_record_and_their_library(edition: int) -> None:
    desk, count = Client(), Paper.objects.count()
    desk.force_login(reader(8, role="curator"))
    html = look(desk, **file(BIB)).content.decode()
    assert "Take those" in html and "/submit?given" not in html
    desk.post("/library/bring", {"confirm": "1", "name": name_in(html), "take_in": "1"})
    assert "3 papers are new in your library. 2 are new on this site." in desk.get("/library").content.decode()
    assert Paper.objects.count() == count + 2 and len(shelf(8)) == 3
    known = Paper.objects.get(key="2405.15001")
    assert known.title != "Known here"


def test_a_curator_may_leave_the_others_out(edition: int) -> None:
    desk, count = Client(), Paper.objects.count()
    desk.force_login(reader(8, role="curator"))
    name = name_in(look(desk, **file(BIB)).content.decode())
    desk.post("/library/bring", {"confirm": "1", "name": name})
    assert Paper.objects.count() == count and shelf(8) == ["2405.15001"]


def test_a_reader_cannot_take_papers_into_the_record_by_asking_for_it(ada: Client) -> None:
    count, name = Paper.objects.count(), name_in(look(ada, **file(BIB)).content.decode())
    sent = ada.post("/library/bring", {"confirm": "1", "name": name, "take_in": "1"})
    assert sent.status_code == 400 and "Only curators" in sent.content.decode()
    assert Paper.objects.count() == count and shelf() == []


def test_what_is_confirmed_is_what_was_looked_at_and_the_own(ada: Client) -> None:
    first = name_in(look(ada, **file(BIB)).content.decode())
    other = Client()
    other.force_login(reader(2))
    for client, name in ((other, first), (ada, ""), (ada, "x" * 22), (ada, "\x00é")):
        sent = client.post("/library/bring", {"confirm": "1", "name": name})
        assert sent.status_code == 400 and "bring it again" in sent.content.decode()
    second = name_in(look(ada, **file(BIB)).content.decode())
    assert ada.post("/library/bring", {"confirm": "1", "name": first}).status_code == 400
    assert ada.post("/library/bring", {"confirm": "1", "name": second}).status_code == 303
    assert ada.post("/library/bring", {"confirm": "1", "name": second}).status_code == 400
    assert shelf(2) == []


@pytest.mark.parametrize(
    ("text", "name", "says"),
    [
        ("<html><p>no</p></html>", "library.bib", "no library we can read"),
        (b"", "library.bib", "no library we can read"),
        (b"\xff\xfe\x00", "library.bib", "no library we can read"),
        (b"x" * (6 << 20), "library.bib", "too large"),
        ('[{"type": "article", "title": ', "library.json", "cannot be read"),
        ('{"paper": {"id": "2405.15001", "title": "x"}}', "daily.json", "no library we can read"),
    ],
)
def test_a_file_that_is_no_library_is_refused_with_a_sentence(
    text: str | bytes, name: str, says: str, ada: Client
) -> None:
    sent = look(ada, **file(text, name))
    assert sent.status_code == 400 and says in sent.content.decode()


def test_ris_and_csl_json_are_read_too(ada: Client) -> None:
    ris = "TY  - JOUR\nTI  - On honey\nAU  - Bug, Bo\nUR  - https://arxiv.org/abs/2405.15001\nER  - \n"
    csl = json.dumps([{"id": "a", "type": "article", "title": "X", "URL": "https://arxiv.org/abs/2405.15001"}])
    for text, name in ((ris, "library.ris"), (csl, "library.json")):
        assert "1 paper is here" in look(ada, **file(text, name)).content.decode()


@pytest.mark.parametrize("wanted", [{"tags", "notes"}, {"tags"}, set()])
def test_keywords_and_notes_come_along_where_that_is_left_ticked(wanted: set[str], ada: Client) -> None:
    ris = (
        "TY  - JOUR\nTI  - On honey\nUR  - https://arxiv.org/abs/2405.15001\nKW  - hive\nKW  - cs.CL\n"
        "N1  - <p>Ask <script>alert(1)</script>Bo</p>\nER  - \n"
    )
    owner = Reader.objects.get(handle="reader-1")
    for _ in range(2):
        html = look(ada, **file(ris, "library.ris")).content.decode()
        assert 'name="tags" value="1" checked' in html and 'name="notes" value="1" checked' in html
        ada.post("/library/bring", {"confirm": "1", "name": name_in(html), **dict.fromkeys(wanted, "1")})
        (filed,) = filing.of(owner, library.papers(owner).values_list("pk", flat=True)).values()
        assert filed.tags == (("hive",) if "tags" in wanted else ())
        assert filed.note == ("Ask Bo" if "notes" in wanted else "")


def test_what_was_exported_comes_back_with_tags_and_note_and_doubles_nothing(ada: Client) -> None:
    owner, paper = Reader.objects.get(handle="reader-1"), Paper.objects.get(key="2405.15001")
    note = "First *line*, 50% of $5.\n\nSecond {line} with a_b & c."
    for form, name in (("bib", "x.bib"), ("ris", "x.ris"), ("csl.json", "x.json")):
        filing.file(owner, paper, now=now(), tags="to cite, Größe", note=note)
        given = ada.get(f"/library.{form}").content
        for kept in (True, False):
            if not kept:
                library.remove(owner, paper)
            page = name_in(look(ada, **file(given, name)).content.decode())
            ada.post("/library/bring", {"confirm": "1", "name": page, "tags": "1", "notes": "1"})
            filed = filing.of(owner, [paper.pk])[paper.pk]
            assert sorted(filed.tags) == ["Größe", "to cite"]
            assert filed.note.split() == note.split() and (form == "ris" or filed.note == note)
            filing.file(owner, paper, now=now(), note=filed.note)


def test_neither_or_both_ways_at_once_is_refused(ada: Client) -> None:
    assert "choose a file" in look(ada).content.decode()
    assert "one at a time" in look(ada, library="users/1", **file(BIB)).content.decode()


def test_a_zotero_library_is_read_with_a_key_that_is_nowhere_kept(ada: Client, zotero: Loopback) -> None:
    data = {"key": "ABCD0001", "itemType": "preprint", "title": "Known", "archiveID": "arXiv:2405.15001"}
    body = json.dumps([{"key": "ABCD0001", "data": data}])
    zotero.answer("/users/12345/items/top", body, Last_Modified_Version="57")
    html = look(ada, library="users/12345", key=KEY).content.decode()
    assert "1 paper is here" in html and KEY not in html
    assert zotero.asked[0].headers["Zotero-API-Key"] == KEY
    assert KEY not in str(caches["default"].get(f"bring:{Reader.objects.get(handle='reader-1').pk}"))
    ada.post("/library/bring", {"confirm": "1", "name": name_in(html)})
    assert shelf() == ["2405.15001"]


@pytest.mark.parametrize(
    ("named", "key", "says"),
    [
        ("users/12345", KEY, "may not read it"),
        ("users/12345", "", "not public"),
        ("users/12345", "no key", "no Zotero key"),
        ("http://127.0.0.1/users/1", "", "names no Zotero library"),
        ("users/1@127.0.0.1", "", "names no Zotero library"),
        ("../groups/1", "", "names no Zotero library"),
    ],
)
def test_a_zotero_library_that_is_refused_is_said_without_its_key(
    named: str, key: str, says: str, ada: Client, zotero: Loopback
) -> None:
    zotero.answer("/users/12345/items/top", "Forbidden", status=403)
    sent = look(ada, library=named, key=key)
    html = sent.content.decode()
    assert sent.status_code == 400 and says in html and (not key or key not in html)


def test_a_zotero_that_is_down_is_not_waited_for(ada: Client, zotero: Loopback) -> None:
    zotero.answer("/users/12345/items/top", status=500)
    assert "500" in look(ada, library="users/12345").content.decode()
    assert len(zotero.asked) == 1


def test_strangers_sign_in_first_and_a_form_needs_its_token(ada: Client) -> None:
    assert Client().get("/library/bring").status_code == 303
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(reader(2))
    assert strict.post("/library/bring", {"library": "users/1"}).status_code == 403
    assert "Bring your library" in ada.get("/library/bring").content.decode()
