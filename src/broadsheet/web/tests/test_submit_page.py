from collections.abc import Callable

import pytest
from django.test import Client

from broadsheet.community.models import Submission
from broadsheet.community.tests.factory import reader

Page = Callable[[str], str]
BIBTEX = """@misc{rain2024,
  title = {On the rain of <small> moons},
  author = {Cy Corso and Di Dell},
  year = {2024},
  howpublished = {a hand-made journal}
}"""


@pytest.fixture
def ada(edition: int, client: Client) -> Client:
    client.force_login(reader(1))
    return client


def curator() -> Client:
    desk = Client()
    desk.force_login(reader(8, role="curator"))
    return desk


def test_a_paper_is_looked_up_shown_and_submitted_once_confirmed(ada: Client, page: Page) -> None:
    html = ada.post("/submit", {"given": BIBTEX}).content.decode()
    assert "This was found" in html and "On the rain of &lt;small&gt; moons" in html and "Cy Corso, Di Dell" in html
    assert not Submission.objects.exists()
    sent = ada.post("/submit", {"given": BIBTEX, "note": "Read it!", "confirm": "1"})
    submission = Submission.objects.get()
    assert (sent.status_code, sent.headers["Location"]) == (303, f"/submissions#submission-{submission.pk}")
    assert "waits for a curator" in page("/submissions")
    again = ada.post("/submit", {"given": BIBTEX}).content.decode()
    assert "It was submitted already" in again


def test_a_paper_that_is_here_says_so(ada: Client) -> None:
    html = ada.post("/submit", {"given": "https://arxiv.org/abs/2405.15001v2"}).content.decode()
    assert "It is here already:" in html and 'href="/papers/2405.15001"' in html


def test_an_accepted_submission_stands_in_todays_edition_with_who_brought_it(ada: Client, page: Page) -> None:
    ada.post("/submit", {"given": BIBTEX, "confirm": "1", "note": "A <gem>"})
    desk = curator()
    shown = desk.get("/desk/submissions").content.decode()
    assert "A &lt;gem&gt;" in shown and "On the rain of" in shown
    accepted = desk.post("/desk/submissions", {"submission": Submission.objects.get().pk, "do": "accept", "day": ""})
    assert accepted.status_code == 303, accepted.content.decode()
    submission = Submission.objects.get()
    paper = submission.paper
    assert paper is not None and paper.placed == submission.day
    day = page(f"/date/{paper.placed}")
    assert "On the rain of &lt;small&gt; moons" in day and "Submitted by" in day and "/readers/reader-1" in day
    assert "On the rain" in Client().get("/submissions").content.decode()
    assert "Placed by a curator" in page(f"/papers/{paper.key}")


def test_a_declined_submission_says_why(ada: Client, page: Page) -> None:
    ada.post("/submit", {"given": BIBTEX, "confirm": "1"})
    desk, number = curator(), Submission.objects.get().pk
    assert desk.post("/desk/submissions", {"submission": number, "do": "decline", "reason": ""}).status_code == 400
    desk.post("/desk/submissions", {"submission": number, "do": "decline", "reason": "Off our <field>"})
    assert "Off our &lt;field&gt;" in page("/submissions") and "declined" in page("/submissions")


def test_a_submission_is_taken_back_by_who_brought_it(ada: Client, page: Page) -> None:
    ada.post("/submit", {"given": BIBTEX, "confirm": "1"})
    number = Submission.objects.get().pk
    other = Client()
    other.force_login(reader(2))
    assert other.post(f"/submissions/{number}/take-back").status_code == 400
    assert ada.post(f"/submissions/{number}/take-back").status_code == 303
    assert "taken back" in page("/submissions")


@pytest.mark.parametrize(
    "given",
    [
        "",
        "   ",
        "nonsense",
        "<script>alert(1)</script>",
        "\0",
        "x" * 60_000,
        "http://127.0.0.1/secret",
        "@article{",
        "@",
        "2405.99",
    ],
)
def test_what_names_no_paper_is_refused_with_what_was_typed(ada: Client, given: str) -> None:
    for more in ({}, {"confirm": "1"}):
        refused = ada.post("/submit", {"given": given, **more})
        html = refused.content.decode()
        assert refused.status_code == 400 and 'role="alert"' in html and "<script>alert" not in html
    assert not Submission.objects.exists()


def test_strangers_see_what_was_accepted_and_no_form(edition: int, page: Page) -> None:
    html = page("/submissions")
    assert "No submission was accepted yet." in html and "csrfmiddlewaretoken" not in html
