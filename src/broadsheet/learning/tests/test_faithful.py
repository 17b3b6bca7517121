"""What the program says of a score is true: reasons against learning anew, files against what was put into them."""

from dataclasses import replace

import numpy as np
import pytest

from broadsheet.learning.profile import Example, Settings, Trained, learn
from broadsheet.learning.tests.world import World, world

SEEDS = range(12)


@pytest.fixture(scope="module")
def record() -> World:
    """A record with vectors."""
    return world()


@pytest.fixture(scope="module")
def wordy() -> World:
    """A record of words alone."""
    return world(vectors=False, seed=5)


def taught(record: World, examples: tuple[Example, ...], settings: Settings | None = None) -> Trained:
    return learn(examples, record.of(examples), record.background, settings=settings)


def without(place: int, examples: tuple[Example, ...], settings: Settings) -> tuple[tuple[Example, ...], Settings]:
    """The same examples and settings without one of them."""
    trust = settings.trust[:place] + settings.trust[place + 1 :]
    return examples[:place] + examples[place + 1 :], replace(settings, trust=trust)


def points_of(trained: Trained, record: World, rows: list[int]) -> np.ndarray:
    return 100 * trained.profile.score(record.papers.take(rows)).astype(np.float64)


@pytest.mark.parametrize("kind", ["record", "wordy"])
@pytest.mark.parametrize("seed", SEEDS)
def test_a_papers_points_for_a_like_are_what_its_score_loses_without_that_like(
    kind: str, seed: int, request: pytest.FixtureRequest
) -> None:
    record: World = request.getfixturevalue(kind)
    examples = record.examples(seed, likes=3 + seed % 8, dislikes=seed % 4)
    trained = taught(record, examples)
    rows = np.random.default_rng(seed).choice(len(record.papers), 6, replace=False).tolist()
    told = trained.why(record.papers.take(rows), most=len(examples))
    before = points_of(trained, record, rows)
    for place, example in enumerate(examples):
        if len(examples) == 1:
            continue
        after = points_of(taught(record, *without(place, examples, trained.settings)), record, rows)
        said = [dict(why.likes).get(example.paper, 0.0) for why in told]
        # A profile keeps the places of papers in half precision.
        np.testing.assert_allclose(said, before - after, atol=2e-2)


@pytest.mark.parametrize("seed", SEEDS)
def test_words_and_all_the_rest_add_up_to_the_score(record: World, seed: int) -> None:
    examples = record.examples(seed)
    trained = taught(record, examples)
    profile, rows = trained.profile, list(range(40))
    papers = record.papers.take(rows)
    bare = profile.score(replace(papers, words=papers.words.empty(len(rows))))
    for why, rest, score in zip(trained.why(papers, most=1000), bare, profile.score(papers), strict=True):
        assert why.points == pytest.approx(100 * score, abs=1e-3)
        assert sum(points for _term, points in why.words) + 100 * rest == pytest.approx(why.points, abs=1e-2)


def test_with_settings_chosen_anew_the_reasons_still_point_the_right_way(record: World) -> None:
    same, said, lost = 0, [], []
    for seed in range(15):
        examples = record.examples(seed, likes=10, dislikes=3)
        trained = taught(record, examples)
        rows = np.flatnonzero(np.isin(record.field, record.field[[e.paper for e in examples if e.liked]]))[:10].tolist()
        before, after = points_of(trained, record, rows), dict[int, np.ndarray]()
        for at, why in enumerate(trained.why(record.papers.take(rows), most=1)):
            like, points = why.likes[0]
            if like not in after:
                fewer = tuple(example for example in examples if example.paper != like)
                after[like] = points_of(taught(record, fewer), record, rows)
            change = before[at] - after[like][at]
            same += (change > 0) == (points > 0)
            said.append(points)
            lost.append(change)
    agreeing, correlation = same / len(said), float(np.corrcoef(said, lost)[0, 1])
    print(f"same sign {agreeing:.3f}, correlation {correlation:.3f} of {len(said)}")  # noqa: T201
    assert agreeing >= 0.9 and correlation >= 0.7


@pytest.mark.parametrize("seed", SEEDS)
def test_an_example_of_no_weight_counts_for_nothing(record: World, seed: int) -> None:
    examples = record.examples(seed)
    trained = taught(record, examples)
    silenced = (replace(examples[0], weight=0.0), *examples[1:])
    trust = (0.0, *trained.settings.trust[1:])
    kept = taught(record, silenced, replace(trained.settings, trust=trust))
    gone = taught(record, *without(0, examples, trained.settings))
    rows = list(range(100))
    np.testing.assert_allclose(points_of(kept, record, rows), points_of(gone, record, rows), atol=1e-2)
    assert examples[0].paper not in {paper for interest in kept.interests for paper in interest.papers}


def test_a_muted_word_gives_no_points_to_any_paper(record: World) -> None:
    examples = record.examples(3)
    trained = taught(record, examples)
    (why,) = trained.why(record.papers.take([examples[0].paper]))
    muted = frozenset(term for term, _points in why.words)
    quiet = learn(examples, record.of(examples), record.background, muted=muted)
    for told in quiet.why(record.papers.take(list(range(60))), most=1000):
        assert not muted & {term for term, _points in told.words}
    places = [record.background.vocabulary.place[term] for term in sorted(muted)]
    assert not quiet.profile.word_weights[places].any()


@pytest.mark.parametrize("seed", range(6))
def test_reasons_are_exact_with_muted_words_too(record: World, seed: int) -> None:
    examples = record.examples(seed)
    muted = frozenset(record.background.vocabulary.terms[seed * 3 : seed * 3 + 40])
    trained = learn(examples, record.of(examples), record.background, muted=muted)
    rows = list(range(12))
    told = trained.why(record.papers.take(rows), most=100)
    before = points_of(trained, record, rows)
    for place, example in enumerate(examples):
        fewer, settings = without(place, examples, trained.settings)
        anew = learn(fewer, record.of(fewer), record.background, muted=muted, settings=settings)
        said = [dict(why.likes).get(example.paper, 0.0) for why in told]
        np.testing.assert_allclose(said, before - points_of(anew, record, rows), atol=1e-2)


def test_the_same_examples_give_the_same_bytes(record: World) -> None:
    for seed in range(4):
        examples = record.examples(seed)
        assert taught(record, examples).profile.to_bytes() == taught(record, examples).profile.to_bytes()
    again = world()
    assert again.background.to_bytes() == record.background.to_bytes()
    assert again.background.version == record.background.version
