import pytest

from broadsheet.api.v1.tests.conftest import Asking, TokenFor
from broadsheet.foryou import features
from broadsheet.foryou.models import Opinion, Tuned
from broadsheet.foryou.tests.taste import record, vote
from broadsheet.papers.models import Paper
from broadsheet.readers.models import Reader

Papers = dict[str, list[Paper]]


@pytest.fixture
def papers(db: None) -> Papers:
    features.forget()
    return record()


@pytest.fixture
def own(asking: TokenFor, ada: Reader, papers: Papers) -> Asking:
    """Ask as a reader who likes bees and stars."""
    vote(ada, *papers["bees"][:4], *papers["stars"][:3])
    return asking("read", "write")


def test_the_list_comes_with_reasons_and_chances(own: Asking) -> None:
    told = own.json("me/foryou?limit=5")
    assert set(told) == {"day", "state", "ranker", "papers"}
    assert own("me/foryou")["Cache-Control"] == "private, no-store"
    for place in told["papers"]:
        assert place["chance"] is None or 0 <= place["chance"] <= 1


def test_the_profile_is_what_the_page_shows_and_can_be_tuned(own: Asking) -> None:
    told = own.json("me/profile")
    assert told["form"] == "broadsheet-profile/1" and len(told["interests"]) == 2 and told["examples"] == 7
    anchor = str(told["interests"][0]["anchor"])

    assert own("me/tune", "PUT", {"kind": "interest", "value": anchor, "weight": 2, "name": "Bees"}).status_code == 200
    told = own.json("me/profile")
    assert ("Bees", 2.0) in {(one["name"], one["weight"]) for one in told["interests"]}
    own("me/tune", "PUT", {"kind": "word", "value": "honey", "weight": 0})
    assert own.json("me/profile")["muted"] == ["honey"]
    own("me/tune", "PUT", {"kind": "word", "value": "honey"})
    assert own.json("me/profile")["muted"] == []

    own("me/tune", "PUT", {"kind": "interest", "value": anchor, "weight": 0, "name": "Bees"})
    told = own.json("me/profile")
    assert len(told["interests"]) == 1 and told["removed"][0]["name"] == "Bees"


def test_opinions_are_said_and_taken_back(own: Asking, papers: Papers) -> None:
    key = papers["bread"][0].key
    assert own(f"me/opinions/{key}", "PUT", {"more": False}).status_code == 200
    assert [held["key"] for held in own.json("me/profile")["dislikes"]] == [key]
    assert own(f"me/opinions/{key}", "DELETE").status_code == 200
    assert not Opinion.objects.exists()


def test_a_score_is_told_with_its_whole_sum(own: Asking, papers: Papers) -> None:
    told = own.json(f"me/why/{papers['bees'][6].key}")
    parts = ("meaning", "words", "marks", "level")
    assert sum(told[part] for part in parts) == pytest.approx(told["points"], abs=0.05)
    assert sum(one["points"] for one in told["by_word"]) == pytest.approx(told["words"], abs=0.05)
    assert told["by_like"] and not told["own"] and 0 < told["chance"] < 1


def test_of_who_told_nothing_there_is_no_sum(asking: TokenFor, papers: Papers) -> None:
    ask = asking("read")
    assert ask(f"me/why/{papers['bees'][6].key}").status_code == 404
    assert ask.json("me/profile")["interests"] == []
    assert ask.json("me/foryou")["state"] in ("trending", "follows")


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"kind": "paper", "value": "1", "weight": 4}, 422),
        ({"kind": "mood", "value": "1"}, 422),
        ({"kind": "interest", "value": "one", "weight": 2}, 409),
        ({"kind": "interest", "value": "99999", "weight": 0}, 409),
        ({"kind": "word", "value": "x", "colour": "red"}, 422),
    ],
)
def test_nonsense_is_refused(own: Asking, body: dict[str, object], status: int) -> None:
    assert own("me/tune", "PUT", body).status_code == status
    assert not Tuned.objects.exists()


def test_what_is_ones_own_needs_a_token_that_may(ask: Asking, asking: TokenFor, papers: Papers) -> None:
    key = papers["bees"][0].key
    for path in ("me/foryou", "me/profile", f"me/why/{key}"):
        assert ask(path).status_code == 401 and asking("write")(path).status_code == 403
    reading = asking("read")
    assert reading("me/tune", "PUT", {"kind": "word", "value": "x", "weight": 0}).status_code == 403
    assert reading(f"me/opinions/{key}", "PUT", {"more": True}).status_code == 403
