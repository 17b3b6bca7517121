import pytest

from broadsheet.export.reasons import sentences
from broadsheet.foryou import signals, why
from broadsheet.foryou.tests.reading import record
from broadsheet.learning.arrange import Pick
from broadsheet.learning.profile import Why
from broadsheet.papers.models import Paper
from broadsheet.readers import follows
from broadsheet.readers.models import Reader
from broadsheet.web.tests.accounts import reader
from broadsheet.web.tests.conftest import NOW

pytestmark = pytest.mark.django_db
TERMS = {"relevance": -1.23456, "votes": 0.5, "freshness": 0.0, "variety": -0.9}


@pytest.fixture
def ada(db: None) -> Reader:
    record()
    return reader("ada")


def pick(number: int, arm: str = "", also: tuple[int, ...] = ()) -> Pick:
    return Pick(0, number, -1.1, TERMS, arm, also)


def test_a_place_is_kept_in_rounded_terms_the_strongest_first(ada: Reader) -> None:
    reason = Why(54.321, ((7, 12.34), (9, -4.26), (8, 7.0), (6, 0.2)), (("honey", 5.55), ("loud", -0.7), ("a", 0.1)))
    kept = why.kept(pick(3, "far", (4,)), reason, 0.33333)
    assert kept == {
        "id": 3,
        "score": 54.3,
        "why": [
            {"chance": 0.333},
            {"terms": {"relevance": -1.23, "votes": 0.5, "freshness": 0.0, "variety": -0.9}},
            {"likes": [[7, 12.3], [8, 7.0], [9, -4.3]]},
            {"words": [["honey", 5.5], ["loud", -0.7]]},
        ],
        "arm": "far",
        "also": [4],
    } or kept["why"][3] == {"words": [["honey", 5.6], ["loud", -0.7]]}


def test_papers_wishes_and_lists_are_named_and_said_in_sentences(ada: Reader) -> None:
    one, two, three = Paper.objects.order_by("pk")[:3]
    signals.wish(ada, "<b>bells</b> & bread", NOW)
    follows.follow(ada, "author/Bees Person 1", now=NOW)
    wish, follow = (
        found.number for found in sorted(signals.gather(ada).wished, key=lambda found: found.source, reverse=True)
    )
    reason = Why(40.0, ((one.pk, 12.0), (wish, 7.0), (follow, 3.0), (two.pk, -4.0)), (("honey", 5.0),))
    kept = why.kept(pick(three.pk, "near", (two.pk,)), reason, 0.34)
    (told,) = why.explain(ada, [kept])
    assert told.sentences == [
        f"Because you liked “{one.title}” (+12), “<b>bells</b> & bread” (+7), “Bees Person 1, which you follow” (+3).",
        "Words: honey (+5).",
        f"Held back by “{two.title}” (-4).",
        "Shown to learn from: your list is unsure about papers like this.",
        "Popular here.",
        "New in this edition.",
        "A little lower, since papers like it stand above.",
        "You would save about 1 in 3 papers like it.",
    ]
    assert told.up[1].title == "&lt;b&gt;bells&lt;/b&gt; &amp; bread"
    assert [found.url for found in told.also] == [f"/papers/{two.key}"]
    assert sentences(why.public(told)) == told.sentences


def test_of_others_wishes_nothing_is_told(ada: Reader) -> None:
    bo = reader("bo")
    signals.wish(bo, "a secret", NOW)
    number = signals.gather(bo).wished[0].number
    kept = why.kept(pick(1), Why(1.0, ((number, 9.0),), ()), 0.1)
    assert why.explain(ada, [kept])[0].up == ()


@pytest.mark.parametrize(
    ("chance", "says"),
    [
        (0.9, "You would probably save it."),
        (0.5, "You would save about 1 in 2 papers like it."),
        (0.1, "You would save about 1 in 10 papers like it."),
        (0.0099, "You would save about 1 in 100 papers like it."),
        (0.0001, "Few papers like it would be saved by you."),
        (0.0, "Few papers like it would be saved by you."),
    ],
)
def test_chances_are_said_in_round_words(chance: float, says: str) -> None:
    assert why.one_in(chance) == says


def test_a_place_without_a_profile_has_no_reasons(ada: Reader) -> None:
    assert why.explain(ada, [{}])[0].sentences == []
