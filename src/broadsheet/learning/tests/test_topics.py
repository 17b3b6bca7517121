from itertools import product

import numpy as np

from broadsheet.learning.background import Background
from broadsheet.learning.features import Features, Words
from broadsheet.learning.topics import Topic, kmeans, layout, topics
from broadsheet.learning.vocabulary import Text, Vocabulary

FIELDS = {
    "bees": "honey bees dance hive nectar waggle",
    "stars": "binary stars orbit telescope spectra giants",
    "bread": "sourdough bread yeast oven flour crust",
}


def texts(each: int = 40) -> list[Text]:
    """Invented papers of three fields, in turn, with words that all of them share."""
    random = np.random.default_rng(1)
    made = []
    for _number in range(each):
        for words in FIELDS.values():
            parts = random.permutation(words.split())[:4].tolist()
            first, second = words.split()[:2]
            made.append(Text(f"{first} {second}", " ".join([*parts, "method", "novel", "study"])))
    return made


def of(made: list[Text], vectors: bool = True) -> tuple[Features, Background]:
    vocabulary = Vocabulary.fit(made)
    words = vocabulary.read(made)
    rows = np.zeros((len(made), 0), np.float32)
    if vectors:
        random = np.random.default_rng(2)
        axes = random.standard_normal((3, 16))
        rows = np.array([axes[place % 3] + 0.3 * random.standard_normal(16) for place in range(len(made))])
        rows = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    features = Features(words, Words.empty(len(made)), rows)
    return features, Background.of_features(features, vocabulary)


def fields_of(found: tuple[Topic, ...]) -> list[set[int]]:
    return [{place % 3 for place in topic.papers} for topic in found]


def test_papers_of_one_field_make_one_topic_with_vectors_and_without() -> None:
    for vectors in (True, False):
        features, background = of(texts(), vectors)
        found = topics(features, background, 3)
        assert len(found) == 3 and sorted(map(len, fields_of(found))) == [1, 1, 1]
        assert abs(sum(topic.size for topic in found) - 1) < 1e-9


def test_a_topic_is_named_by_its_words_without_stems_twice_and_without_what_all_papers_say() -> None:
    features, background = of(texts())
    for topic, (field,) in zip(found := topics(features, background, 3), map(tuple, fields_of(found)), strict=True):
        own = list(FIELDS.values())[field].split()
        said = [word for term in topic.terms for word in term.split()]
        assert set(said) <= set(own) and len({word[:5] for word in said}) == len(said)
        assert 1 <= len(topic.terms) <= 3


def test_the_same_papers_give_the_same_map() -> None:
    features, background = of(texts())
    assert topics(features, background, 3) == topics(features, background, 3)


def test_where_little_is_known_there_are_few_topics_or_none() -> None:
    features, background = of(texts(1))
    assert topics(features.take([]), background, 3) == ()
    (one,) = topics(features.take([0]), background, 5)
    assert (one.x, one.y, one.papers) == (0.5, 0.5, (0,))
    nothing = Features(Words.empty(4), Words.empty(4), np.zeros((4, 16), np.float32))
    assert topics(nothing, background, 3) == ()
    same = features.take([0, 0, 0, 0])
    assert len(topics(same, background, 3)) == 1


def test_kmeans_finds_the_best_of_all_partitions_of_a_few_points() -> None:
    random = np.random.default_rng(5)
    points = random.standard_normal((8, 3)).astype(np.float32)
    points[:4] += 2
    points /= np.linalg.norm(points, axis=1, keepdims=True)

    def worth(group: tuple[int, ...]) -> float:
        parts = [points[[one == number for one in group]] for number in (0, 1)]
        return float(sum(np.linalg.norm(part.sum(0)) for part in parts))

    best = max(worth(group) for group in product((0, 1), repeat=8))
    group, _centres = kmeans(points, 2)
    assert abs(worth(tuple(group.tolist())) - best) < 1e-4


def test_near_topics_have_near_places() -> None:
    angle = np.linspace(0, np.pi / 2, 7)
    centres = np.column_stack([np.cos(angle), np.sin(angle), np.zeros(7)]).astype(np.float32)
    places = layout(centres)
    assert places.min() >= 0 and places.max() <= 1 and np.isfinite(places).all()
    steps = np.linalg.norm(np.diff(places, axis=0), axis=1)
    assert np.linalg.norm(places[0] - places[-1]) > 3 * steps.max()
