from random import Random

import numpy as np
import pytest
from numpy.typing import NDArray

from broadsheet.learning import stories as room
from broadsheet.learning.stories import stories, unit_rows


def led(titles: list[str], vectors: NDArray[np.float32] | None = None) -> dict[int, tuple[int, ...]]:
    return stories(titles, vectors, [""] * len(titles))[1]


def test_titles_that_share_their_words_tell_one_story() -> None:
    titles = ["A calculus of slow rivers", "On loud bees", "A Calculus of Slow Rivers!", "A theory of slow rivers"]
    assert led(titles) == {0: (0, 2)}


def test_titles_of_few_words_are_too_short_to_tell() -> None:
    assert led(["Loud bees", "Loud bees"]) == {}


def test_near_vectors_tell_one_story() -> None:
    rows = np.array([[1, 0], [0, 1], [0.95, 0.3122], [0, 0], [0, 0]], np.float32)
    assert led(["a", "b", "c", "d", "e"], rows) == {0: (0, 2)}


def test_likeness_is_not_handed_on() -> None:
    angles = [0.0, 0.35, 0.7]
    rows = np.array([[np.cos(angle), np.sin(angle)] for angle in angles], np.float32)
    # The second joins the first, and so the third, near to the second alone, stands for itself.
    told, members = stories(["a", "b", "c"], rows, [""] * 3)
    assert members == {0: (0, 1)}
    assert told.tolist() == [0, 0, 2]


def test_every_pair_of_titles_is_found_that_an_oracle_finds() -> None:
    draw = Random(3)
    words = [f"w{number}" for number in range(14)]
    titles = [" ".join(draw.sample(words, draw.randint(4, 13))) for _ in range(300)]
    sets = [frozenset(title.split()) for title in titles]
    slow = {
        (one, other)
        for other in range(300)
        for one in range(other)
        if len(sets[one] & sets[other]) / len(sets[one] | sets[other]) >= room.LIKE_TITLES
    }
    assert slow
    assert set(room._by_title(titles)) == slow


def test_many_papers_are_compared_inside_of_their_fields(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "ALL_COMPARED", 3)
    rows = np.ones((4, 1), np.float32)
    assert stories(list("abcd"), rows, ["x", "y", "x", "y"])[1] == {0: (0, 2), 1: (1, 3)}


def test_papers_without_a_vector_are_like_none() -> None:
    half = np.array([1, 0], "<f2").tobytes()
    rows = unit_rows({"one": half}, ["one", "two"])
    assert rows is not None and rows.tolist() == [[1, 0], [0, 0]]
    assert unit_rows({}, ["one"]) is None
