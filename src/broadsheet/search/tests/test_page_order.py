"""The key of the words block, on texts made for it."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broadsheet.search.page_order import Place, exact_needles, misspelt, place, with_typos
from broadsheet.search.query import parse
from broadsheet.search.words import fields, row_text


def placed(query: str, title: str = "", abstract: str = "", authors: tuple[str, ...] = ()) -> Place | None:
    terms = parse(query).terms
    parts = fields(title, abstract, authors)
    vocabulary: dict[int, list[str]] = {}
    for word in {word for part in parts for word in part.split()}:
        vocabulary.setdefault(len(word), []).append(word)
    near = [misspelt(term, vocabulary) for term in terms]
    return place(row_text(*parts), with_typos(exact_needles(terms, True), terms, near))


def proximity(query: str, text: str) -> int:
    found = placed(query, abstract=text)
    assert found is not None
    return found.proximity


@pytest.mark.parametrize(
    ("text", "distance"),
    [
        ("whale song", 1),
        ("whale night song", 2),
        ("song whale", 2),
        ("song night whale", 3),
        ("whale one two song", 3),
        ("whale one two three four five song", 4),
        ("the whale. Song follows", 4),
        ("the whale, song", 4),
        ("whale-song", 1),
        ("whale x x x song, and the whale song", 1),
    ],
)
def test_proximity_is_the_smallest_distance_one_more_when_reversed_and_punctuation_is_far(
    text: str, distance: int
) -> None:
    assert proximity("whale song", text) == distance


def test_proximity_sums_over_neighbouring_words_within_one_field() -> None:
    assert proximity("big whale song", "big whale and song") == 1 + 2
    found = placed("whale song", title="whale", abstract="song")
    assert found is not None
    assert (found.proximity, found.title_words, found.attribute) == (4, 1, 0)


def test_a_paper_that_lacks_a_word_has_no_place() -> None:
    assert placed("whale song", abstract="whale whale") is None


def test_the_same_word_twice_needs_two_places() -> None:
    assert proximity("whale whale", "whale") == 4
    assert proximity("whale whale", "whale whale") == 1


@pytest.mark.parametrize(
    ("query", "text", "typos"),
    [
        ("carefully", "careffulyl", 2),
        ("whale", "whlae", 1),
        ("song", "sonk", None),
        ("whale", "whxxe", None),
        ("fine-tuning", "fune-tuning", 1),
        ("large-scale", "a largescale test", 1),
        ("large scale", "a largescale test", 1),
        ("algorithm", "algorithms", 0),
        ("algorithms", "algorithm", 1),
        ("2024", "2025", None),
    ],
)
def test_typos_grow_with_the_length_of_the_word(query: str, text: str, typos: int | None) -> None:
    found = placed(query, abstract=text)
    assert (found.typos if found else None) == typos


def test_attribute_and_words_are_told() -> None:
    found = placed("ada", authors=("Ada Berg",))
    assert found is not None
    assert (found.attribute, found.words) == (2, ("ada",))


def oracle(query: list[str], fields_: list[list[str]]) -> tuple[int, int, int] | None:
    """(proximity, title words, attribute) of exact words by trying every pair of places."""
    if not all(any(word in part for part in fields_) for word in query):
        return None
    total = 0
    for one, two in zip(query, query[1:], strict=False):
        best = 4
        for part in fields_:
            at = [[n for n, word in enumerate(part) if word == wanted] for wanted in (one, two)]
            for a, b in product(*at):
                if a != b and "." not in part[min(a, b) : max(a, b)]:
                    best = min(best, b - a if b > a else a - b + 1)
        total += best
    attribute = next(n for n, part in enumerate(fields_) if set(query) & set(part))
    return total, sum(word in fields_[0] for word in query), attribute


WORDS = st.lists(st.sampled_from(["aa", "bb", "cc", "dd", "."]), max_size=9)


@given(st.lists(st.sampled_from(["aa", "bb", "cc"]), min_size=1, max_size=3), WORDS, WORDS, WORDS)
def test_the_place_is_the_one_found_by_trying_every_pair(
    query: list[str], title: list[str], abstract: list[str], authors: list[str]
) -> None:
    text = row_text(" ".join(title), " ".join(abstract), " ".join(authors))
    found = place(text, exact_needles(parse(" ".join(query)).terms, False))
    wanted = oracle(query, [title, abstract, authors])
    assert ((found.proximity, found.title_words, found.attribute) if found else None) == wanted
