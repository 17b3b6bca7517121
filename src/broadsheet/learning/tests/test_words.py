"""Sparse rows against dense matrices, and the vocabulary they are made with."""

from collections import Counter
from math import log

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from broadsheet.learning.features import Features, Words, join
from broadsheet.learning.vocabulary import MARK_PLACES, Text, Vocabulary, mark_place, read_marks, terms_of

TERMS = 7
Bag = dict[int, float]
BAGS = st.lists(
    st.dictionaries(st.integers(0, TERMS - 1), st.floats(0.1, 9, allow_subnormal=False), max_size=TERMS), max_size=6
)
WEIGHTS = st.integers(0, 2**32 - 1)


def dense(words: Words, terms: int = TERMS) -> NDArray[np.float64]:
    """The rows as a matrix, entry by entry."""
    found = np.zeros((len(words), terms))
    for row in range(len(words)):
        for entry in range(words.start[row], words.start[row + 1]):
            found[row, words.term[entry]] += words.weight[entry]
    return found


@given(BAGS)
def test_rows_hold_what_their_bags_hold_and_have_length_one(bags: list[Bag]) -> None:
    found = dense(Words.of(bags))
    for row, bag in enumerate(bags):
        length = sum(weight**2 for weight in bag.values()) ** 0.5
        wanted = [bag.get(term, 0) / length if bag else 0 for term in range(TERMS)]
        np.testing.assert_allclose(found[row], wanted, atol=1e-6)


@given(BAGS, WEIGHTS)
def test_products_with_vectors_and_sums_of_rows_are_those_of_the_matrix(bags: list[Bag], seed: int) -> None:
    words, random = Words.of(bags), np.random.default_rng(seed)
    vector = random.standard_normal(TERMS).astype(np.float32)
    weights = random.standard_normal(len(words)).astype(np.float32)
    np.testing.assert_allclose(words.times(vector), dense(words) @ vector, atol=1e-5)
    np.testing.assert_allclose(words.sum(weights, TERMS), weights @ dense(words), atol=1e-5)


@given(BAGS, BAGS)
def test_rows_turned_round_are_the_matrix_turned_round_and_products_of_rows_those_of_both(
    bags: list[Bag], others: list[Bag]
) -> None:
    one, other = Words.of(bags), Words.of(others)
    turned = other.by_term(TERMS)
    np.testing.assert_allclose(dense(turned, max(len(other), 1))[:, : len(other)], dense(other).T, atol=1e-6)
    np.testing.assert_allclose(one.products(turned, len(other)), dense(one) @ dense(other).T, atol=1e-5)


@given(BAGS, st.data())
def test_rows_are_taken_in_the_order_they_are_asked_for(bags: list[Bag], data: st.DataObject) -> None:
    words = Words.of(bags)
    rows = data.draw(st.lists(st.integers(0, len(bags) - 1), max_size=9)) if bags else []
    np.testing.assert_array_equal(dense(words.take(rows)), dense(words)[rows])


@given(BAGS, BAGS)
def test_parts_put_together_are_the_rows_one_after_the_other(bags: list[Bag], others: list[Bag]) -> None:
    parts = [Features(Words.of(each), Words.of(each), np.ones((len(each), 2), np.float32)) for each in (bags, others)]
    whole = join(parts)
    both = np.concatenate([dense(part.words) for part in parts])
    np.testing.assert_array_equal(dense(whole.words), both)
    np.testing.assert_array_equal(dense(whole.marks), both)
    assert len(whole) == len(bags) + len(others) and whole.dim == 2


def test_the_weight_of_a_term_is_its_count_damped_times_how_rare_it_is() -> None:
    made = [Text("", "wind wind sand"), Text("", "wind"), Text("", "rain rain"), Text("", "rain"), Text("", "snow")]
    vocabulary = Vocabulary.fit(made)
    # A fifth of the papers is the most that a term may be in.
    assert set(vocabulary.terms) == {"sand", "snow", "wind wind", "wind sand", "rain rain"}
    idf = log(6 / 2) + 1
    np.testing.assert_allclose(vocabulary.idf, idf, rtol=1e-6)
    row = vocabulary.read([Text("sand", "sand snow nothing else known")])
    weights = {"sand": (1 + log(2)) * idf, "snow": idf}
    length = sum(weight**2 for weight in weights.values()) ** 0.5
    told = {vocabulary.terms[term]: float(weight) for term, weight in zip(row.term, row.weight, strict=True)}
    assert told == pytest.approx({term: weight / length for term, weight in weights.items()}, rel=1e-6)


def test_small_words_and_numbers_are_passed_over_and_words_are_read_whatever_their_case_and_accents() -> None:
    assert Counter(terms_of(Text("The Wind", "of 2024 and wínd"))) == Counter({"wind": 2})
    assert terms_of(Text("Graph networks", "")) == ["graph", "networks", "graph networks"]
    # No pair reaches from the title into the abstract.
    assert "wind sand" not in terms_of(Text("wind", "sand"))
    # A hyphen divides.
    assert terms_of(Text("", "Low-rank")) == terms_of(Text("", "low rank")) == ["low", "rank", "low rank"]
    assert "gpt-4" in terms_of(Text("GPT-4", "")) and "c++" in terms_of(Text("in C++", ""))


def test_a_vocabulary_keeps_the_commonest_terms_in_one_order_whatever_the_order_of_the_papers() -> None:
    made = [Text(f"wind{number % 7} sand{number % 5}", "") for number in range(60)]
    one, other = Vocabulary.fit(made, most=8), Vocabulary.fit(made[::-1], most=8)
    assert one.terms == other.terms == tuple(sorted(one.terms)) and len(one) == 8
    np.testing.assert_array_equal(one.idf, other.idf)


def test_texts_without_a_known_word_have_empty_rows() -> None:
    row = Vocabulary.fit([Text("wind", "")]).read([Text("", ""), Text("rain", ""), Text("wind", "")])
    assert np.diff(row.start).tolist() == [0, 0, 1]
    assert len(Vocabulary.fit([])) == 0 and len(Vocabulary.fit([]).read([Text("wind", "")])) == 1


def test_marks_have_one_weight_each_and_stand_at_their_sums() -> None:
    row = read_marks([Text("", "", ("author:ada", "category:cs.CL")), Text("", "")])
    assert sorted(row.term.tolist()) == sorted([mark_place("author:ada"), mark_place("category:cs.CL")])
    np.testing.assert_allclose(row.weight, 0.5**0.5, rtol=1e-6)
    assert all(0 <= mark_place(f"author:{number}") < MARK_PLACES for number in range(100))
