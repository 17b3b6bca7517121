"""The baselines against their published rules, worked slowly."""

import math
from importlib import import_module

import numpy as np
import pytest

from broadsheet.bench.foryou_peers import Content, centroid, cosine, part, popularity, svm, words_of
from broadsheet.bench.report import CannotMeasure

DRAW = np.random.default_rng(4)
VECTORS = DRAW.normal(size=(40, 6)).astype(np.float32)
VECTORS /= np.linalg.norm(VECTORS, axis=1, keepdims=True)
TEXTS = [
    (f"Paper {n}", " ".join(DRAW.choice(["graph", "speech", "robot", "proof", "vision", "market"], 4)))
    for n in range(80)
]


@pytest.fixture(scope="module", autouse=True)
def _peers() -> None:
    # Only here: to import it takes a second, and each process of the tests would.
    pytest.importorskip("sklearn")


def test_the_weighted_cosine_counts_the_newest_most() -> None:
    likes, tested = np.array([3, 9, 1]), VECTORS[20:25]
    weights = [1 / (1 + math.log10(place)) for place in (1, 2, 3)]
    newest_first = (1, 9, 3)
    slow = [
        10 * sum(w * float(VECTORS[like] @ row) for w, like in zip(weights, newest_first, strict=True)) / sum(weights)
        for row in tested
    ]
    assert cosine(VECTORS, likes, tested) == pytest.approx(slow, rel=1e-4)
    # As published: the tenth like weighs half, the hundredth a third.
    assert 1 / (1 + math.log10(10)) == 0.5
    assert 1 / (1 + math.log10(100)) == pytest.approx(1 / 3)


def test_the_centroid_is_the_mean_of_the_likes() -> None:
    likes = np.array([3, 9, 1])
    assert centroid(VECTORS, likes, VECTORS[20:]) == pytest.approx(VECTORS[20:] @ VECTORS[likes].mean(axis=0), abs=1e-6)


def test_words_have_the_weights_of_the_peers_settings() -> None:
    found = words_of(TEXTS, np.arange(60))
    known = [f"{title} {abstract}".lower().split() for title, abstract in TEXTS[:60]]
    held = {word: sum(word in text for text in known) for text in known for word in text}
    assert found.shape[0] == 80
    assert np.allclose(found.multiply(found).sum(axis=1), 1) or (found.getnnz(axis=1) == 0).any()
    # Words of more than a tenth of the papers are out, and so are those of fewer than five.
    plain = import_module("sklearn.feature_extraction.text").TfidfVectorizer(
        max_features=20000, ngram_range=(1, 2), min_df=5, max_df=0.1, sublinear_tf=True, stop_words="english",
        strip_accents="unicode", token_pattern=r"(?u)\b[a-zA-Z_][a-zA-Z0-9_]+\b", dtype=np.float32,
    )  # fmt: skip
    joined = [" ".join(text) for text in TEXTS]
    assert abs(plain.fit(joined[:60]).transform(joined) - found).max() < 1e-6
    assert max(held.values()) > 6


def test_vocabulary_is_learned_from_the_known_papers_alone() -> None:
    later = [*TEXTS[:60], *[("A hyperloop", "hyperloop pods")] * 20]
    assert words_of(later, np.arange(60)).shape[1] == words_of(TEXTS, np.arange(60)).shape[1]
    assert words_of(later, np.arange(60))[60:].nnz == 0


def test_papers_that_were_counted_elsewhere_stand_beside_texts() -> None:
    counted: list[Content] = [{"hyperloop": 2.0, "pod": 1.0}, {"pod": 3}, *[{"graph": 1.0, "tree": 1.0}] * 3]
    found = words_of(counted, np.arange(5))
    assert found.shape == (5, 4)
    assert words_of([*counted, ("Tree", "graph")], np.arange(6)).shape[0] == 6


def test_the_svm_has_the_peers_settings_and_takes_all_others_for_unwanted() -> None:
    found = words_of(TEXTS, np.arange(80))
    likes, others, tested = np.arange(5), np.arange(5, 60), found[60:]
    model = import_module("sklearn.svm").LinearSVC(class_weight="balanced", C=0.01, tol=1e-6, max_iter=10000)
    model.fit(found[:60], [1] * 5 + [0] * 55)
    assert svm(found, likes, others, tested) == pytest.approx(model.decision_function(tested))
    assert not svm(found, likes, np.zeros(0, np.int64), tested).any()


def test_what_more_readers_like_is_more_popular() -> None:
    tested_rows = np.array([20, 21, 22])
    likes = [np.array([20, 1]), np.array([20, 2, 3]), np.array([22]), np.zeros(0, np.int64)]
    found = popularity(VECTORS, likes, tested_rows, VECTORS[tested_rows])
    slow = [
        sum(row in rows for rows in likes)
        + 0.999 * np.mean([max(0, *(float(VECTORS[row] @ VECTORS[like]) for like in rows)) for rows in likes[:3]])
        for row in tested_rows
    ] if all(len(rows) for rows in likes[:3]) else []  # fmt: skip
    assert found == pytest.approx(slow, rel=1e-5)
    assert found[0] > found[2] > found[1]
    assert not popularity(VECTORS, [], tested_rows, VECTORS[tested_rows]).any()


def test_a_missing_package_is_said_in_one_line() -> None:
    with pytest.raises(CannotMeasure, match="scikit-learn"):
        part("sklearn_that_is_not_there")
