"""What belongs to a reader: profile, invitations, news, export, erasure; and the page that all can see."""

import json
from datetime import timedelta

import pytest
from django.core.cache import cache
from django.test import Client

from broadsheet.community import comments
from broadsheet.community.models import Claim, Comment, Membership, Organisation, Submission, Vote
from broadsheet.papers.ingest import ingest
from broadsheet.papers.models import Paper
from broadsheet.readers import notifications
from broadsheet.readers.models import Invitation, Notification, Reader
from broadsheet.web.tests.accounts import JOINED, PASSWORD, reader, signed_in, signed_in_by_password
from broadsheet.web.tests.conftest import NOW, made

PROFILE = {"name": "Ada Lum", "about": "Winds.", "language": "", "time_zone": "Europe/Berlin", "mailed": ["reply"]}


@pytest.fixture(autouse=True)
def fresh_counts(db: None) -> None:
    cache.clear()


@pytest.fixture
def ada(db: None) -> Reader:
    return reader()


@pytest.mark.parametrize("address", ["/me", "/me/invitations", "/me/erase", "/notifications"])
def test_strangers_are_sent_to_sign_in_and_back(db: None, client: Client, address: str) -> None:
    response = client.get(address)
    assert response.status_code == 303
    assert response["Location"] == f"/account/login/?next={address}"


@pytest.mark.parametrize("address", ["/me/export", "/notifications/read", "/me/invitations/1/take-back"])
def test_what_changes_or_gives_something_is_no_get(ada: Reader, address: str) -> None:
    assert signed_in(ada).get(address).status_code == 405


def test_a_post_without_a_token_is_refused(ada: Reader) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.cookies = signed_in(ada).cookies
    for address in ("/me", "/me/export", "/me/erase", "/me/invitations", "/notifications/read"):
        assert browser.post(address, {"handle": "ada"}).status_code == 403
    assert Reader.objects.filter(handle="ada").exists()


def test_a_profile_is_saved(ada: Reader) -> None:
    response = signed_in(ada).post("/me", PROFILE | {"name": "Ada  Lum-Vega"})
    assert response.status_code == 303
    ada.refresh_from_db()
    assert (ada.name, ada.about, ada.time_zone, ada.mailed) == ("Ada Lum-Vega", "Winds.", "Europe/Berlin", ["reply"])


@pytest.mark.thorough
@pytest.mark.parametrize(
    "changes",
    [
        {"name": ""},
        {"name": "a" * 81},
        {"name": "Аdа Lum"},
        {"about": "a" * 100_000},
        {"about": "\0"},
        {"time_zone": "Mars/Olympus"},
        {"time_zone": "../../etc/passwd"},
        {"mailed": ["everything"]},
        {"language": "xx"},
    ],
)
def test_a_profile_that_makes_no_sense_is_400_with_a_sentence_by_the_field(
    ada: Reader, changes: dict[str, object]
) -> None:
    response = signed_in(ada).post("/me", PROFILE | changes)
    assert response.status_code == 400
    assert 'class="wrong"' in response.content.decode()
    ada.refresh_from_db()
    assert ada.about == ""


def test_what_a_reader_writes_of_themselves_is_escaped(ada: Reader, client: Client) -> None:
    signed_in(ada).post("/me", PROFILE | {"about": "<script>alert(1)</script>", "name": "<b>Ada"})
    page = client.get("/readers/ada").content.decode()
    assert "&lt;script&gt;alert(1)" in page and "<script>alert" not in page and "<b>Ada" not in page


def test_times_are_told_in_the_readers_zone(ada: Reader) -> None:
    ada.time_zone = "Asia/Tokyo"
    ada.save()
    Notification.objects.create(reader=ada, kind="welcome", at=NOW, url="/")
    assert "27 May 2024, 21:00" in signed_in(ada).get("/notifications").content.decode()


def test_standing_is_told_in_sentences(ada: Reader) -> None:
    assert "counted within a day" in signed_in(ada).get("/me").content.decode()
    ada.standing, ada.standing_terms = (
        0.35,
        {
            "start": 0.02,
            "age_part": 0.5,
            "active_part": 0.34,
            "accepted_part": 0.05,
            "upheld_factor": 0.7,
            "discount": 0.9,
        },
    )
    ada.save()
    page = signed_in(ada).get("/me").content.decode()
    for words in ("35 %", "began at 2 %", "50 %", "34 %", "was accepted", "Reports about you", "90 %"):
        assert words in page, words


def test_the_link_of_an_invitation_is_shown_once(ada: Reader) -> None:
    browser = signed_in(ada)
    response = browser.post("/me/invitations", {"note": "Hi", "uses": 2, "days": 7})
    assert response.status_code == 303
    page = browser.get("/me/invitations").content.decode()
    link = page.partition("http://testserver/join/")[2].partition("<")[0]
    assert len(link) > 20
    assert Client().get(f"/join/{link}").status_code == 200
    assert link not in browser.get("/me/invitations").content.decode()
    invitation = Invitation.objects.get()
    assert (invitation.uses_left, invitation.note, invitation.role) == (2, "Hi", "reader")


def test_an_invitation_can_be_taken_back_by_its_maker_alone(ada: Reader) -> None:
    signed_in(ada).post("/me/invitations", {"uses": 1, "days": 7})
    number = Invitation.objects.get().pk
    assert signed_in(reader("bo")).post(f"/me/invitations/{number}/take-back").status_code == 404
    assert Invitation.objects.get().uses_left == 1
    assert signed_in(ada).post(f"/me/invitations/{number}/take-back").status_code == 303
    assert Invitation.objects.get().uses_left == 0


def test_a_reader_cannot_make_a_curator(ada: Reader) -> None:
    signed_in(ada).post("/me/invitations", {"uses": 1, "days": 7, "role": "owner"})
    assert [invitation.role for invitation in Invitation.objects.all()] == ["reader"]


def test_an_owner_can(db: None) -> None:
    signed_in(reader("ow", role="owner")).post("/me/invitations", {"uses": 1, "days": 7, "role": "curator"})
    assert Invitation.objects.get().role == "curator"


def test_more_than_a_reader_may_invite_is_refused_with_a_sentence(ada: Reader) -> None:
    response = signed_in(ada).post("/me/invitations", {"uses": 400, "days": 7})
    assert response.status_code == 400 and b"You can invite" in response.content
    assert not Invitation.objects.exists()


@pytest.mark.parametrize(
    "changes", [{"uses": "x"}, {"uses": -1}, {"days": 10**30}, {"note": "\0"}, {"note": "n" * 9999}]
)
def test_an_invitation_that_makes_no_sense_is_400(ada: Reader, changes: dict[str, object]) -> None:
    values: dict[str, object] = {"uses": 1, "days": 7, "note": ""}
    assert signed_in(ada).post("/me/invitations", values | changes).status_code == 400
    assert not Invitation.objects.exists()


def test_news_is_counted_shown_and_marked_as_read(ada: Reader) -> None:
    for number in range(3):
        data = {"by": "bo", "title": f"<i>Planet {number}"}
        notifications.notify([ada], "reply", data, f"/papers/2405.1500{number}", now=NOW + timedelta(minutes=number))
    browser = signed_in(ada)
    assert 'class="bubble">3' in browser.get("/me").content.decode()
    page = browser.get("/notifications").content.decode()
    assert page.count('<li class="new"') == 3 and "<i>Planet" not in page
    first = Notification.objects.order_by("at").first()
    assert first
    assert browser.post("/notifications/read", {"number": first.pk}).status_code == 303
    assert notifications.unread(ada) == 2
    assert browser.post("/notifications/read").status_code == 303
    assert notifications.unread(ada) == 0


@pytest.mark.parametrize("number", ["x", "-1", "9" * 400, "1 or 1=1", "\0"])
def test_a_number_that_is_none_marks_nothing_as_read(ada: Reader, number: str) -> None:
    notifications.notify([ada], "welcome", {}, "/", now=NOW)
    assert signed_in(ada).post("/notifications/read", {"number": number}).status_code == 303
    assert notifications.unread(ada) == 1


def test_nobody_marks_anothers_news(ada: Reader) -> None:
    notifications.notify([ada], "welcome", {}, "/", now=NOW)
    signed_in(reader("bo")).post("/notifications/read", {"number": Notification.objects.get().pk})
    assert notifications.unread(ada) == 1


def test_everything_a_reader_gave_comes_as_one_file(ada: Reader) -> None:
    response = signed_in(ada).post("/me/export")
    assert response.status_code == 200
    assert response["Content-Disposition"] == 'attachment; filename="broadsheet-ada.json"'
    assert "no-store" in response["Cache-Control"]
    assert "ada@lab.example" in json.dumps(json.loads(response.content))


def test_erasing_asks_for_the_password_first(ada: Reader) -> None:
    response = signed_in(ada).post("/me/erase", {"handle": "ada"})
    assert response.status_code == 302 and "/account/reauthenticate/" in response["Location"]
    assert Reader.objects.filter(handle="ada").exists()


def test_erasing_takes_the_handle_typed(ada: Reader) -> None:
    browser = signed_in_by_password(ada)
    for wrong in ("", "bo", "ad", "\0", "a" * 100_000):
        assert browser.post("/me/erase", {"handle": wrong}).status_code == 400
    assert Reader.objects.filter(handle="ada").exists()


def test_an_erased_reader_is_gone_and_signed_out(ada: Reader) -> None:
    browser = signed_in_by_password(ada)
    assert browser.get("/me/erase").status_code == 200
    response = browser.post("/me/erase", {"handle": "@ada"})
    assert response.status_code == 200 and "You are erased" in response.content.decode()
    assert "Sign in" in response.content.decode()
    assert not Reader.objects.exists()
    assert browser.get("/me").status_code == 303
    assert browser.get("/readers/ada").status_code == 404
    again = browser.post("/account/login/", {"login": "ada@lab.example", "password": PASSWORD})
    assert again.status_code == 200


def test_a_readers_page_shows_what_they_gave_and_not_what_they_voted_for(ada: Reader, client: Client) -> None:
    ingest([made(1), made(2), made(3)], now=NOW)
    one, two, hidden = Paper.objects.order_by("key")
    Paper.objects.filter(pk=hidden.pk).update(hidden=True)
    bo = reader("bo", invited_by=ada)
    Claim.objects.create(reader=bo, paper=one, position=0, state="confirmed", at=NOW)
    Claim.objects.create(reader=bo, paper=hidden, position=0, state="confirmed", at=NOW)
    Vote.objects.create(reader=bo, paper=two, cast=NOW, day=NOW.date(), nth=1)
    comment = comments.write(bo, one, "Good **winds** <script>alert(1)</script>", now=NOW)
    Comment.objects.create(paper=one, author=bo, text="Gone", html="", written=NOW, state="removed")
    Submission.objects.create(reader=bo, paper=one, given="x", name="x", title="Brought in", state="accepted", at=NOW)
    lab = Organisation.objects.create(slug="lab", name="The Lab", made=NOW)
    Membership.objects.create(organisation=lab, reader=bo, state="confirmed", at=NOW)
    page = client.get("/readers/bo").content.decode()
    assert "part 1" in page and "part 2" not in page and "part 3" not in page
    assert (
        f"#comment-{comment.pk}" in page
        and "<strong>winds</strong>" in page
        and "<script>alert" not in page
        and "Gone" not in page
    )
    assert "The Lab" in page and "Brought in" in page and "/readers/ada" in page
    assert f"{JOINED:%B} 2024" in page


@pytest.mark.parametrize("handle", ["nobody", "%00", "%F0%9F%98%80", "a" * 5000, "ad%61a", "аda", "-", "..."])
def test_a_reader_who_is_none_is_404(ada: Reader, client: Client, handle: str) -> None:
    assert client.get(f"/readers/{handle}").status_code == 404


def test_a_handle_in_capitals_leads_to_its_one_address(ada: Reader, client: Client) -> None:
    response = client.get("/readers/ADA")
    assert response.status_code == 301 and response["Location"] == "/readers/ada"
