import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from django.core.cache import caches
from django.test import Client
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pytest_django.fixtures import Settings

from broadsheet.api import object_ids
from broadsheet.community import comments, organisations
from broadsheet.community.models import Act, AddedLink, Affiliation, Claim, Comment, Submission, Vote
from broadsheet.community.tests.factory import NOON, a_paper, reader
from broadsheet.lib.tests.loopback import FakeTime, Loopback, fake_http, playing
from broadsheet.papers.models import Paper
from broadsheet.readers import tokens
from broadsheet.readers.models import Reader, Saved
from broadsheet.record.paper import Listing

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as Response

pytestmark = pytest.mark.django_db
TODAY = date(2026, 11, 20)
SIGNED_IN = "allauth.account.auth_backends.AuthenticationBackend"
ATOM = (
    '<feed xmlns:opensearch="http://a9.com/-/spec/opensearch/1.1/" xmlns="http://www.w3.org/2005/Atom">'
    "<id>https://arxiv.org/api/x</id><title>arXiv Query</title>"
    "<opensearch:totalResults>{total}</opensearch:totalResults>{entries}</feed>"
)
BEES = (
    "<entry><id>http://arxiv.org/abs/2611.09999v1</id><title>Bees on air</title><updated>2026-11-16T12:00:00Z</updated>"
    "<summary>On bees.</summary><published>2026-11-16T12:00:00Z</published><author><name>Ada Ant</name></author>"
    "</entry>"
)
# Every write call there is, with a body that would do. {id} is a paper that is here, {comment} a comment on it.
CALLS: dict[tuple[str, str], dict[str, object] | None] = {
    ("POST", "/api/papers/index"): {"arxivId": "2611.00001"},
    ("POST", "/api/papers/submit"): {"paperId": "2611.00001"},
    ("POST", "/api/settings/papers/claim"): {"paperId": "2611.00001", "claimAuthorId": "a", "targetUserId": "b"},
    ("POST", "/api/papers/2611.00001/links"): {"projectPage": "https://bees.example/", "githubRepo": None},
    ("POST", "/api/papers/2611.00001/comment"): {"comment": "Well said."},
    ("POST", "/api/papers/2611.00001/comment/{comment}/reply"): {"comment": "I agree."},
    ("POST", "/api/papers/2611.00001/comment/{comment}/hide"): {"reason": "Off topic."},
    ("POST", "/api/papers/2611.00001/vote"): None,
    ("DELETE", "/api/papers/2611.00001/vote"): None,
    ("POST", "/api/papers/2611.00001/save"): None,
    ("DELETE", "/api/papers/2611.00001/save"): None,
}


@pytest.fixture(autouse=True)
def site(tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Loopback]:
    """A site on a Friday at noon, and an arXiv played on loopback; no test reaches further."""
    caches["memory"].clear()
    for module in ("auth", "hf_write"):
        monkeypatch.setattr(f"broadsheet.api.{module}.now", lambda: NOON)
    with playing() as loopback:
        door = fake_http(tmp_path / "limits", FakeTime())
        monkeypatch.setattr("broadsheet.community.resolve.site_http", lambda: door)
        address = {"arxiv_api_url": f"{loopback.base}/api/query"}
        settings.CONFIG = replace(settings.CONFIG, home=tmp_path, values={**settings.CONFIG.values, **address})
        yield loopback
    caches["memory"].clear()


@pytest.fixture
def bees(site: Loopback) -> Loopback:
    """arXiv has one paper: Bees on air, 2611.09999."""
    site.answer("/api/query", ATOM.format(total=1, entries=BEES))
    return site


@pytest.fixture
def ada() -> Reader:
    return reader(1)


@pytest.fixture
def paper(db: None) -> Paper:
    return a_paper(1)


def secret_of(who: Reader, *scopes: str, ago: timedelta = timedelta()) -> str:
    name = f"t{who.tokens.count()}"
    return tokens.make(who, name, scopes or ("write",), days=30, now=NOON - ago)[1]


def say(
    secret: str, address: str, body: object = None, *, method: str = "POST", client: Client | None = None
) -> "Response":
    """Call as a program does: with a token, or none, and JSON."""
    headers = {"HTTP_AUTHORIZATION": f"Bearer {secret}"} if secret else {}
    content = b"" if body is None else json.dumps(body).encode()
    browser = client or Client(enforce_csrf_checks=True, raise_request_exception=True)
    kind = {} if body is None else {"content_type": "application/json"}
    return browser.generic(method, address, content, **(kind | headers))  # type: ignore[arg-type]


def error(answer: "Response") -> str:
    """The sentence of an error, in the one shape that errors have."""
    assert answer["Content-Type"].startswith("application/json"), answer.content
    told = answer.json()
    assert list(told) == ["error"] and told["error"] and "X-Error-Message" in answer, told
    return str(told["error"])


def everything() -> tuple[int, ...]:
    kinds = (Vote, Saved, Comment, Submission, Claim, AddedLink, Affiliation, Act, Paper)
    return tuple(kind.objects.count() for kind in kinds)


def a_comment(paper: Paper, who: Reader, text: str = "First.") -> Comment:
    return comments.write(who, paper, text, now=NOON - timedelta(minutes=5))


# Who may write


@pytest.mark.parametrize(("method", "address"), CALLS)
def test_nobody_writes_without_a_token_that_may(method: str, address: str, paper: Paper, ada: Reader) -> None:
    address, body = address.format(comment=a_comment(paper, ada).pk), CALLS[method, address]
    suspended = reader(2)
    waiting = {
        "": 401,
        "hf_abcdefgh": 401,
        "bs_" + "a" * 43: 401,
        secret_of(ada, "write", ago=timedelta(days=31)): 401,
        secret_of(ada, "read", "feed"): 403,
        secret_of(suspended, "write"): 403,
    }
    revoked = secret_of(ada, "write")
    tokens.revoke(ada, tokens.of(ada)[0].pk)
    Reader.objects.filter(pk=suspended.pk).update(state="suspended")
    before = everything()
    for secret, status in (waiting | {revoked: 401}).items():
        answer = say(secret, address, body, method=method)
        assert answer.status_code == status, (secret, answer.content)
        assert secret not in error(answer) or not secret
    assert everything() == before


@pytest.mark.parametrize(("method", "address"), CALLS)
def test_a_session_alone_writes_nothing(method: str, address: str, paper: Paper, ada: Reader) -> None:
    number = a_comment(paper, ada).pk
    body, before = CALLS[method, address], everything()
    for strict in (True, False):
        browser = Client(enforce_csrf_checks=strict)
        browser.force_login(ada, backend=SIGNED_IN)
        answer = say("", address.format(comment=number), body, method=method, client=browser)
        assert answer.status_code == 401 and error(answer)
    assert everything() == before


@pytest.mark.parametrize(("method", "address"), CALLS)
def test_on_a_site_for_one_a_page_elsewhere_writes_nothing(
    method: str, address: str, paper: Paper, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BROADSHEET_ALONE", "1")
    local = Client(HTTP_HOST="127.0.0.1:8000", REMOTE_ADDR="127.0.0.1", enforce_csrf_checks=True)
    before = everything()
    assert say("", address.format(comment=1), CALLS[method, address], method=method, client=local).status_code == 401
    assert everything() == before


def test_a_token_writes_without_a_cookie_and_with_basic(paper: Paper, ada: Reader) -> None:
    answer = say(secret_of(ada), "/api/papers/2611.00001/vote")
    assert answer.status_code == 200 and not answer.cookies and "no-store" in answer["Cache-Control"]


@pytest.mark.parametrize(("method", "address"), CALLS)
def test_reading_a_place_for_writing_is_405(method: str, address: str, paper: Paper) -> None:
    answer = Client().get(address.format(comment=1))
    assert answer.status_code == 405 and "POST" in answer["Allow"] and error(answer)


# What is sent


@pytest.mark.thorough
@pytest.mark.parametrize("address", [at for method, at in CALLS if CALLS[method, at] and "hide" not in at])
@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [
        (b"", "application/json", 400), (b"{", "application/json", 400), (b"[]", "application/json", 400),
        (b"null", "application/json", 400), (b'"x"', "application/json", 400), (b"\xff\xfe", "application/json", 400),
        (b"[" * 100_000, "application/json", 400), (b'{"a":' * 20_000, "application/json", 400),
        (b"9" * 10_000, "application/json", 400), (b"{}", "application/json", 400),
        (b"{}", "text/plain", 415), (b"comment=x", "application/x-www-form-urlencoded", 415),
        (b"{}", "multipart/form-data; boundary=x", 415), (b"{}", "", 415),
        (b'{"x": "' + b"a" * 200_001 + b'"}', "application/json", 413),
    ],
)  # fmt: skip
def test_what_is_no_json_object_is_refused(
    address: str, content: bytes, kind: str, status: int, paper: Paper, ada: Reader
) -> None:
    place, before = address.format(comment=a_comment(paper, ada).pk), everything()
    header = {"HTTP_AUTHORIZATION": f"Bearer {secret_of(ada)}"}
    answer = Client().generic("POST", place, content, content_type=kind, **header)  # type: ignore[arg-type]
    assert answer.status_code == status and error(answer)
    assert everything() == before


@pytest.mark.thorough
@pytest.mark.parametrize("address", [at for method, at in CALLS if CALLS[method, at]])
@pytest.mark.parametrize("wrong", [5, 1.5, True, ["x"], {"a": 1}, "\0", "\ud800", "x\0y", "", None, "x" * 70_000])
def test_fields_of_a_wrong_type_are_never_500(address: str, wrong: object, paper: Paper, ada: Reader) -> None:
    fields = CALLS["POST", address] or {}
    place, secret = address.format(comment=a_comment(paper, reader(5)).pk), secret_of(reader(6, role="moderator"))
    for field in fields:
        caches["memory"].clear()
        answer = say(secret, place, fields | {field: wrong})
        assert answer.status_code in (200, 201, 202, 303, 400, 403, 404, 409), (field, answer.content)
        assert answer.status_code < 400 or error(answer)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=30),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=4,
)


@pytest.mark.thorough
@hypothesis_settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), address=st.sampled_from([at for method, at in CALLS if method == "POST"]))
def test_no_body_makes_a_500(data: st.DataObject, address: str, paper: Paper) -> None:
    caches["memory"].clear()
    one = Reader.objects.filter(handle="reader-7").first() or reader(7, role="curator")
    number = Comment.objects.values_list("pk", flat=True).first() or a_comment(paper, reader(8)).pk
    names = st.sampled_from(["arxivId", "paperId", "comment", "reason", "projectPage", "githubRepo", "organizationId"])
    body = data.draw(st.dictionaries(names | st.text(max_size=4), JSON, max_size=4))
    one.tokens.all().delete()
    answer = say(secret_of(one), address.format(comment=number), body)
    assert answer.status_code in (200, 201, 202, 303, 400, 403, 404, 409), answer.content


NO_PAPERS = ["2611.77777", "nonsense", "%00", "a" * 600, "f" * 24, "0" * 24, "%F0%9F%90%9D", "hep-th/9901001"]


@pytest.mark.parametrize("name", NO_PAPERS)
def test_an_unknown_paper_is_404_for_every_call(name: str, ada: Reader) -> None:
    secret = secret_of(ada)
    for call in ("links", "comment", "comment/1/reply", "comment/1/hide", "vote", "save"):
        answer = say(secret, f"/api/papers/{name}/{call}", {"projectPage": None, "comment": "Hm.", "reason": "x"})
        assert answer.status_code == 404 and error(answer), (call, answer.content)


@pytest.mark.parametrize("number", ["0", "x", "9" * 30, "-1", "1.5", "٣", "999999"])
def test_an_unknown_comment_is_404(number: str, paper: Paper, ada: Reader) -> None:
    for call in ("reply", "hide"):
        answer = say(secret_of(ada), f"/api/papers/2611.00001/comment/{number}/{call}", {"comment": "Hm."})
        assert answer.status_code == 404


@pytest.mark.thorough
def test_programs_that_hammer_are_told_when_to_go_on(paper: Paper, ada: Reader) -> None:
    secret = secret_of(ada)
    answers = [say(secret, "/api/papers/2611.00001/vote") for _ in range(61)]
    assert [answer.status_code for answer in answers[:60]] == [200] * 60
    assert answers[60].status_code == 429 and int(answers[60]["Retry-After"]) > 0 and error(answers[60])
    assert say(secret_of(reader(2)), "/api/papers/2611.00001/vote").status_code == 200


# Papers: index and submit


def test_a_known_paper_is_indexed_already(paper: Paper, ada: Reader, site: Loopback) -> None:
    answer = say(secret_of(ada), "/api/papers/index", {"arxivId": "2611.00001", "more": 1})
    assert (answer.status_code, answer.json()) == (200, {})
    assert not Submission.objects.exists() and not site.asked


@pytest.mark.parametrize(
    "name",
    ["2611.09999v1", "hep-th/9901001", "10.5555/bees", "x", "2611.099999", " 2611.09999", "2611.09999\n", "٢٦١١.09999"],
)
def test_only_the_bare_number_of_a_paper_is_indexed(name: str, ada: Reader, site: Loopback) -> None:
    assert say(secret_of(ada), "/api/papers/index", {"arxivId": name}).status_code == 400
    assert not site.asked


def test_a_readers_unknown_paper_waits_for_a_curator(ada: Reader, bees: Loopback) -> None:
    for _ in range(2):
        answer = say(secret_of(ada), "/api/papers/index", {"arxivId": "2611.09999"})
        assert (answer.status_code, answer.json()) == (202, {"state": "waiting"})
    waiting = Submission.objects.get()
    assert (waiting.reader, waiting.title, waiting.state) == (ada, "Bees on air", "waiting")
    assert not Paper.objects.exists() and len(bees.asked) == 1


def test_a_curators_unknown_paper_is_taken_in_without_a_place(bees: Loopback) -> None:
    answer = say(secret_of(reader(9, role="curator")), "/api/papers/index", {"arxivId": "2611.09999"})
    assert (answer.status_code, answer.json()) == (200, {})
    taken = Paper.objects.get()
    assert (taken.key, taken.title, taken.placed) == ("2611.09999", "Bees on air", None)
    assert not Submission.objects.exists()


def test_a_paper_that_arxiv_does_not_have_is_400(site: Loopback, ada: Reader) -> None:
    site.answer("/api/query", ATOM.format(total=0, entries=""))
    for who in (ada, reader(9, role="curator")):
        answer = say(secret_of(who), "/api/papers/index", {"arxivId": "2611.09998"})
        assert answer.status_code == 400 and "There is no paper" in error(answer)


def test_a_submitted_paper_waits_and_the_answer_leads_to_its_page(paper: Paper, ada: Reader) -> None:
    for who in (ada, ada, reader(2)):
        answer = say(secret_of(who), "/api/papers/submit", {"paperId": "2611.00001v1"})
        assert answer.status_code == 303 and answer["Location"].endswith("/papers/2611.00001")
        assert answer.json() == {"state": "waiting", "url": answer["Location"]}
    assert Submission.objects.get().paper == paper


def test_a_submitted_paper_that_is_not_here_waits_without_a_page(ada: Reader, bees: Loopback) -> None:
    for _ in range(2):
        answer = say(secret_of(ada), "/api/papers/submit", {"paperId": "arXiv:2611.09999"})
        assert (answer.status_code, answer.json()) == (202, {"state": "waiting"})
    assert Submission.objects.count() == 1


@pytest.mark.parametrize("name", ["2611.00001", object_ids.paper_id("2611.00001"), "arXiv:2611.00001"])
def test_a_curator_places_a_paper_in_todays_edition(name: str, paper: Paper) -> None:
    secret = secret_of(reader(9, role="curator"))
    answer = say(secret, "/api/papers/submit", {"paperId": name})
    assert answer.status_code == 303 and answer.json()["state"] == "placed"
    paper.refresh_from_db()
    assert paper.placed == TODAY and Act.objects.filter(did="place", subject="paper:2611.00001").exists()
    again = say(secret, "/api/papers/submit", {"paperId": name})
    assert again.status_code == 409 and "2026-11-20" in error(again)


def test_a_curators_unknown_paper_is_taken_in_and_placed(bees: Loopback) -> None:
    answer = say(secret_of(reader(9, role="curator")), "/api/papers/submit", {"paperId": "2611.09999"})
    assert answer.status_code == 303 and answer["Location"].endswith("/papers/2611.09999")
    assert Paper.objects.get().placed == TODAY


def test_a_curator_accepts_what_waits(paper: Paper, ada: Reader) -> None:
    say(secret_of(ada), "/api/papers/submit", {"paperId": "2611.00001"})
    assert say(secret_of(reader(9, role="curator")), "/api/papers/submit", {"paperId": "2611.00001"}).status_code == 303
    assert Submission.objects.get().state == "accepted"


def test_what_the_sites_rules_refuse_is_400_with_the_sentence(ada: Reader, settings: Settings) -> None:
    settings.CONFIG = replace(settings.CONFIG, values={**settings.CONFIG.values, "submission_days": 14})
    a_paper(2, submitted=datetime(2020, 1, 1, tzinfo=UTC), announced=date(2020, 1, 2))
    answer = say(secret_of(ada), "/api/papers/submit", {"paperId": "2611.00002"})
    assert answer.status_code == 400 and "at most" in error(answer)


# Links and claims


@pytest.mark.parametrize("name", ["2611.00001", object_ids.paper_id("2611.00001"), "arXiv:2611.00001v2"])
def test_links_are_added_and_a_second_time_is_no_error(name: str, paper: Paper, ada: Reader) -> None:
    body = {"projectPage": "https://bees.example/", "githubRepo": "hive/bees", "organizationId": None}
    for _ in range(2):
        answer = say(secret_of(ada), f"/api/papers/{name}/links", body)
        assert (answer.status_code, answer.json()) == (200, {})
    kept = set(AddedLink.objects.values_list("kind", "url"))
    assert kept == {("project", "https://bees.example/"), ("code", "https://github.com/hive/bees")}


def test_null_leaves_links_as_they_are(paper: Paper, ada: Reader) -> None:
    say(secret_of(ada), "/api/papers/2611.00001/links", {"projectPage": "https://bees.example/"})
    assert say(secret_of(ada), "/api/papers/2611.00001/links", {"projectPage": None}).status_code == 200
    assert AddedLink.objects.count() == 1


@pytest.mark.parametrize("bad", ["http://localhost/", "javascript:alert(1)", "http://10.0.0.1/", "x", "https://a b/"])
def test_one_bad_link_adds_none(bad: str, paper: Paper, ada: Reader) -> None:
    body = {"projectPage": "https://bees.example/", "githubRepo": bad}
    answer = say(secret_of(ada), "/api/papers/2611.00001/links", body)
    assert answer.status_code == 400 and error(answer) and not AddedLink.objects.exists()


def test_an_organisation_is_named_by_those_who_may(paper: Paper, ada: Reader) -> None:
    curator = reader(9, role="curator")
    hive = organisations.found(curator, "Hive Lab", "", [], "", now=NOON)
    for name in (hive.slug, object_ids.organisation_id(hive.slug)):
        body = {"projectPage": "https://bees.example/", "organizationId": name}
        assert say(secret_of(ada), "/api/papers/2611.00001/links", body).status_code == 403
        assert not AddedLink.objects.exists()
    for _ in range(2):
        assert say(secret_of(curator), "/api/papers/2611.00001/links", body).status_code == 200
    assert Affiliation.objects.get().organisation == hive
    nobody = say(secret_of(curator), "/api/papers/2611.00001/links", {"organizationId": "f" * 24})
    assert nobody.status_code == 404


def claim_of(paper: Paper, position: int, who: Reader) -> dict[str, str]:
    author = object_ids.author_id(paper.key, position)
    return {"paperId": paper.key, "claimAuthorId": author, "targetUserId": object_ids.user_id(who.handle)}


def test_a_claim_that_nothing_proves_waits(paper: Paper, ada: Reader) -> None:
    answer = say(secret_of(ada), "/api/settings/papers/claim", claim_of(paper, 1, ada))
    assert (answer.status_code, answer.json()) == (202, {"state": "waiting"})
    assert (Claim.objects.get().position, Claim.objects.get().reader) == (1, ada)
    again = say(secret_of(ada), "/api/settings/papers/claim", claim_of(paper, 1, ada))
    assert again.status_code == 409 and error(again)


def test_nobody_claims_for_others_or_a_place_that_is_none(paper: Paper, ada: Reader) -> None:
    sent = claim_of(paper, 0, ada)
    for wrong, status in (
        (claim_of(paper, 0, reader(2)), 403),
        (sent | {"targetUserId": "0" * 24}, 403),
        (claim_of(paper, 7, ada), 400),
        (sent | {"claimAuthorId": "Ada Example1"}, 400),
        (sent | {"paperId": "2611.77777"}, 404),
        ({"paperId": "2611.00001"}, 400),
    ):
        assert say(secret_of(ada), "/api/settings/papers/claim", wrong).status_code == status, wrong
    assert not Claim.objects.exists()


# Comments


def test_a_comment_is_written_and_told(paper: Paper, ada: Reader) -> None:
    answer = say(secret_of(ada), "/api/papers/2611.00001/comment", {"comment": "See *table 2*.\r\n<script>"})
    assert answer.status_code == 201
    told, kept = answer.json(), Comment.objects.get()
    assert {key: told[key] for key in told if key != "author"} == {
        "id": str(kept.pk), "paperId": "2611.00001", "state": "shown", "createdAt": "2026-11-20T12:00:00.000Z",
        "url": f"http://testserver/papers/2611.00001#comment-{kept.pk}", "raw": kept.text, "html": kept.html,
    }  # fmt: skip
    assert told["author"]["user"] == ada.handle and told["author"]["_id"] == object_ids.user_id(ada.handle)
    assert "<em>table 2</em>" in told["html"] and "<script" not in told["html"]
    paper.refresh_from_db()
    assert paper.comments_here == 1 and kept.author == ada


def test_a_comment_is_answered(paper: Paper, ada: Reader) -> None:
    first = a_comment(paper, reader(2))
    answer = say(secret_of(ada), f"/api/papers/2611.00001/comment/{first.pk}/reply", {"comment": "Indeed."})
    assert answer.status_code == 201 and answer.json()["parentId"] == str(first.pk)
    elsewhere = a_paper(2)
    lost = say(secret_of(ada), f"/api/papers/{elsewhere.key}/comment/{first.pk}/reply", {"comment": "No."})
    assert lost.status_code == 404


@pytest.mark.parametrize("text", ["", "  \n ", "x" * 20_001, "x" * 65_537])
def test_a_comment_without_words_or_end_is_400(text: str, paper: Paper, ada: Reader) -> None:
    answer = say(secret_of(ada), "/api/papers/2611.00001/comment", {"comment": text})
    assert answer.status_code == 400 and error(answer) and not Comment.objects.exists()


def test_authors_take_their_own_comments_away(paper: Paper, ada: Reader) -> None:
    own = a_comment(paper, ada)
    place = f"/api/papers/2611.00001/comment/{own.pk}/hide"
    answer = say(secret_of(ada), place)
    assert (answer.status_code, answer.json()) == (200, {"state": "deleted"})
    assert say(secret_of(ada), place).status_code == 400


def test_moderators_take_comments_away_with_a_reason_and_others_do_not(paper: Paper, ada: Reader) -> None:
    theirs = a_comment(paper, reader(2))
    place, moderator = f"/api/papers/2611.00001/comment/{theirs.pk}/hide", reader(9, role="moderator")
    for who in (ada, reader(8, role="curator")):
        assert say(secret_of(who), place, {"reason": "I disagree."}).status_code == 403
    assert say(secret_of(moderator), place, {}).status_code == 400
    assert say(secret_of(moderator), place, {"reason": " "}).status_code == 400
    answer = say(secret_of(moderator), place, {"reason": "Off topic."})
    assert (answer.status_code, answer.json()) == (200, {"state": "removed"})
    assert Act.objects.get(did="remove").reason == "Off topic."


# Votes and the library


@pytest.mark.parametrize("name", ["2611.00001", "2611.00001v3", object_ids.paper_id("2611.00001")])
def test_a_vote_counts_once_and_is_taken_back(name: str, paper: Paper, ada: Reader) -> None:
    place, secret = f"/api/papers/{name}/vote", secret_of(ada)
    for method, told in (
        ("POST", {"upvotes": 1, "upvoted": True}),
        ("POST", {"upvotes": 1, "upvoted": True}),
        ("DELETE", {"upvotes": 0, "upvoted": False}),
        ("DELETE", {"upvotes": 0, "upvoted": False}),
    ):
        assert say(secret, place, method=method).json() == told


def test_a_paper_is_found_by_the_id_that_a_list_elsewhere_gave_its_discussion(ada: Reader) -> None:
    a_paper(3, listing=Listing(discussion="65a" + "0" * 21))
    assert say(secret_of(ada), "/api/papers/65a" + "0" * 21 + "/vote").json() == {"upvotes": 1, "upvoted": True}


def test_a_vote_is_weighed_by_its_network_as_on_the_page(paper: Paper, ada: Reader) -> None:
    browser = Client(REMOTE_ADDR="93.184.216.34")
    say(secret_of(ada), "/api/papers/2611.00001/vote", client=browser)
    assert len(Vote.objects.get().origin) == 32


def test_a_paper_off_the_lists_takes_no_votes(paper: Paper, ada: Reader) -> None:
    Paper.objects.update(hidden=True)
    answer = say(secret_of(ada), "/api/papers/2611.00001/vote")
    assert answer.status_code == 400 and "off the lists" in error(answer)


def test_a_paper_is_saved_and_let_go(paper: Paper, ada: Reader) -> None:
    place, secret = "/api/papers/2611.00001/save", secret_of(ada)
    assert say(secret, place).json() == say(secret, place).json() == {"saved": True}
    assert Saved.objects.get().paper == paper
    assert say(secret, place, method="DELETE").json() == {"saved": False}
    assert not Saved.objects.exists()
