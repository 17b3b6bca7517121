from collections.abc import Callable

import pytest
from django.test import Client

from broadsheet.community.models import Act, Comment, Finding, Report, Vote
from broadsheet.community.tests.factory import NOON, reader
from broadsheet.papers.models import Paper
from broadsheet.readers.models import Reader

Page = Callable[[str], str]
ALL = ["/desk", "/desk/submissions", "/desk/claims", "/desk/reports", "/desk/readers", "/desk/votes"]
FOR_MODERATORS = ALL[3:] + ["/desk/readers/reader-1"]


def signed_in(member: Reader) -> Client:
    client = Client()
    client.force_login(member)
    return client


@pytest.fixture
def judge(edition: int) -> Client:
    return signed_in(reader(9, role="moderator"))


@pytest.mark.parametrize("address", ALL)
def test_the_desk_is_for_those_who_care_for_the_site(edition: int, client: Client, address: str) -> None:
    assert client.get(address).status_code == 303
    told = signed_in(reader(1)).get(address)
    assert told.status_code == 403 and b"those who care for this site" in told.content
    assert signed_in(reader(1 + 1)).post(address, {"do": "accept"}).status_code in (403, 405)


@pytest.mark.parametrize("address", FOR_MODERATORS)
def test_curators_do_not_moderate(edition: int, address: str) -> None:
    reader(1)
    curator = signed_in(reader(8, role="curator"))
    assert curator.get(address).status_code == 403
    assert curator.post("/desk/paper/2405.15001", {"do": "hide", "reason": "x"}).status_code in (400, 403)
    assert not Paper.objects.filter(hidden=True).exists()
    assert "Reports" not in curator.get("/desk").content.decode()


@pytest.mark.parametrize("address", ALL)
def test_an_empty_desk_says_so(judge: Client, address: str) -> None:
    assert judge.get(address).status_code == 200


@pytest.mark.thorough
@pytest.mark.parametrize("address", ALL[1:])
@pytest.mark.parametrize(
    "given",
    [
        {},
        {"do": "accept"},
        {"do": "nonsense", "reason": "x"},
        {"submission": "9" * 30},
        {"do": "confirm", "claim": "-1", "finding": "\0", "reader": "x", "day": "nope"},
    ],
)
def test_nonsense_on_the_desk_is_answered_with_a_sentence(judge: Client, address: str, given: dict[str, str]) -> None:
    assert judge.post(address, given).status_code in (400, 404)
    assert not Act.objects.exists()


def test_reports_are_grouped_by_subject_and_decided(judge: Client, page: Page) -> None:
    paper = Paper.objects.get(key="2405.15001")
    author = reader(3)
    comment = Comment.objects.create(paper=paper, author=author, text="Buy!", html="<p>Buy!</p>", written=NOON)
    for number in (1, 2):
        sent = signed_in(reader(number)).post(
            f"/report/comment:{comment.pk}", {"cause": "spam", "says": f"Says {number}"}
        )
        assert sent.status_code == 303
    html = judge.get("/desk/reports").content.decode()
    assert html.count('class="case"') == 1 and "Says 1" in html and "Says 2" in html and "Buy!" in html
    subject = f"comment:{comment.pk}"
    assert judge.post("/desk/reports", {"subject": subject, "do": "uphold", "reason": ""}).status_code == 400
    assert judge.post("/desk/reports", {"subject": subject, "do": "uphold", "reason": "It is"}).status_code == 303
    assert not Report.objects.filter(state="open").exists()
    assert "No report waits." in judge.get("/desk/reports").content.decode()


def test_a_reader_who_waits_is_approved(judge: Client) -> None:
    waiting = reader(5, state="waiting", about="I study <rain>")
    html = judge.get("/desk/readers").content.decode()
    assert "I study &lt;rain&gt;" in html
    assert judge.post("/desk/readers", {"reader": waiting.pk}).status_code == 303
    waiting.refresh_from_db()
    assert waiting.state == "active"


def test_a_reader_is_suspended_and_reinstated_with_a_reason(judge: Client, page: Page) -> None:
    other = reader(5)
    assert judge.post("/desk/readers/reader-5", {"do": "suspend", "reason": ""}).status_code == 400
    assert judge.post("/desk/readers/reader-5", {"do": "suspend", "reason": "Sold pills"}).status_code == 303
    other.refresh_from_db()
    assert other.state == "suspended" and "Sold pills" in page("/moderation")
    assert judge.post("/desk/readers/reader-5", {"do": "reinstate", "reason": "Was sorry"}).status_code == 303
    other.refresh_from_db()
    assert other.state == "active"


def test_a_role_is_changed_by_who_may(judge: Client) -> None:
    other = reader(5)
    signed_in(reader(10, role="owner")).post(
        "/desk/readers/reader-5", {"do": "role", "role": "curator", "reason": "Knows it"}
    )
    other.refresh_from_db()
    assert other.role == "curator"
    assert judge.post("/desk/readers/reader-5", {"do": "role", "role": "emperor", "reason": "x"}).status_code == 400
    assert judge.get("/desk/readers/nobody").status_code == judge.get("/desk/readers/%00").status_code == 404


def finding() -> Finding:
    paper = Paper.objects.get(key="2405.15001")
    made = Finding.objects.create(
        key="k1",
        kind="burst",
        paper=paper,
        discount=0.9,
        found=NOON,
        evidence={"votes": 12, "expected": 1.5, "first": 0},
    )
    members = [reader(number) for number in (20, 21, 22)]
    made.members.set(members)
    for member in members:
        Vote.objects.create(reader=member, paper=paper, cast=NOON, day=NOON.date(), nth=1, origin="o" * 32)
    return made


def test_a_finding_shows_its_evidence_and_is_decided(judge: Client, page: Page) -> None:
    made = finding()
    html = judge.get("/desk/votes").content.decode()
    for said in ("Many new accounts voted for one paper", "90 %", "@reader-21", "Expected", "Their 3 votes"):
        assert said in html, said
    assert judge.post("/desk/votes", {"finding": made.pk, "do": "clear", "reason": ""}).status_code == 400
    assert judge.post("/desk/votes", {"finding": made.pk, "do": "clear", "reason": "A class voted"}).status_code == 303
    made.refresh_from_db()
    assert made.state == "cleared"
    assert "A class voted" in judge.get("/desk/votes?state=cleared").content.decode()
    assert judge.post("/desk/votes", {"finding": made.pk, "do": "confirm", "reason": "It did not"}).status_code == 303
    assert "@reader-21" not in page("/moderation")


def test_a_paper_is_placed_and_taken_out_by_a_curator(edition: int, page: Page) -> None:
    curator = signed_in(reader(8, role="curator"))
    assert "Place it in an edition" in curator.get("/papers/2405.15001").content.decode()
    placed = curator.post("/desk/paper/2405.15001", {"do": "place", "day": "", "reason": "Worth another look"})
    assert placed.status_code == 303, placed.content.decode()
    day = Paper.objects.get(key="2405.15001").placed
    assert "part 1</a></h3>" in page(f"/date/{day}") and "placed by a curator" in page(f"/date/{day}")
    assert "placed by a curator" not in page("/date/2024-05-27")
    assert "Worth another look" in page("/moderation")
    for given in ("nope", "1999-01-01", "9999-12-31"):
        assert curator.post("/desk/paper/2405.15001", {"do": "place", "day": given, "reason": "x"}).status_code == 400
    assert curator.post("/desk/paper/2405.15001", {"do": "unplace", "reason": "A slip"}).status_code == 303
    assert Paper.objects.get(key="2405.15001").placed is None
