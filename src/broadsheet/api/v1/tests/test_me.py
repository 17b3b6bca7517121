import json

import pytest

from broadsheet.api.v1.tests.conftest import Asking, TokenFor
from broadsheet.community.models import Vote
from broadsheet.lib.clock import now
from broadsheet.papers import store
from broadsheet.papers.models import Paper
from broadsheet.readers import follows, tokens
from broadsheet.readers.models import Reader, Saved

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("record")]
READS = ("me", "me/votes", "me/library", "me/follows")
WRITES = ("me/votes/2611.00001", "me/library/2611.00001", "me/follows/trending")


def test_a_token_says_who_i_am(asking: TokenFor, ada: Reader) -> None:
    response = asking("read", "write")("me")

    told = json.loads(response.content)
    assert (told["handle"], told["name"], told["scopes"]) == (ada.handle, ada.name, ["read", "write"])
    assert response["Cache-Control"] == "private, no-store"
    assert "email" not in told


@pytest.mark.parametrize("path", READS)
def test_reading_needs_the_scope_for_it(ask: Asking, asking: TokenFor, path: str) -> None:
    assert ask(path).status_code == 401
    assert ask(path)["WWW-Authenticate"].startswith("Bearer")
    assert Asking("bs_unknown")(path).status_code == 401
    assert asking("feed")(path).status_code == 403
    assert asking("read")(path).status_code == 200


@pytest.mark.parametrize("path", WRITES)
@pytest.mark.parametrize("method", ["PUT", "DELETE"])
def test_acting_needs_the_scope_for_it(ask: Asking, asking: TokenFor, path: str, method: str) -> None:
    assert ask(path, method).status_code == 401
    assert asking("read")(path, method).status_code == 403
    assert asking("write")(path, method).status_code == 200
    assert asking("write")(path, method).status_code == 200


def test_an_expired_token_is_told(ada: Reader) -> None:
    token, secret = tokens.make(ada, "old", ["read", "write"], days=1, now=now())
    token.expires = now()
    token.save()

    response = Asking(secret)("me")

    assert response.status_code == 401
    assert "expired" in json.loads(response.content)["error"]


def test_a_vote_is_cast_and_taken_back(asking: TokenFor, ada: Reader) -> None:
    ask = asking("read", "write")

    given = json.loads(ask("me/votes/2611.00001", "PUT").content)
    listed = ask.json("me/votes")
    taken = json.loads(ask("me/votes/2611.00001", "DELETE").content)

    assert given == {"key": "2611.00001", "on": True, "votes": 2}
    assert [one["paper"]["key"] for one in listed["papers"]] == ["2611.00001"]
    assert taken == {"key": "2611.00001", "on": False, "votes": 1}
    assert ask.json("me/votes")["papers"] == []
    assert not Vote.objects.exists()


def test_a_paper_off_the_lists_takes_no_votes(asking: TokenFor) -> None:
    store.hide(Paper.objects.get(key="2611.00001").pk, True)

    response = asking("write")("me/votes/2611.00001", "PUT")

    assert response.status_code == 409
    assert "off the lists" in json.loads(response.content)["error"]


def test_the_library_is_walked_once(asking: TokenFor, ada: Reader) -> None:
    ask, keys = asking("read", "write"), [f"2611.{number:05}" for number in range(1, 8)]
    for key in keys:
        assert ask(f"me/library/{key}", "PUT").status_code == 200
    # Saved at the same moment: the order is still one.
    Saved.objects.update(at=now())

    found, url = [], "me/library?limit=3"
    while url:
        page = ask.json(url)
        found += [one["paper"]["key"] for one in page["papers"]]
        url = (page["next"] or "").removeprefix("http://testserver/api/v1/")

    assert found == keys[::-1]
    assert json.loads(ask("me/library/2611.00001", "DELETE").content) == {
        "key": "2611.00001", "on": False, "votes": None
    }  # fmt: skip
    assert len(ask.json("lists?key=library")["papers"]) == 6


def test_lists_are_followed_by_their_one_key(asking: TokenFor, ada: Reader) -> None:
    ask = asking("read", "write")

    told = json.loads(ask("me/follows/author/bo%20sample", "PUT").content)
    ask("me/follows/category/cs.LG", "PUT")

    assert told == {"key": "author/Bo Sample", "on": True, "votes": None}
    assert [one["key"] for one in ask.json("me/follows")["lists"]] == ["category/cs.LG", "author/Bo Sample"]
    ask("me/follows/author/BO%20SAMPLE", "DELETE")
    assert follows.of(ada) == ["category/cs.LG"]


def test_a_follow_says_what_is_wanted_of_it(asking: TokenFor, ada: Reader) -> None:
    ask = asking("read", "write")
    ask("me/follows/category/cs.LG", "PUT")
    plain = {"key": "category/cs.LG", "name": "", "in_digest": True, "alert": False}
    assert ask.json("me/follows")["lists"] == [plain]

    ask("me/follows/category/cs.LG", "PUT", {"name": " My  field ", "alert": True})
    ask("me/follows/category/cs.LG", "PUT", {"in_digest": False})

    wanted = plain | {"name": "My field", "alert": True, "in_digest": False}
    assert ask.json("me/follows")["lists"] == [wanted]
    ask("me/follows/category/cs.LG", "PUT")
    assert ask.json("me/follows")["lists"] == [wanted]


def test_a_list_that_cannot_alert_is_not_half_followed(asking: TokenFor, ada: Reader) -> None:
    ask = asking("read", "write")
    assert ask("me/follows/trending", "PUT", {"alert": True}).status_code == 409
    assert ask("me/follows/trending", "PUT", {"colour": "red"}).status_code == 422
    assert ask.json("me/follows")["lists"] == []


@pytest.mark.parametrize("key", ["nothing", "author/Nobody", "library", "%00", "x" * 301])
def test_what_is_no_list_is_not_followed(asking: TokenFor, key: str) -> None:
    assert asking("write")(f"me/follows/{key}", "PUT").status_code in (404, 422)


def test_the_profile_is_changed_in_part(asking: TokenFor, ada: Reader) -> None:
    ask = asking("write", "read")

    told = json.loads(ask("me", "PATCH", {"about": "I study *bees*."}).content)

    assert (told["name"], told["about"]) == (ada.name, "I study *bees*.")
    assert json.loads(ask("me", "PATCH", {"name": "Ada  Bee"}).content)["name"] == "Ada Bee"
    assert ask("me", "PATCH", {}).status_code == 200


@pytest.mark.parametrize(
    "body",
    [{"name": ""}, {"name": "   "}, {"name": "x" * 81}, {"name": None}, {"name": 3}, {"about": "x" * 2001},
     {"about": ["a"]}, {"role": "owner"}, {"name": "a\0b"}, {"name": "a\ud800"}, [], "name", 3, None],
    ids=repr,
)  # fmt: skip
def test_a_profile_that_makes_no_sense_is_refused(asking: TokenFor, ada: Reader, body: object) -> None:
    response = asking("write")("me", "PATCH", body)

    assert response.status_code in (400, 409, 422)
    assert set(json.loads(response.content)) == {"error"}
    ada.refresh_from_db()
    assert ada.role == "reader"


@pytest.mark.parametrize("path", WRITES[:2])
def test_an_unknown_paper_is_told(asking: TokenFor, path: str) -> None:
    assert asking("write")(path.replace("00001", "99999"), "PUT").status_code == 404


def test_a_reader_who_is_suspended_reads_and_does_not_act(asking: TokenFor, ada: Reader) -> None:
    ask = asking("read", "write")
    ada.state = "suspended"
    ada.save()

    assert ask("me/votes/2611.00001", "PUT").status_code == 403
    assert ask("papers/2611.00001").status_code == 200
