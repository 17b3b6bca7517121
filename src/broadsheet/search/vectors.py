"""Nearest papers by vector, over flat arrays: sign bits for the shortlist, int8 and then float16 for the rerank.

BLAS threads: run web processes with OMP_NUM_THREADS=1; several processes with several threads each fight for the cores.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from broadsheet.search.types import FloatArray

ROTATION_SEED = 20240527
EXHAUSTIVE = 20_000
# How many rows the signs choose, and one more for every so many: what stands between a row and its true rank grows with
# the rows. At half a million real vectors 2,000 hold .987 of the true 50 nearest, 4,000 .996, 8,000 .999.
SHORTLIST = 4_000
ONE_MORE = 400
# A short query lies outside the cloud of the papers, and its signs alone lose too much: of its true 50 nearest, 3 to 4
# in 100 fell out. So its coordinates have two sizes, the optimal two of a Gaussian (Max 1960): the threshold is .98 of
# its spread, the sizes are about 1 and 3. The papers keep their single bits; the scan costs twice as much.
_THRESHOLD = 0.9816
EXACT = 300
_BLOCK = 65_536
_BYTE_WORDS = 3
_SPARSE = 5
_SPREAD = 5.0
_INT8_BLOCK = 512

Rows = NDArray[np.int64]
Mask = NDArray[np.bool_]


def rotation(dim: int, seed: int = ROTATION_SEED) -> FloatArray:
    """Give a random orthogonal (dim, dim) matrix: Q of the QR decomposition of a Gaussian matrix, signs made unique.

    It spreads the energy of a vector evenly, so that every sign bit says as much as any other.
    """
    q, r = np.linalg.qr(np.random.default_rng(seed).standard_normal((dim, dim)))
    return np.ascontiguousarray(q * np.sign(np.diag(r)), dtype=np.float32)


def bit_words(dim: int) -> int:
    """Tell how many 64-bit words hold the sign bits of a vector."""
    return -(-dim // 64)


def sign_bits(rotated: FloatArray) -> NDArray[np.uint64]:
    """Pack the signs of (n, dim) rotated rows into (n, words) 64-bit words, the last one filled up with zeros."""
    n, dim = rotated.shape
    packed = np.zeros((n, 8 * bit_words(dim)), dtype=np.uint8)
    packed[:, : -(-dim // 8)] = np.packbits(rotated > 0, axis=1)
    return packed.view(np.uint64)


def quantise(rotated: FloatArray) -> tuple[NDArray[np.int8], FloatArray]:
    """Round (n, dim) rows to int8 with one scale per row: scale = max(abs(row)) / 127, value = rint(row / scale)."""
    scale = np.abs(rotated).max(axis=1) / np.float32(127)
    safe = np.where(scale > 0, scale, np.float32(1))
    return np.rint(rotated / safe[:, None]).astype(np.int8), scale.astype(np.float32)


@dataclass(frozen=True, slots=True)
class VectorTable:
    """n vectors as the shard keeps them, row by row.

    rotation (dim, dim); bits (words, n), coarse (n, dim) and scale (n,) are of the rotated rows; exact (n, dim)
    float16 is not rotated. The bits stand column by column, not as on disk: scanning them so takes half the time.
    """

    rotation: FloatArray
    bits: NDArray[np.uint64]
    coarse: NDArray[np.int8]
    scale: FloatArray
    exact: NDArray[np.float16]

    def nearest(self, query: FloatArray, k: int, mask: Mask | None = None, of: int = 1) -> tuple[Rows, FloatArray]:
        """Give the k rows nearest to a query (dim,) of length 1 by cosine, best first, ties by row, and their cosines.

        mask (n,): rows that may be found. Few enough of them are all scored; else the sign bits choose a shortlist.
        of: tables like this one among which the rows were divided at random; each need look at its share only.
        """
        rotated = query @ self.rotation
        rows = self._candidates(rotated, mask, of)
        scores = self._coarse_scores(rows, rotated)
        best = np.sort(rows[_top(scores, max(share(EXACT, of), k + EXACT // 3))])
        # float32 before the product: float16 arithmetic would round every partial sum.
        exact = np.take(self.exact, best, axis=0).astype(np.float32) @ query
        order = np.lexsort((best, -exact))[:k]
        return best[order], exact[order]

    def _candidates(self, rotated: FloatArray, mask: Mask | None, of: int) -> Rows:
        allowed = len(self.scale) if mask is None else int(np.count_nonzero(mask))
        if allowed * of <= EXHAUSTIVE:
            return np.arange(allowed) if mask is None else np.flatnonzero(mask)
        shortlist = share(SHORTLIST + allowed * of // ONE_MORE, of)
        signs = _query_signs(rotated)
        if mask is None or allowed > len(self.scale) // _SPARSE:
            distances = _distances(self.bits, *signs)
            if mask is not None:
                # A row that must not be found gets a distance that no row can have.
                distances[~mask] = 3 * 64 * len(self.bits) + 1
            return _smallest(distances, shortlist)
        rows = np.flatnonzero(mask)
        # Gathering costs more per row than scanning does, and pays where few rows are left.
        gathered = np.stack([np.take(column, rows) for column in self.bits])
        return rows[_smallest(_distances(gathered, *signs), shortlist)]

    def _coarse_scores(self, rows: Rows, rotated: FloatArray) -> FloatArray:
        scores = np.empty(len(rows), dtype=np.float32)
        for start in range(0, len(rows), _INT8_BLOCK):
            part = rows[start : start + _INT8_BLOCK]
            coarse = np.take(self.coarse, part, axis=0).astype(np.float32)
            scores[start : start + _INT8_BLOCK] = (coarse @ rotated) * self.scale[part]
        return scores


def share(first: int, of: int) -> int:
    """Tell how many of the first so many of all a table must give that holds one of `of` random shares of the rows.

    A share is binomial; what is more than five standard deviations above the mean falls out once in three million.
    """
    if of <= 1:
        return first
    fair = first / of
    return min(first, math.ceil(fair + _SPREAD * math.sqrt(fair)) + 1)


def scan(table: VectorTable, rotated: FloatArray) -> NDArray[np.uint16]:
    """Compare a rotated query (dim,) with the sign bits of all rows: the work that grows with the papers."""
    return _distances(table.bits, *_query_signs(rotated))


def _query_signs(rotated: FloatArray) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    large = np.abs(rotated) > _THRESHOLD * np.sqrt(np.mean(rotated**2))
    query, heavy = sign_bits(np.stack([rotated, np.where(large, 1, -1).astype(np.float32)]))
    return query, heavy


def _distances(bits: NDArray[np.uint64], query: NDArray[np.uint64], heavy: NDArray[np.uint64]) -> NDArray[np.uint16]:
    """Count the signs in (words, n) columns that differ from a query's, those of its large coordinates three times."""
    n = bits.shape[1]
    distances = np.empty(n, dtype=np.uint16)
    differ, counted, once, thrice = (np.empty(_BLOCK, dtype=kind) for kind in ("u8", "u1", "u1", "u1"))
    for start in range(0, n, _BLOCK):
        total = distances[start : start + _BLOCK]
        size = len(total)
        total.fill(0)
        # Sums of bytes cost half of sums of wider numbers: three words of 64 signs fit into one.
        for group in range(0, len(bits), _BYTE_WORDS):
            for sums in (once, thrice):
                sums[:size] = 0
            for word in range(group, min(group + _BYTE_WORDS, len(bits))):
                np.bitwise_xor(bits[word, start : start + size], query[word], out=differ[:size])
                np.add(once[:size], np.bitwise_count(differ[:size], out=counted[:size]), out=once[:size])
                np.bitwise_and(differ[:size], heavy[word], out=differ[:size])
                np.add(thrice[:size], np.bitwise_count(differ[:size], out=counted[:size]), out=thrice[:size])
            total += once[:size]
            total += thrice[:size]
            total += thrice[:size]
    return distances


def _smallest(distances: NDArray[np.uint16], k: int) -> Rows:
    # Distances are small whole numbers: a histogram finds the k-th smallest several times faster than a partition.
    upto = np.cumsum(np.bincount(distances))
    limit = int(np.searchsorted(upto, min(k, len(distances))))
    return np.flatnonzero(distances <= limit)


def _top(scores: FloatArray, k: int) -> Rows:
    if len(scores) <= k:
        return np.arange(len(scores))
    return np.argpartition(-scores, k - 1)[:k]
