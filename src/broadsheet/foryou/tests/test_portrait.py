import json
from datetime import timedelta

import numpy as np
import pytest

from broadsheet.community import votes
from broadsheet.foryou import editing, features, profiles, signals
from broadsheet.foryou.models import List, Opinion, Profile, Seed, Shown, Taste, Tuned, Wish
from broadsheet.foryou.portrait import Interest, portrait
from broadsheet.foryou.tests.taste import LATER, record, vote
from broadsheet.papers.models import Paper
from broadsheet.readers import library
from broadsheet.readers.models import Reader
from broadsheet.readers.refused import Refused
from broadsheet.web.tests.accounts import reader
from broadsheet.web.tests.conftest import NOW, own_home

__all__ = ["own_home"]
pytestmark = pytest.mark.django_db
LATEST = LATER + timedelta(hours=1)


@pytest.fixture
def papers(db: None) -> dict[str, list[Paper]]:
    return record()


@pytest.fixture
def ada(papers: dict[str, list[Paper]]) -> Reader:
    """A reader who voted for four papers on bees and three on stars."""
    ada = reader("ada")
    vote(ada, *papers["bees"][:4], *papers["stars"][:3])
    return ada


def named(ada: Reader, name: str) -> Interest:
    return next(one for one in portrait(ada).interests if one.name == name)


def about(ada: Reader, paper: Paper) -> Interest:
    return next(one for one in portrait(ada).interests if paper.pk in {held.number for held in one.papers})


def scores(ada: Reader, papers: dict[str, list[Paper]]) -> np.ndarray:
    profile = profiles.profile(ada)
    assert profile is not None
    numbers = [paper.pk for each in papers.values() for paper in each]
    return profile.score(features.prepared_of(numbers)[0])


def test_of_who_told_nothing_there_is_nothing_to_tell(papers: dict[str, list[Paper]]) -> None:
    told = portrait(reader("bo"))
    assert not (told.interests or told.up or told.removed) and told.examples == 0 and told.learned is None


def test_interests_stand_apart_with_their_words_shares_and_examples(
    ada: Reader, papers: dict[str, list[Paper]]
) -> None:
    library.save(ada, papers["stars"][0], now=NOW)
    told = portrait(ada)
    bees, stars = about(ada, papers["bees"][0]), about(ada, papers["stars"][0])
    assert bees != stars and len(told.interests) == 2
    assert sum(one.share for one in told.interests) == pytest.approx(1)
    assert {held.number for held in bees.papers} == {paper.pk for paper in papers["bees"][:4]}
    held = next(held for held in stars.papers if held.number == papers["stars"][0].pk)
    assert held.sources == ("vote", "save") and held.key == papers["stars"][0].key
    assert not bees.named and bees.name.lower().startswith(bees.words[0][:4])
    assert told.examples == 7 and [word.points > 0 for word in told.up] == [True] * len(told.up)
    assert {"bees", "stars"} & {word for one in told.up for word in one.term.split()}


def test_all_that_was_told_beside_votes_is_in_it(ada: Reader, papers: dict[str, list[Paper]]) -> None:
    signals.seed(ada, [papers["bees"][5].pk], "bibtex", NOW)
    signals.opine(ada, papers["bread"][0], False, "list", NOW)
    signals.wish(ada, "peal of bells", NOW)
    editing.not_word(ada, "telescope", NOW)
    Taste.objects.create(reader=ada, mine=0.5, days=3)
    told = portrait(ada)
    assert told.seeds == (("bibtex", 1),) and told.wishes == ("peal of bells",) and told.muted == ("telescope",)
    assert [held.key for held in told.dislikes] == [papers["bread"][0].key]
    assert (told.mine, told.days) == (0.5, 3)
    assert any(held.sources == ("wish",) for one in told.interests for held in one.papers)
    assert "telescope" not in {word.term for word in (*told.up, *told.down)}
    assert len(told.chances) == 5 and list(told.chances) == sorted(told.chances)


def test_a_name_and_a_weight_stay_with_an_interest_through_new_votes(
    ada: Reader, papers: dict[str, list[Paper]]
) -> None:
    editing.name_interest(ada, papers["bees"][1].pk, "Bees at home", NOW)
    editing.weigh_interest(ada, papers["bees"][2].pk, 2.0, LATER)
    vote(ada, *papers["bees"][4:7], *papers["stars"][3:8], at=LATEST)
    bees = named(ada, "Bees at home")
    assert bees.weight == 2.0 and bees.named and len(bees.papers) == 7
    assert about(ada, papers["stars"][0]).weight == 1.0


def test_an_edit_outlasts_the_vote_it_was_anchored_to(ada: Reader, papers: dict[str, list[Paper]]) -> None:
    editing.name_interest(ada, papers["bees"][1].pk, "Bees at home", NOW)
    votes.take_back(ada, papers["bees"][1], now=LATER)
    assert len(named(ada, "Bees at home").papers) == 3


def test_of_two_edits_that_came_into_one_interest_the_newest_counts(
    ada: Reader, papers: dict[str, list[Paper]]
) -> None:
    one, other = papers["bees"][0].pk, papers["bees"][3].pk
    before = scores(ada, papers)
    signals.tune(ada, "interest", str(other), 3.0, "Old", NOW)
    signals.tune(ada, "interest", str(one), 1.0, "New", LATER)
    bees = named(ada, "New")
    assert bees.weight == 1.0 and len(bees.papers) == 4
    np.testing.assert_array_equal(scores(ada, papers), before)
    signals.tune(ada, "interest", str(other), 3.0, "Old", LATEST)
    assert named(ada, "Old").weight == 3.0
    assert scores(ada, papers)[4:8].mean() > before[4:8].mean()


def test_more_and_less_move_the_scores_of_what_is_like_it(ada: Reader, papers: dict[str, list[Paper]]) -> None:
    rest = slice(4, 8)
    told = []
    for weight in editing.WEIGHTS:
        editing.weigh_interest(ada, papers["bees"][0].pk, weight, NOW)
        told.append(float(scores(ada, papers)[rest].mean()))
    assert told == sorted(told) and len(set(told)) == len(told)
    with pytest.raises(Refused):
        editing.weigh_interest(ada, papers["bees"][0].pk, 7.0, NOW)


def test_a_deleted_interest_leaves_nothing_and_one_undo_brings_all_of_it_back(
    ada: Reader, papers: dict[str, list[Paper]]
) -> None:
    whole = scores(ada, papers)
    bees = about(ada, papers["bees"][0])
    assert editing.delete_interest(ada, bees.anchor, bees.name, LATER) == 4
    bo = reader("bo")
    vote(bo, *papers["stars"][:3])
    np.testing.assert_array_equal(scores(ada, papers), scores(bo, papers))
    assert profiles.profile(ada).to_bytes() == profiles.profile(bo).to_bytes()  # type: ignore[union-attr]
    told = portrait(ada)
    assert len(told.interests) == 1 and told.examples == 3
    assert all(not {"bees", "honey"} & set(word.term.split()) for word in told.up)
    (gone,) = told.removed
    assert gone.name == bees.name and {held.number for held in gone.papers} == {one.number for one in bees.papers}

    editing.undo_together(ada, gone.name, gone.at)
    np.testing.assert_array_equal(scores(ada, papers), whole)
    assert not portrait(ada).removed


def test_of_a_paper_that_is_not_this_nothing_is_learned_until_that_is_undone(
    ada: Reader, papers: dict[str, list[Paper]]
) -> None:
    whole, paper = scores(ada, papers), papers["bees"][0]
    editing.not_this(ada, paper.pk, NOW)
    bo = reader("bo")
    vote(bo, *papers["bees"][1:4], *papers["stars"][:3])
    np.testing.assert_array_equal(scores(ada, papers), scores(bo, papers))
    (gone,) = portrait(ada).removed
    assert gone.name == "" and [held.key for held in gone.papers] == [paper.key]
    assert gone.papers[0].sources == ("vote",)
    editing.undo(ada, "paper", str(paper.pk), LATER)
    np.testing.assert_array_equal(scores(ada, papers), whole)


def test_an_interest_that_is_not_there_cannot_be_changed(ada: Reader, papers: dict[str, list[Paper]]) -> None:
    for act in (
        lambda: editing.name_interest(ada, papers["bread"][0].pk, "Bread", NOW),
        lambda: editing.weigh_interest(ada, 10**12, 2.0, NOW),
        lambda: editing.delete_interest(reader("bo"), papers["bees"][0].pk, "Bees", NOW),
    ):
        with pytest.raises(Refused):
            act()
    assert not Tuned.objects.exists()


def test_starting_over_erases_what_was_learned_and_told_and_keeps_votes(
    ada: Reader, papers: dict[str, list[Paper]]
) -> None:
    signals.seed(ada, [papers["bells"][0].pk], "ids", NOW)
    signals.wish(ada, "rye bread", NOW)
    signals.opine(ada, papers["bread"][0], True, "asked", NOW)
    editing.name_interest(ada, papers["bees"][0].pk, "Bees", NOW)
    scores(ada, papers)
    editing.start_over(ada, LATER, keep_votes=True)
    for model in (Seed, Wish, Opinion, Tuned, Profile, List, Shown):
        assert not model.objects.filter(reader=ada).exists()
    assert portrait(ada).examples == 7

    editing.start_over(ada, LATER, keep_votes=False)
    told = portrait(ada)
    assert told.examples == 0 and not told.interests and profiles.profile(ada) is None
    (gone,) = told.removed
    assert len(gone.papers) == 7
    editing.undo_together(ada, gone.name, gone.at)
    assert portrait(ada).examples == 7


def test_the_export_holds_the_whole_portrait(ada: Reader, papers: dict[str, list[Paper]]) -> None:
    editing.name_interest(ada, papers["bees"][0].pk, "Bienen, Honig & Ü", NOW)
    told = json.loads(editing.export(ada))
    assert told["form"] == "broadsheet-profile/1"
    assert "Bienen, Honig & Ü" in {one["name"] for one in told["interests"]}
    assert {"up", "down", "muted", "removed", "wishes", "seeds", "chances", "ranker", "background"} <= told.keys()
