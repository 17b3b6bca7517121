"""Nearest vectors against the plain way: all cosines in float32."""

import numpy as np
import pytest

from broadsheet.search.types import FloatArray
from broadsheet.search.vectors import EXHAUSTIVE, VectorTable, quantise, rotation, sign_bits


def clustered(n: int, dim: int, seed: int) -> FloatArray:
    draw = np.random.default_rng(seed)
    centres = draw.standard_normal((200, dim))
    rows = centres[draw.integers(0, 200, n)] + 0.7 * draw.standard_normal((n, dim))
    rows *= np.linspace(1.5, 0.3, dim)
    unit: FloatArray = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    return unit


def table(rows: FloatArray) -> VectorTable:
    turn = rotation(rows.shape[1])
    exact = rows.astype(np.float16)
    rotated = exact.astype(np.float32) @ turn
    coarse, scale = quantise(rotated)
    return VectorTable(turn, sign_bits(rotated).T, coarse, scale, exact)


def oracle(rows: FloatArray, query: FloatArray, k: int, mask: np.ndarray | None = None) -> set[int]:
    scores = [float(np.dot(row, query)) if mask is None or mask[n] else -9.0 for n, row in enumerate(rows)]
    return set(sorted(range(len(rows)), key=lambda n: -scores[n])[:k])


def test_the_rotation_is_orthogonal_and_the_same_every_time() -> None:
    turn = rotation(48)
    assert np.allclose(turn @ turn.T, np.eye(48), atol=1e-5)
    assert np.array_equal(turn, rotation(48))


@pytest.mark.parametrize("dim", [5, 64, 100])
def test_sign_bits_count_the_signs_that_differ(dim: int) -> None:
    rows = np.random.default_rng(1).standard_normal((7, dim)).astype(np.float32)
    bits = sign_bits(rows)
    for one in range(7):
        for two in range(7):
            distance = sum(int(word).bit_count() for word in bits[one] ^ bits[two])
            assert distance == sum((a > 0) != (b > 0) for a, b in zip(rows[one], rows[two], strict=True))


def test_int8_rounds_to_half_a_step_and_takes_rows_of_zeros() -> None:
    rows = np.vstack([np.random.default_rng(2).standard_normal((5, 30)), np.zeros((1, 30))]).astype(np.float32)
    coarse, scale = quantise(rows)
    assert np.all(np.abs(coarse * scale[:, None] - rows) <= scale[:, None] / 2 + 1e-7)


@pytest.mark.parametrize("share", [None, 0.5, 0.01])
def test_few_rows_are_scored_all_and_agree_with_the_plain_way(share: float | None) -> None:
    rows = clustered(3_000, 64, 3)
    mask = None if share is None else np.random.default_rng(4).random(len(rows)) < share
    query = clustered(1, 64, 5)[0]
    found, scores = table(rows).nearest(query, 20, mask)
    assert len(set(found.tolist()) & oracle(rows, query, 20, mask)) >= 19
    assert np.all(np.diff(scores) <= 0)
    assert mask is None or bool(mask[found].all())


@pytest.mark.parametrize("share", [1.0, 0.9])
def test_many_rows_go_through_the_sign_bits_and_still_agree(share: float) -> None:
    rows = clustered(EXHAUSTIVE + 10_000, 128, 6)
    mask = np.random.default_rng(7).random(len(rows)) < share
    whole = table(rows)
    hits = 0
    for query in rows[::3_000] + np.float32(0.05) * clustered(10, 128, 8):
        found, _ = whole.nearest(query / np.linalg.norm(query), 20, mask)
        assert bool(mask[found].all())
        hits += len(set(found.tolist()) & set(np.argsort(-(np.where(mask, rows @ query, -9.0)))[:20].tolist()))
    assert hits / (10 * 20) > 0.95


def test_equal_rows_come_in_the_order_of_their_numbers() -> None:
    rows = np.repeat(clustered(1, 64, 9), 10, axis=0)
    found, _ = table(rows).nearest(rows[0], 4)
    assert found.tolist() == [0, 1, 2, 3]


def test_nothing_is_found_where_nothing_may_be() -> None:
    rows = clustered(50, 64, 10)
    assert len(table(rows).nearest(rows[0], 5, np.zeros(50, dtype=np.bool_))[0]) == 0
