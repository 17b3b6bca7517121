from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from broadsheet.foryou import signals
from broadsheet.foryou.models import Opened, Taste
from broadsheet.foryou.tests.reading import record
from broadsheet.foryou.tests.taste import vote
from broadsheet.learning.profile import Example
from broadsheet.papers.models import Paper
from broadsheet.readers import follows, library
from broadsheet.readers.models import Reader
from broadsheet.web.tests.accounts import reader
from broadsheet.web.tests.conftest import NOW

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


@pytest.fixture
def papers(db: None) -> list[Paper]:
    record()
    return list(Paper.objects.order_by("pk"))


@pytest.fixture
def ada(papers: list[Paper]) -> Reader:
    return reader("ada")


def examples(who: Reader) -> dict[int, Example]:
    return {example.paper: example for example in signals.gather(who).examples}


def test_each_signal_counts_with_its_own_weight(ada: Reader, papers: list[Paper]) -> None:
    voted, saved, seeded, more, less, opened = papers[:6]
    vote(ada, voted)
    library.save(ada, saved, now=NOW)
    signals.seed(ada, [seeded.pk], "ids", NOW)
    signals.opine(ada, more, True, "asked", NOW)
    signals.opine(ada, less, False, "list", NOW)
    Opened.objects.create(reader=ada, paper=opened, at=NOW)
    found = examples(ada)
    assert {number: (one.liked, one.weight) for number, one in found.items()} == {
        voted.pk: (True, 1.0),
        saved.pk: (True, 1.2),
        seeded.pk: (True, 1.0),
        more.pk: (True, 1.0),
        less.pk: (False, 1.0),
    }
    Taste.objects.create(reader=ada, opens=True)
    assert examples(ada)[opened.pk] == Example(opened.pk, True, 0.2)


def test_the_strongest_signal_of_a_paper_counts_once_and_a_later_less_outweighs_it(
    ada: Reader, papers: list[Paper]
) -> None:
    one = papers[0]
    vote(ada, one)
    library.save(ada, one, now=NOW)
    assert examples(ada)[one.pk] == Example(one.pk, True, 1.2)
    signals.opine(ada, one, False, "list", NOW + HOUR)
    assert examples(ada)[one.pk] == Example(one.pk, False, 1.0, sure=True)
    signals.opine(ada, one, False, "list", NOW - HOUR)
    assert examples(ada)[one.pk].liked


def test_wishes_and_what_is_followed_become_words_and_marks(ada: Reader, papers: list[Paper]) -> None:
    signals.wish(ada, "small planets", NOW)
    for key in (
        "author/Bees Person 1",
        "category/cs.CL",
        "search/loud bells",
        "like/quiet bells",
        "tag/wind",
        "organisation/lab",
        f"similar/{papers[3].key}",
    ):
        follows.follow(ada, key, now=NOW)
    told = signals.gather(ada)
    assert {(one.words, one.mark, one.weight) for one in told.wished} == {
        ("small planets", "", 1.0),
        ("", "author:bees person 1", 0.3),
        ("", "category:cs.CL", 0.3),
        ("loud bells", "", 0.3),
        ("quiet bells", "", 0.3),
        ("wind", "", 0.3),
    }
    assert all(one.number < 0 for one in told.wished) and len({one.number for one in told.wished}) == 6
    assert told.examples == (Example(papers[3].pk, True, 0.3),)


def test_what_is_followed_alone_is_nothing_to_learn_from(ada: Reader, papers: list[Paper]) -> None:
    follows.follow(ada, "category/cs.CL", now=NOW)
    signals.opine(ada, papers[0], False, "list", NOW)
    assert not signals.gather(ada).teach
    signals.wish(ada, "bells", NOW)
    assert signals.gather(ada).teach


def test_edits_leave_papers_out_weigh_them_and_mute_words(ada: Reader, papers: list[Paper]) -> None:
    vote(ada, *papers[:3])
    signals.tune(ada, "paper", str(papers[0].pk), 0, "", NOW)
    signals.tune(ada, "paper", str(papers[1].pk), 2.5, "", NOW)
    signals.tune(ada, "word", "honey", 0, "", NOW)
    signals.tune(ada, "interest", str(papers[2].pk), 0.5, "Bees", NOW)
    told = signals.gather(ada)
    assert told.examples == (Example(papers[1].pk, True, 1.0, 2.5), Example(papers[2].pk, True, 1.0))
    assert (told.muted, told.interests) == (frozenset({"honey"}), ((papers[2].pk, 0.5),))


def test_a_wish_can_be_left_out_and_weighed_like_a_paper(ada: Reader) -> None:
    signals.wish(ada, "bells", NOW)
    (wished,) = signals.gather(ada).wished
    signals.tune(ada, "paper", str(wished.number), 2, "", NOW)
    assert signals.gather(ada).wished[0].pull == 2
    signals.tune(ada, "paper", str(wished.number), 0, "", NOW)
    assert signals.gather(ada).wished == ()


def test_the_digest_names_the_content_and_nothing_else(ada: Reader, papers: list[Paper]) -> None:
    before = signals.gather(ada).digest
    assert before == signals.gather(ada).digest == signals.gather(reader("bo")).digest and len(before) == 40
    vote(ada, papers[0])
    after = signals.gather(ada).digest
    assert after != before
    signals.opine(ada, papers[1], True, "list", NOW)
    signals.take_back(ada, papers[1])
    assert signals.gather(ada).digest == after


def test_the_newest_count_and_what_was_opened_does_not_drive_out_what_was_liked(
    ada: Reader, papers: list[Paper], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(signals, "MOST_EXAMPLES", 3)
    Taste.objects.create(reader=ada, opens=True)
    for place, one in enumerate(papers[:4]):
        signals.opine(ada, one, True, "asked", NOW + place * HOUR)
    for one in papers[5:8]:
        Opened.objects.create(reader=ada, paper=one, at=NOW + 30 * HOUR)
    told = signals.gather(ada)
    assert [example.paper for example in told.examples] == [one.pk for one in papers[1:4]]
    assert told.left_out > 0
    bo = reader("bo")
    assert signals.gather_many([ada, bo])[ada.pk] == told


def test_many_readers_cost_no_more_questions_than_one(ada: Reader, papers: list[Paper]) -> None:
    others = [reader(f"r{number}") for number in range(6)]
    for who in (ada, *others):
        vote(who, *papers[:3])
        signals.wish(who, "bells", NOW)
    with CaptureQueriesContext(connection) as one:
        signals.gather(ada)
    with CaptureQueriesContext(connection) as many:
        found = signals.gather_many([ada, *others])
    assert len(many) == len(one) <= 10
    assert len(found) == 7 and found[ada.pk] == signals.gather(ada)
