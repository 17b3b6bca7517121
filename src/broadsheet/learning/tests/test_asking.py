import numpy as np

from broadsheet.learning.ask import MOST, enough, next_questions
from broadsheet.learning.background import Background
from broadsheet.learning.features import Features, Words
from broadsheet.learning.profile import Example, Trained, learn
from broadsheet.learning.vocabulary import Vocabulary

GROUPS = 12


def papers(count: int, seed: int) -> Features:
    """Papers of a dozen groups, in turn, told by vectors alone."""
    axes = np.linalg.qr(np.random.default_rng(0).standard_normal((24, GROUPS)))[0].T
    noise = np.random.default_rng(seed).standard_normal((count, 24))
    rows = axes[np.arange(count) % GROUPS] + 0.12 * noise
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return Features(Words.empty(count), Words.empty(count), rows.astype(np.float32))


BACKGROUND = Background.of_features(papers(240, 1), Vocabulary((), np.zeros(0, np.float32)))
CANDIDATES = papers(240, 2)
LIKED = np.arange(240) % GROUPS == 7


def taught(places: list[int]) -> Trained:
    examples = [Example(place, bool(LIKED[place])) for place in places]
    return learn(examples, BACKGROUND.prepare(CANDIDATES.take(places)), BACKGROUND)


def test_the_first_questions_are_of_all_kinds_and_later_ones_mostly_of_what_is_liked() -> None:
    first = next_questions(None, CANDIDATES, BACKGROUND, GROUPS)
    assert len({place % GROUPS for place in first}) == GROUPS
    asked = set(first)
    later = next_questions(taught(first), CANDIDATES, BACKGROUND, 5, asked)
    assert len(later) == 5 and not asked & set(later) and LIKED[later[:3]].all()
    assert later == next_questions(taught(first), BACKGROUND.prepare(CANDIDATES), BACKGROUND, 5, asked)


def test_a_profile_without_a_like_is_asked_as_one_that_knows_nothing() -> None:
    disliked = [0, 1, 2]
    found = next_questions(taught(disliked), CANDIDATES, BACKGROUND, 6, set(disliked))
    assert not {place % GROUPS for place in found} & {0, 1, 2}


def test_nothing_is_asked_of_nothing_and_long_lists_are_thinned_out() -> None:
    assert next_questions(None, CANDIDATES.take([]), BACKGROUND, 5) == []
    assert next_questions(None, CANDIDATES, BACKGROUND, 5, set(range(240))) == []
    many = CANDIDATES.take(np.arange(MOST + 1000) % 240)
    assert len(set(next_questions(None, many, BACKGROUND, 5, {0, 1}))) == 5


def test_it_is_enough_once_a_plain_interest_is_known_and_never_before_there_are_some_likes() -> None:
    assert enough(None).state == "few"
    likes, others = np.flatnonzero(LIKED).tolist(), np.flatnonzero(~LIKED).tolist()
    assert enough(taught([*likes[:5], *others[:20]])).state == "few"
    told = enough(taught([*likes[:15], *others[:15]]))
    assert told.is_enough and told.quality > 0.5 and told.gain < 0.01
