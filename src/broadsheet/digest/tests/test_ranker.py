from datetime import UTC, datetime

import numpy as np
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from broadsheet.digest import reasons
from broadsheet.digest.choose import Wish, choose
from broadsheet.digest.pool import read
from broadsheet.digest.ranker import Ranker, rankers_for
from broadsheet.foryou import features
from broadsheet.foryou.tests.reading import record
from broadsheet.foryou.tests.taste import vote
from broadsheet.learning.profile import RANKER
from broadsheet.papers.models import Paper
from broadsheet.readers.models import Reader
from broadsheet.web.tests.accounts import reader
from broadsheet.web.tests.conftest import MONDAY

pytestmark = pytest.mark.django_db
Papers = dict[str, list[Paper]]
LATER = datetime(2024, 5, 28, tzinfo=UTC)


@pytest.fixture
def papers(db: None) -> Papers:
    return record()


@pytest.fixture
def ada(papers: Papers) -> Reader:
    ada = reader("ada")
    vote(ada, *papers["bees"][:3])
    return ada


def ranker_for(reader: Reader) -> Ranker:
    return rankers_for([reader])[reader.pk]


def test_of_who_told_nothing_nothing_was_learned(papers: Papers) -> None:
    assert rankers_for([reader("bo")]) == {}
    features.forget()


def test_a_profile_gives_log_odds_by_number(ada: Reader, papers: Papers) -> None:
    ranker = ranker_for(ada)
    assert str(ranker).startswith(f"{RANKER} ") and len(str(ranker)) <= 40
    bees, bread = ([paper.pk for paper in papers[name][3:]] for name in ("bees", "bread"))
    scores = ranker.score(bees + bread)
    assert scores is not None and min(scores[: len(bees)]) > max(scores[len(bees) :])
    assert np.isfinite(scores).all()
    assert ranker.words(bees[0]) and ranker.words(10**9) == ()


def test_for_you_in_a_digest_is_for_the_reader_and_says_why(ada: Reader, papers: Papers) -> None:
    told = frozenset(paper.pk for paper in papers["bees"][:3])
    chosen = choose(read(MONDAY, MONDAY), Wish(("foryou",), 4, told=told, rank=ranker_for(ada)))
    picked = [pick.number for pick in chosen.picks][:3]
    assert set(picked) <= {paper.pk for paper in papers["bees"][3:]}
    (said,) = reasons.sentences(chosen.picks[0].why)
    assert said.startswith("Close to what you liked before: ")
    known = {name: value for terms in chosen.picks[0].why for name, value in terms.items()}
    assert 1 <= len(known["words"]) <= 3


def test_a_batch_asks_no_more_than_one(ada: Reader, papers: Papers) -> None:
    bo, cy = reader("bo"), reader("cy")
    vote(bo, *papers["ink"][:3])
    rankers_for([ada, bo, cy])
    with CaptureQueriesContext(connection) as one:
        rankers_for([ada])
    with CaptureQueriesContext(connection) as all_of_them:
        found = rankers_for([ada, bo, cy])
    assert set(found) == {ada.pk, bo.pk}
    assert len(all_of_them) == len(one)
