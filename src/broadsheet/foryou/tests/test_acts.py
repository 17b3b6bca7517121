from datetime import UTC, datetime

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from broadsheet.foryou import signals
from broadsheet.foryou.models import Opened, Opinion, Seed, Taste, Tuned, Wish
from broadsheet.papers.ingest import ingest
from broadsheet.papers.models import Paper
from broadsheet.readers.models import Reader
from broadsheet.readers.refused import Refused
from broadsheet.web.tests.accounts import reader
from broadsheet.web.tests.conftest import NOW, made

pytestmark = pytest.mark.django_db
LATER = datetime(2024, 5, 28, tzinfo=UTC)


@pytest.fixture
def ada(db: None) -> Reader:
    ingest([made(number) for number in range(1, 6)], now=NOW)
    return reader("ada")


def papers() -> list[Paper]:
    return list(Paper.objects.order_by("pk"))


def test_the_later_opinion_on_a_paper_takes_the_place_of_the_one_before(ada: Reader) -> None:
    first = papers()[0]
    signals.opine(ada, first, True, "asked", NOW)
    signals.opine(ada, first, False, "list", LATER)
    (kept,) = Opinion.objects.all()
    assert (kept.more, kept.origin, kept.at) == (False, "list", LATER)
    signals.take_back(ada, first)
    assert not Opinion.objects.exists()


def test_seeds_are_kept_once_and_hidden_or_unknown_papers_are_passed_over(ada: Reader) -> None:
    Paper.objects.filter(pk=papers()[1].pk).update(hidden=True)
    numbers = [paper.pk for paper in papers()]
    assert signals.seed(ada, [*numbers[:3], 10**12, numbers[0]], "ids", NOW) == 2
    assert signals.seed(ada, numbers[:3], "bibtex", LATER) == 0
    assert set(Seed.objects.values_list("origin", flat=True)) == {"ids"}
    signals.unseed(ada, numbers[:1])
    assert Seed.objects.count() == 1


def test_there_is_an_end_to_seeds_wishes_opinions_and_edits(ada: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("MOST_SEEDS", "MOST_WISHES", "MOST_OPINIONS", "MOST_TUNED"):
        monkeypatch.setattr(signals, name, 1)
    one, two = papers()[:2]
    signals.wish(ada, "small planets", NOW)
    signals.wish(ada, "small planets", LATER)
    signals.opine(ada, one, True, "asked", NOW)
    signals.opine(ada, one, False, "asked", NOW)
    signals.tune(ada, "word", "wind", 0, "", NOW)
    for act in (
        lambda: signals.seed(ada, [one.pk, two.pk], "ids", NOW),
        lambda: signals.wish(ada, "large planets", NOW),
        lambda: signals.opine(ada, two, True, "asked", NOW),
        lambda: signals.tune(ada, "word", "rain", 0, "", NOW),
    ):
        with pytest.raises(Refused):
            act()
    assert not Seed.objects.exists()


@pytest.mark.parametrize("words", ["", "   ", "?!", "x" * 201, "a\x00b", "a\u202eb"])
def test_a_wish_that_says_nothing_or_too_much_is_refused(ada: Reader, words: str) -> None:
    with pytest.raises(Refused):
        signals.wish(ada, words, NOW)
    signals.unwish(ada, words)
    assert not Wish.objects.exists()


def test_a_wish_can_be_taken_back(ada: Reader) -> None:
    signals.wish(ada, "  small \n planets ", NOW)
    assert Wish.objects.get().words == "small planets"
    signals.unwish(ada, "small planets")
    assert not Wish.objects.exists()


def test_opening_a_paper_is_kept_only_of_readers_who_allow_it(ada: Reader) -> None:
    signals.opened(ada, papers()[0], NOW)
    Taste.objects.create(reader=ada)
    signals.opened(ada, papers()[0], NOW)
    assert not Opened.objects.exists()
    Taste.objects.update(opens=True)
    signals.opened(ada, papers()[0], NOW)
    signals.opened(ada, papers()[0], LATER)
    assert Opened.objects.get().at == NOW


def test_an_edit_replaces_the_one_before_and_weight_one_forgets_it(ada: Reader) -> None:
    signals.tune(ada, "interest", "7", 2.0, "Planets", NOW)
    signals.tune(ada, "interest", "7", 0.5, "Winds", LATER)
    kept = Tuned.objects.get()
    assert (kept.weight, kept.name, kept.at) == (0.5, "Winds", LATER)
    signals.tune(ada, "interest", "7", 1, "Winds", LATER)
    assert Tuned.objects.get().weight == 1
    signals.tune(ada, "interest", "7", 1, "", LATER)
    assert not Tuned.objects.exists()
    for weight in (float("nan"), float("inf"), -1, 3.1):
        with pytest.raises(Refused):
            signals.tune(ada, "word", "wind", weight, "", NOW)


def test_origins_and_kinds_are_those_of_the_record(ada: Reader) -> None:
    with pytest.raises(ValueError, match="none of"):
        signals.seed(ada, [1], "somewhere", NOW)
    with pytest.raises(ValueError, match="none of"):
        signals.opine(ada, papers()[0], True, "somewhere", NOW)
    with pytest.raises(ValueError, match="none of"):
        signals.tune(ada, "somewhat", "x", 1, "", NOW)


def test_many_seeds_need_few_questions_to_the_database(ada: Reader) -> None:
    with CaptureQueriesContext(
        connection,
    ) as asked:
        signals.seed(ada, [paper.pk for paper in papers()], "zotero", NOW)
    assert len(asked) <= 6
