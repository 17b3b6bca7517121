import re
from html import unescape
from itertools import pairwise

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from broadsheet.groups import members, shelf
from broadsheet.groups.models import Group, Member, Shelved
from broadsheet.groups.tests.lab import NOW, claims, key, lab, paper, place_of, record, shares
from broadsheet.readers import tokens
from broadsheet.readers.models import Reader
from broadsheet.web import limits
from broadsheet.web.tests.accounts import reader, signed_in

pytestmark = pytest.mark.django_db
HOME = "/groups/lab-of-small-things"
ACTS = (
    "/answer", "/ask", "/people/act", "/share", "/leave", "/change", "/close", "/add", "/list/1", "/who",
)  # fmt: skip


@pytest.fixture
def places(own_home: object, db: None) -> dict[str, Member]:
    record()
    return lab("ada", "bo")[1]


def text(client: Client, address: str = HOME, status: int = 200) -> str:
    response = client.get(address)
    assert response.status_code == status, (address, response.status_code)
    return unescape(response.content.decode())


def plain(content: bytes) -> str:
    return re.sub(r'name="csrfmiddlewaretoken" value="[^"]+"|lab-of-small-things|no-such-lab', "", content.decode())


def test_a_group_is_founded_and_somebody_asked_in_by_clicks(own_home: object) -> None:
    ada, bo = signed_in(reader("ada")), signed_in(reader("bo"))
    assert "You are in no group yet" in text(ada, "/groups")
    made = ada.post("/groups/new", {"name": "Lab of bees", "about": "<b>We</b> read"})
    assert (made.status_code, made["Location"]) == (303, "/groups/lab-of-bees/people")
    assert ada.post("/groups/lab-of-bees/ask", {"handle": "@bo"}).status_code == 303
    assert "Asked, no answer yet" in text(ada, "/groups/lab-of-bees/people")
    assert "Lab of bees” asks you in" in text(bo, "/groups")
    assert "@ada asks you into the group" in text(bo, "/notifications")
    text(bo, "/groups/lab-of-bees", 404)
    came = bo.post("/groups/lab-of-bees/answer", {"yes": "1"})
    assert (came.status_code, came["Location"]) == (303, "/groups/lab-of-bees/people")
    html = bo.get("/groups/lab-of-bees").content.decode()
    assert "&lt;b&gt;We&lt;/b&gt;" in html and "<b>We" not in html
    assert "2 members" in text(bo, "/groups")


def test_a_paper_comes_to_the_list_from_its_page_and_is_read_together(places: dict[str, Member]) -> None:
    ada = signed_in(places["ada"].reader)
    assert f'href="/groups/put/{key("bees", 1)}"' in text(ada, f"/papers/{key('bees', 1)}")
    assert f'href="/groups/put/{key("bees", 9)}"' in text(ada, "/date/2024-05-27")
    form = f"/groups/put/{key('bees', 1)}"
    assert "Lab of small things" in text(ada, form)
    given = {"group": str(places["ada"].pk), "note": "Lemma <2>", "due": "2024-06-06"}
    assert ada.post(form, given)["Location"] == HOME
    assert "It stands there already" in text(ada, form)
    html = ada.get(HOME).content.decode()
    assert "Lemma &lt;2&gt;" in html and 'datetime="2024-06-06"' in html
    row = Shelved.objects.get()
    bo = signed_in(places["bo"].reader)
    assert bo.post(f"{HOME}/list/{row.pk}", {"do": "done"})["Location"] == HOME
    assert "1 paper read together" in text(bo)
    assert bo.post(f"{HOME}/list/{row.pk}", {"do": "change", "note": "", "due": ""}).status_code == 303
    assert bo.post(f"{HOME}/list/{row.pk}", {"do": "remove"}).status_code == 400
    assert ada.post(f"{HOME}/list/{row.pk}", {"do": "remove"}).status_code == 303
    assert not Shelved.objects.exists()


def test_strangers_and_other_readers_cannot_tell_a_group_from_none(places: dict[str, Member]) -> None:
    cy = signed_in(reader("cy"))
    pages = ("", "/people", "/who", ".bib", ".ris", ".csl.json", ".md")
    for page in pages:
        there, nowhere = cy.get(HOME + page), cy.get(f"/groups/no-such-lab{page}")
        assert there.status_code == nowhere.status_code == 404
        assert plain(there.content) == plain(nowhere.content)
        assert Client().get(HOME + page).status_code in (302, 303)
    shelf.put(places["ada"], paper("bees", 1), "", "", now=NOW)
    for act in ACTS[1:]:
        assert cy.post(HOME + act, {"do": "remove", "title": "A"}).status_code == 404, act
    assert cy.post(f"{HOME}/answer", {"yes": "1"}).status_code == 400
    assert Member.objects.filter(state="in").count() == 2 and Shelved.objects.count() == 1


def test_nothing_changes_without_the_form_s_token_or_by_get(places: dict[str, Member]) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(places["ada"].reader, backend="allauth.account.auth_backends.AuthenticationBackend")
    for act in (*(HOME + act for act in ACTS), "/groups/new", f"/groups/put/{key('bees', 1)}"):
        assert client.post(act, {"sure": "1", "yes": "1", "on": "1"}).status_code == 403, act
    for act in ACTS[:-1]:
        assert client.get(HOME + act).status_code == 405, act
    assert Group.objects.count() == 1 and not Member.objects.filter(shares=True).exists()


def test_sharing_is_off_until_it_is_chosen_and_says_what_it_means(places: dict[str, Member]) -> None:
    bo = signed_in(places["bo"].reader)
    html = text(bo, f"{HOME}/people")
    assert "Members see your handle" in html and 'name="on" value="1"' in html
    assert bo.post(f"{HOME}/share", {"on": "1"}).status_code == 303
    assert 'name="on" value="0"' in text(bo, f"{HOME}/people")
    assert bo.post(f"{HOME}/share", {}).status_code == 303
    assert not Member.objects.filter(shares=True).exists()


def test_the_list_for_the_group_names_whose_interests_a_paper_serves(places: dict[str, Member]) -> None:
    ada = signed_in(places["ada"].reader)
    assert "Nobody shares yet" in text(ada)
    shares(places["ada"], "bees")
    shares(places["bo"], "rivers")
    html = text(ada)
    assert "Serves the interests of" in html and "What we are interested in" in html
    added = ada.post(f"{HOME}/add", {"paper": key("bees", 10)})
    assert added.status_code == 303 and Shelved.objects.get().paper.key == key("bees", 10)
    picks = text(ada).partition('id="for"')[2]
    assert f'id="paper-{key("bees", 10)}"' not in picks and f'id="paper-{key("bees", 11)}"' in picks


def test_who_knows_a_paper_of_the_record_and_a_pasted_one(places: dict[str, Member]) -> None:
    ada = signed_in(places["ada"].reader)
    shares(places["bo"], "bees")
    claims(places["bo"].reader, "bees", 9)
    led = ada.get(f"/groups/who/{key('bees', 9)}")
    assert (led.status_code, led["Location"]) == (303, f"{HOME}/who?paper={key('bees', 9)}")
    html = text(ada, led["Location"])
    assert "@bo" in html and "An author of it" in html
    asked = ada.post(
        f"{HOME}/who", {"title": "Of the hive", "abstract": "honey pollen nectar hive queen swarm wax bees"}
    )
    assert asked.status_code == 200 and b"@bo" in asked.content and b"Of the hive" in asked.content
    assert "no-store" in asked["Cache-Control"]
    far = ada.post(f"{HOME}/who", {"title": "Quantum gravity", "abstract": "Strings."})
    assert b"Nobody here is near." in far.content


def test_with_several_groups_one_is_chosen_first(places: dict[str, Member]) -> None:
    ada = places["ada"].reader
    assert "You are in no group yet" in text(signed_in(reader("cy")), f"/groups/who/{key('bees', 1)}")
    members.found(ada, "Another", "", now=NOW)
    html = text(signed_in(ada), f"/groups/who/{key('bees', 1)}")
    assert f"/groups/another/who?paper={key('bees', 1)}" in html
    assert "In which group?" in html


@pytest.mark.thorough
@pytest.mark.parametrize(
    "given",
    [
        {},
        {"title": "x" * 501},
        {"abstract": "y " * 20_000},
        {"title": "\0\x08"},
        {"title": "A", "authors": "z" * 15_000},
    ],
)
def test_a_paste_that_makes_no_sense_is_said_so_on_the_page(places: dict[str, Member], given: dict[str, str]) -> None:
    response = signed_in(places["ada"].reader).post(f"{HOME}/who", given)
    assert response.status_code == 400 and b'role="alert"' in response.content


def test_hostile_forms_are_answered_with_a_sentence(places: dict[str, Member]) -> None:
    ada = signed_in(places["ada"].reader)
    _group, theirs = lab("cy", "di")
    row = shelf.put(theirs["cy"], paper("bees", 1), "", "", now=NOW)
    hostile: tuple[tuple[str, dict[str, str]], ...] = (
        ("/groups/new", {"name": "x" * 50_000}),
        ("/groups/new", {"name": "<script>", "about": "\u202e" * 9}),
        (f"{HOME}/ask", {"handle": "x" * 9000}),
        (f"{HOME}/ask", {"handle": "nobody"}),
        (f"{HOME}/ask", {"handle": "bo"}),
        (f"{HOME}/people/act", {"do": "remove", "member": "9" * 40}),
        (f"{HOME}/people/act", {"do": "remove", "member": str(theirs["di"].pk)}),
        (f"{HOME}/people/act", {"do": "erase", "member": "1"}),
        (f"{HOME}/change", {"name": "\0"}),
        (f"{HOME}/close", {}),
        (f"{HOME}/leave", {"successor": str(theirs["di"].pk)}),
        (f"{HOME}/list/{row.pk}", {"do": "remove"}),
        (f"{HOME}/list/{10**30}", {"do": "done"}),
        (f"/groups/put/{key('bees', 1)}", {"group": str(theirs["cy"].pk)}),
        (f"/groups/put/{key('bees', 1)}", {"group": str(places["ada"].pk), "due": "2024-13-44"}),
        (f"/groups/put/{key('bees', 1)}", {"group": str(places["ada"].pk), "note": "x" * 400}),
    )
    for place, given in hostile:
        assert ada.post(place, given).status_code == 400, (place, given)
    for place in (
        "/groups/put/nothing",
        "/groups/who/nothing%00",
        f"{HOME}/who?paper=nothing",
        "/groups/%00",
        "/groups/" + "x" * 900,
    ):
        assert ada.get(place).status_code == 404, place
    assert Shelved.objects.count() == 1 and Member.objects.filter(state="in").count() == 4


def test_the_list_in_other_formats_and_as_a_feed_with_a_secret_address(places: dict[str, Member]) -> None:
    ada, bo = places["ada"].reader, places["bo"].reader
    shelf.put(places["ada"], paper("bees", 1), "", "", now=NOW)
    for kind in ("bib", "ris", "csl.json", "md"):
        assert "Bees" in signed_in(ada).get(f"{HOME}.{kind}").content.decode(), kind
    _token, secret = tokens.make(bo, "Feeds", ["feed"], days=None, now=NOW)
    address = f"/feeds/own/{secret}/group/lab-of-small-things.atom"
    feed = Client().get(address)
    assert feed.status_code == 200 and paper("bees", 1).title in feed.content.decode()
    assert "private" in feed["Cache-Control"] and secret not in feed.content.decode()
    assert Client().get(address.replace("lab-of", "some")).status_code == 404
    assert Client().get("/feeds/group/lab-of-small-things.atom").status_code == 404
    members.leave(places["bo"], now=NOW)
    assert Client().get(address).status_code == 404


def test_a_removed_member_sees_nothing_any_more(places: dict[str, Member]) -> None:
    bo = signed_in(places["bo"].reader)
    text(bo)
    members.remove(places["ada"], places["bo"].pk, now=NOW)
    for page in ("", "/people", "/who", ".bib"):
        text(bo, HOME + page, 404)
    assert bo.post(f"{HOME}/add", {"paper": key("bees", 1)}).status_code == 404


def test_the_last_keeper_leaves_by_naming_another(places: dict[str, Member]) -> None:
    ada = signed_in(places["ada"].reader)
    assert "Who keeps it after you?" in text(ada, f"{HOME}/people")
    assert ada.post(f"{HOME}/leave").status_code == 400
    assert ada.post(f"{HOME}/leave", {"successor": str(places["bo"].pk)})["Location"] == "/groups"
    assert place_of(places["bo"].reader, places["bo"].group).keeper
    bo = signed_in(places["bo"].reader)
    assert bo.post(f"{HOME}/close", {"sure": "1"}).status_code == 303
    assert not Group.objects.exists()


def test_pages_ask_the_database_no_more_for_more(places: dict[str, Member]) -> None:
    ada = signed_in(places["ada"].reader)
    shares(places["ada"], "bees")
    shelf.put(places["ada"], paper("bees", 1), "", "", now=NOW)
    pages = (HOME, f"{HOME}/people", "/groups", f"{HOME}/who?paper={key('bees', 9)}")

    def asked() -> list[int]:
        counts = []
        for page in pages:
            text(ada, page)
            with CaptureQueriesContext(connection) as queries:
                text(ada, page)
            counts.append(len(queries))
        return counts

    first = asked()
    for place, handle in enumerate(("cy", "di", "eve")):
        who: Reader = reader(handle)
        members.ask(places["ada"], handle, now=NOW)
        members.answer(who, places["ada"].group.slug, True, now=NOW)
        shares(place_of(who, places["ada"].group), "rivers")
        shelf.put(place_of(who, places["ada"].group), paper("clocks", place), "", "", now=NOW)
    assert all(after <= before for before, after in zip(first, asked(), strict=True))


def test_asking_has_its_rate(places: dict[str, Member], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "count", lambda action, _whose, _at: 60 if action == "group-who" else 0)
    answer = signed_in(places["ada"].reader).get(f"{HOME}/who")
    assert answer.status_code == 429 and answer["Retry-After"] == "60"


def test_labels_and_headings_are_in_order(places: dict[str, Member]) -> None:
    ada = signed_in(places["ada"].reader)
    shares(places["ada"], "bees")
    shelf.put(places["ada"], paper("bees", 1), "", "2024-06-06", now=NOW)
    for page in (
        HOME,
        f"{HOME}/people",
        f"{HOME}/who?paper={key('bees', 9)}",
        "/groups",
        f"/groups/put/{key('bees', 2)}",
    ):
        html = text(ada, page)
        ids = re.findall(r'\bid="([^"]+)"', html)
        assert len(ids) == len(set(ids)), page
        levels = [int(level) for level in re.findall(r"<h([1-6])", html)]
        assert levels.count(1) == 1 and all(after - before <= 1 for before, after in pairwise(levels)), page
