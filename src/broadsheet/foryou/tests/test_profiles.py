from datetime import timedelta

import numpy as np
import pytest

from broadsheet.foryou import features, profiles, signals
from broadsheet.foryou.models import Background, List, Profile
from broadsheet.foryou.tests.reading import record
from broadsheet.foryou.tests.taste import vote
from broadsheet.learning.features import FloatArray
from broadsheet.papers.models import Paper
from broadsheet.readers.models import Reader
from broadsheet.web.tests.accounts import reader
from broadsheet.web.tests.conftest import MONDAY, NOW

pytestmark = pytest.mark.django_db
Papers = dict[str, list[Paper]]


@pytest.fixture
def papers(db: None) -> Papers:
    return record()


@pytest.fixture
def ada(papers: Papers) -> Reader:
    ada = reader("ada")
    vote(ada, *papers["bees"][:3])
    return ada


def score(who: Reader, papers: list[Paper]) -> FloatArray:
    found = profiles.profile(who)
    assert found is not None
    prepared, _numbers = features.prepared_of([paper.pk for paper in papers])
    return found.score(prepared)


def test_what_is_like_the_likes_stands_above_the_rest(ada: Reader, papers: Papers) -> None:
    assert score(ada, papers["bees"][4:]).min() > score(ada, papers["bread"]).max()


def test_nothing_told_is_nothing_learned(papers: Papers) -> None:
    bo = reader("bo")
    assert (profiles.trained(bo), profiles.profile(bo)) == (None, None)
    signals.opine(bo, papers["bees"][0], False, "list", NOW)
    assert profiles.profile(bo) is None and not Profile.objects.exists()


def test_without_a_background_there_is_no_profile() -> None:
    bo = reader("bo")
    features.forget()
    assert profiles.profile(bo) is None and profiles.trained(bo) is None


def test_the_kept_one_serves_until_something_changes(ada: Reader, papers: Papers) -> None:
    before = score(ada, papers["bells"])
    kept = Profile.objects.get()
    assert np.allclose(score(ada, papers["bells"]), before, atol=2e-3)
    assert Profile.objects.get().made == kept.made
    vote(ada, papers["bells"][0])
    assert (score(ada, papers["bells"][1:]) > before[1:]).all()
    assert Profile.objects.get().signals != kept.signals


def test_a_like_that_is_taken_back_leaves_nothing_behind(ada: Reader, papers: Papers) -> None:
    before = score(ada, papers["bells"])
    signals.opine(ada, papers["bells"][0], True, "list", NOW)
    profiles.profile(ada)
    signals.take_back(ada, papers["bells"][0])
    assert np.allclose(score(ada, papers["bells"]), before, atol=2e-3)


@pytest.mark.parametrize("damage", [{"data": b"nothing"}, {"ranker": "other/0"}, {"background": "gone"}])
def test_a_damaged_or_foreign_profile_is_learned_anew(ada: Reader, damage: dict[str, object]) -> None:
    profiles.profile(ada)
    good = Profile.objects.get()
    Profile.objects.update(**damage)
    assert profiles.profile(ada) is not None
    mended = Profile.objects.get()
    assert (mended.ranker, mended.background) == (good.ranker, good.background)
    assert bytes(mended.data) != b"nothing"


def test_likes_that_all_went_take_the_profile_along(ada: Reader, papers: Papers) -> None:
    profiles.profile(ada)
    for paper in papers["bees"][:3]:
        signals.tune(ada, "paper", str(paper.pk), 0, "", NOW)
    assert profiles.profile(ada) is None and not Profile.objects.exists()


def test_an_interest_that_is_deleted_is_gone_and_the_other_stays(ada: Reader, papers: Papers) -> None:
    vote(ada, *papers["bells"][:3])
    before = score(ada, papers["bees"][3:]), score(ada, papers["bells"][3:])
    signals.tune(ada, "interest", str(papers["bees"][0].pk), 0, "", NOW)
    assert score(ada, papers["bees"][3:]).mean() < before[0].mean() - 0.1
    assert score(ada, papers["bells"][3:]).mean() > before[1].mean() - 0.1
    found = profiles.trained(ada)
    assert found is not None and papers["bees"][0].pk not in {one.paper for one in found.examples}


def test_wishes_in_words_are_learned_from(papers: Papers) -> None:
    bo = reader("bo")
    signals.wish(bo, "carillon bells of bronze", NOW)
    assert score(bo, papers["bells"]).mean() > score(bo, papers["bread"]).mean()


def test_nothing_is_kept_of_a_reader_who_left_meanwhile(ada: Reader) -> None:
    told, background = signals.gather(ada), features.background()
    assert background is not None
    learned = profiles.learned(told, background)
    assert learned is not None
    gone = Reader.objects.get(pk=ada.pk)
    Profile.objects.all().delete()
    Reader.objects.filter(pk=ada.pk).delete()
    profiles.keep(gone, told, background, learned.profile)
    assert not Profile.objects.exists()


def test_many_profiles_are_the_same_as_each(ada: Reader, papers: Papers) -> None:
    bo, cy = reader("bo"), reader("cy")
    vote(bo, *papers["bread"][:4])
    found = profiles.many([ada, bo, cy])
    assert set(found) == {ada.pk, bo.pk}
    prepared, _numbers = features.prepared_of([paper.pk for paper in papers["bees"]])
    assert np.allclose(found[ada.pk].score(prepared), score(ada, papers["bees"]), atol=2e-3)


def test_the_worker_learns_those_that_are_out_of_date_of_active_readers(ada: Reader, papers: Papers) -> None:
    assert profiles.relearn(NOW) == 0
    List.objects.create(reader=ada, day=MONDAY, ranker="r", signals="s", made=NOW)
    assert profiles.relearn(NOW) == 1 and profiles.relearn(NOW) == 0
    vote(ada, papers["bells"][0])
    assert profiles.relearn(NOW + timedelta(days=60)) == 0
    assert profiles.relearn(NOW) == 1
    Background.objects.update(version="another")
    features.forget()
    assert profiles.relearn(NOW) == 0 or Profile.objects.get().background != ""
