"""Merging: what parts give, put together, is what the whole would give."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from broadsheet.search.bm25 import in_stems, rounded, score
from broadsheet.search.executor import Question, Statistics, WordRow
from broadsheet.search.gather import merged, merged_rows
from broadsheet.search.lexical import stems
from broadsheet.search.vectors import VectorTable, quantise, rotation, scan, share, sign_bits
from broadsheet.search.words import spaced

SCORES = st.dictionaries(st.integers(1, 10_000), st.floats(0, 100, allow_nan=False), max_size=60)


def parts(whole: dict[int, float], of: int) -> list[tuple[tuple[int, float], ...]]:
    ranked = sorted(whole.items(), key=lambda pair: (-pair[1], pair[0]))
    return [tuple(pair for pair in ranked if pair[0] % of == n) for n in range(of)]


@given(SCORES, st.integers(2, 7))
def test_lists_divided_and_merged_are_the_list(whole: dict[int, float], of: int) -> None:
    assert merged(parts(whole, of)) == sorted(whole.items(), key=lambda pair: (-pair[1], pair[0]))


@given(SCORES, st.integers(2, 7))
def test_a_part_left_out_does_not_change_the_order_of_the_others(whole: dict[int, float], of: int) -> None:
    some = merged(parts(whole, of)[1:])
    assert some == [pair for pair in merged(parts(whole, of)) if pair[0] % of]


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(-9, 0), st.integers(1, 500)), unique_by=lambda row: row[2]))
def test_rows_of_the_words_block_merge_by_their_keys(rows: list[tuple[int, int, int]]) -> None:
    whole = sorted(WordRow((key,), day, paper) for key, day, paper in rows)
    divided = [[row for row in whole if row.paper % 3 == n] for n in range(3)]
    assert merged_rows(divided) == whole
    # A paper that two parts hold comes once, at its better place.
    twice = [row.paper for row in merged_rows([*divided, [WordRow((9,), 0, row.paper) for row in whole]])]
    assert twice == [row.paper for row in whole]


@given(st.integers(1, 5_000), st.integers(1, 64), st.integers(0, 2**32))
def test_the_share_of_a_part_holds_what_it_has_of_the_first(first: int, of: int, seed: int) -> None:
    counts = np.bincount(np.random.default_rng(seed).integers(of, size=first), minlength=of)
    assert share(first, 1) == first
    assert share(first, of) <= first
    assert Question(frozenset(), of=of).share(first) == share(first, of)
    # Five standard deviations: in so few draws none lies outside by chance, small shares aside.
    if first / of >= 20:
        assert counts.max() <= share(first, of)


@given(st.integers(0, 2_000_000))
def test_lengths_are_rounded_to_four_significant_bits(length: int) -> None:
    near = rounded(length)
    assert near <= length
    if length < 40:
        assert near == length
    else:
        assert (length - near) / length < 1 / 8


def test_statistics_add_up_and_weigh_as_one_collection() -> None:
    one, two = Statistics(10, 100.0, {"a": 3}), Statistics(30, 500.0, {"a": 1, "b": 2})
    both = one + two
    assert (both.papers, both.mean_length, dict(both.holding)) == (40, 15.0, {"a": 4, "b": 2})
    assert both.idf("a") == pytest.approx(math.log(1 + (40 - 4 + 0.5) / 4.5))
    assert both.idf("none") > both.idf("b") > both.idf("a") > 0


def test_a_score_is_the_sum_that_bm25_says() -> None:
    known = Statistics(100, 1_000.0, {"whale": 10})
    paper = ["whale", "", "song", "whale"]
    norm = 1.2 * (0.25 + 0.75 * 3 / 10)
    assert score({"whale": 2}, paper, known) == pytest.approx(2 * math.log(1 + 90.5 / 10.5) * 2.2 * 2 / (2 + norm))
    assert score({"tide": 1}, paper, known) == 0.0


@given(st.lists(st.sampled_from(["whales", "singing", "the", ".", "naïve", "x2", "ß"]), max_size=20))
def test_stems_of_words_are_those_of_the_text(words: list[str]) -> None:
    text = spaced(" ".join(words))
    told = [stem for stem in in_stems(text) if stem]
    assert {stem: told.count(stem) for stem in told} == dict(stems(text))


@given(st.integers(1, 400), st.integers(0, 2**32))
def test_the_scan_counts_signs_one_by_one(dim: int, seed: int) -> None:
    draw = np.random.default_rng(seed)
    rows = draw.standard_normal((40, dim)).astype(np.float32)
    query = draw.standard_normal(dim).astype(np.float32)
    coarse, scale = quantise(rows)
    bits = np.ascontiguousarray(sign_bits(rows).T)
    table = VectorTable(rotation(1), bits, coarse, scale, rows.astype(np.float16))
    weights = np.where(np.abs(query) > 0.9816 * np.sqrt(np.mean(query**2)), 3, 1)
    slow = [int(weights[(row > 0) != (query > 0)].sum()) for row in rows]
    assert scan(table, query).tolist() == slow
