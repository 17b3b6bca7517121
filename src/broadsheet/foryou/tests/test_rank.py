from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from broadsheet.editions import named
from broadsheet.foryou import exploring, features, pool, profiles, rank, signals, why
from broadsheet.foryou.models import List, Shown, Taste, Tuned
from broadsheet.foryou.tests.reading import record
from broadsheet.foryou.tests.taste import vote
from broadsheet.learning.profile import RANKER, learn
from broadsheet.papers.ingest import ingest
from broadsheet.papers.models import Paper
from broadsheet.readers import follows, library
from broadsheet.readers.models import Reader
from broadsheet.web.tests.accounts import reader
from broadsheet.web.tests.conftest import NOW, made

pytestmark = pytest.mark.django_db
Papers = dict[str, list[Paper]]
TUESDAY = datetime(2024, 5, 28, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def nothing_remembered() -> None:
    pool.forget()
    exploring.forget()


@pytest.fixture
def papers(db: None) -> Papers:
    return record()


@pytest.fixture
def ada(papers: Papers) -> Reader:
    ada = reader("ada")
    vote(ada, *papers["bees"][:3])
    return ada


def numbers(found: rank.ForYou, arms: bool = False) -> list[int]:
    return [pick["id"] for pick in found.picks if arms or not pick["arm"]]


def test_the_list_begins_with_what_is_like_the_likes_and_leaves_out_what_is_known(ada: Reader, papers: Papers) -> None:
    bees = {paper.pk for paper in papers["bees"]}
    liked = {paper.pk for paper in papers["bees"][:3]}
    library.save(ada, papers["bees"][3], now=NOW)
    found = rank.list_for(ada, NOW)
    assert (found.state, found.current) == ("profile", True)
    assert found.ranker.startswith(f"{RANKER}+arrange/1 ")
    first = numbers(found)[:3]
    assert set(first) == bees - liked - {papers["bees"][3].pk}
    assert not set(numbers(found, arms=True)) & (liked | {papers["bees"][3].pk})


def test_it_is_kept_and_stays_the_same_all_day(ada: Reader) -> None:
    before = rank.list_for(ada, NOW)
    (kept,) = List.objects.all()
    assert (kept.ranker, len(kept.picks)) == (before.ranker, len(before))
    assert rank.list_for(ada, NOW + timedelta(hours=5)).picks == before.picks
    assert List.objects.get().made == kept.made


def test_one_vote_changes_the_next_list(ada: Reader, papers: Papers) -> None:
    Taste.objects.create(reader=ada, width=0)
    before = rank.list_for(ada, NOW)
    vote(ada, papers["bells"][0])
    after = rank.list_for(ada, NOW)
    bells = {paper.pk for paper in papers["bells"][1:]}

    def placed(found: rank.ForYou) -> int:
        return sum(number in bells for number in numbers(found)[:8])

    assert placed(after) > placed(before)
    assert papers["bells"][0].pk not in numbers(after, arms=True)


def test_less_like_this_takes_it_off_and_taking_that_back_brings_the_list_back(ada: Reader, papers: Papers) -> None:
    before = rank.list_for(ada, NOW)
    first = Paper.objects.get(pk=numbers(before)[0])
    signals.opine(ada, first, False, "list", NOW)
    assert first.pk not in numbers(rank.list_for(ada, NOW), arms=True)
    signals.take_back(ada, first)
    assert rank.list_for(ada, NOW).picks == before.picks


def test_what_was_shown_is_not_shown_again_on_another_day(ada: Reader, papers: Papers) -> None:
    found = rank.list_for(ada, NOW)
    places = found.places(0, 5)
    rank.show(ada, found, places, NOW)
    rank.show(ada, found, places, NOW + timedelta(hours=1))
    assert Shown.objects.count() == 5
    assert numbers(rank.list_for(ada, NOW))[:3] == numbers(found)[:3]
    fresh = [
        made(number, title=title, abstract="honey bees dance " * 9, announced=TUESDAY.date())
        for number, title in ((300, "Bees by night"), (301, "A loud hive"))
    ]
    ingest(fresh, now=TUESDAY)
    tomorrow = rank.list_for(ada, TUESDAY)
    assert tomorrow.day == TUESDAY.date()
    assert not {place.paper.pk for place in places} & set(numbers(tomorrow, arms=True))
    assert Paper.objects.get(title="A loud hive").pk in numbers(tomorrow)
    assert rank.list_for(ada, TUESDAY, day=found.day).picks == found.picks
    assert rank.days_around(ada, TUESDAY.date()) == (found.day, None)


def test_a_paper_that_is_hidden_since_is_not_given(ada: Reader) -> None:
    found = rank.list_for(ada, NOW)
    Paper.objects.filter(pk=numbers(found)[0]).update(hidden=True)
    assert [place.rank for place in rank.list_for(ada, NOW).places(0, 3)] == [2, 3]


def test_knobs_turn_the_list(ada: Reader, papers: Papers) -> None:
    loved = papers["bread"][0]
    Paper.objects.filter(pk=loved.pk).update(votes_outside=900)
    Taste.objects.create(reader=ada, mine=0.0)
    assert numbers(rank.list_for(ada, NOW))[0] == loved.pk
    Taste.objects.update(mine=1.0)
    assert numbers(rank.list_for(ada, NOW))[0] != loved.pk
    Taste.objects.update(mine=7.0, width=-2.0, days=999)
    assert rank.list_for(ada, NOW).state == "profile"


def test_without_signals_it_is_what_trends_in_the_lists_that_are_followed(papers: Papers) -> None:
    bo = reader("bo")
    found = rank.list_for(bo, NOW)
    assert (found.state, found.ranker) == ("trending", "trending/1") and found.picks
    assert {place.chance for place in found.places()} == {None}
    follows.follow(bo, "author/Bees Person 1", now=NOW)
    found = rank.list_for(bo, NOW)
    assert found.state == "follows"
    assert {place.paper.pk for place in found.places()} <= {paper.pk for paper in papers["bees"]}
    assert not List.objects.exists()
    rank.show(bo, found, found.places(), NOW)
    assert not Shown.objects.exists()


def test_an_empty_record_has_no_list() -> None:
    found = rank.list_for(reader("bo"), NOW)
    assert (found.day, found.picks, found.state) == (None, (), "trending")


def test_reasons_are_what_the_score_owes_to_a_like(ada: Reader, papers: Papers) -> None:
    found = rank.list_for(ada, NOW)
    learned, background = profiles.trained(ada), features.background()
    assert learned is not None and background is not None
    pick = next(pick for pick in found.picks if why.of(pick, "likes"))
    number, points = why.of(pick, "likes")[0]
    one, _there = features.prepared_of([pick["id"]])
    rows = [row for row, example in enumerate(learned.examples) if example.paper != number]
    trust = tuple(learned.settings.trust[row] for row in rows)
    settings = type(learned.settings)(learned.settings.lexical, trust, learned.settings.ordinary)
    without = learn([learned.examples[row] for row in rows], learned.papers.take(rows), background, settings=settings)
    lost = 100 * float(learned.profile.score(one)[0] - without.profile.score(one)[0])
    assert points == pytest.approx(lost, abs=0.6)


def test_entries_come_with_sentences_and_leave_a_trace(ada: Reader, papers: Papers) -> None:
    given = named.named("foryou", limit=5, now=NOW, reader=ada)
    assert (given.own, given.key, len(given.entries)) == (True, "foryou", 5)
    told = given.entries[0].why
    assert any("Because you liked" in sentence for sentence in told["said"])  # type: ignore[attr-defined]
    assert isinstance(told["points"], int)
    assert Shown.objects.count() == 5
    with pytest.raises(named.NoSuchList):
        named.named("foryou", now=NOW)


def test_a_muted_word_is_no_reason_any_more(ada: Reader) -> None:
    found = rank.list_for(ada, NOW)
    term = next(why.of(pick, "words")[0][0] for pick in found.picks if why.of(pick, "words"))
    signals.tune(ada, "word", term, 0, "", NOW)
    assert Tuned.objects.get().value == term
    after = rank.list_for(ada, NOW)
    assert term not in {word for pick in after.picks for word, _points in why.of(pick, "words") or ()}


def test_a_kept_list_costs_a_handful_of_questions_however_much_was_liked(ada: Reader, papers: Papers) -> None:
    found = rank.list_for(ada, NOW)
    rank.as_entries(ada, found.places())

    def asked() -> int:
        with CaptureQueriesContext(connection) as queries:
            rank.as_entries(ada, rank.list_for(ada, NOW).places())
        return len(queries)

    few = asked()
    vote(ada, *papers["bees"][3:5], *papers["bells"][:6])
    signals.wish(ada, "bread", NOW)
    rank.list_for(ada, NOW)
    assert asked() <= few + 1 <= 20


def test_places_of_exploration_are_learned_from(ada: Reader, papers: Papers) -> None:
    day = NOW.date()
    one, two, three = papers["bells"][:3]
    for place, paper in enumerate((one, two, three), 1):
        Shown.objects.create(reader=ada, paper=paper, day=day, place=place, arm="far", at=NOW)
    vote(ada, one, at=NOW + timedelta(hours=2))
    library.save(ada, two, now=NOW + timedelta(days=5))
    library.save(ada, three, now=NOW + timedelta(days=20))
    found = exploring.outcomes(NOW + timedelta(days=30), day + timedelta(days=30))
    assert [(row.state, row.rewarded) for row in found] == [("wanted", True), ("passed", True), ("passed", False)]
    assert found[0].days_since >= 20
    weights = exploring.arms(NOW + timedelta(days=30), day + timedelta(days=30))
    assert sum(weights.values()) == pytest.approx(1)
