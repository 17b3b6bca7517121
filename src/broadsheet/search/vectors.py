"""Nearest papers by vector, over flat arrays: sign bits for the shortlist, int8 and then float16 for the rerank.

BLAS threads: run web processes with OMP_NUM_THREADS=1; several processes with several threads each fight for the cores.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from broadsheet.search.types import FloatArray

ROTATION_SEED = 20240527
EXHAUSTIVE = 20_000
SHORTLIST = 2_000
SHORTLIST_FILTERED = 4_000
# A short query lies outside the cloud of the papers, and its signs alone lose too much: of its true 50 nearest, 3 to 4
# in 100 fell out. So its coordinates have two sizes, the optimal two of a Gaussian (Max 1960): the threshold is .98 of
# its spread, the sizes are about 1 and 3. The papers keep their single bits; the scan costs twice as much.
_THRESHOLD = 0.9816
EXACT = 300
_BLOCK = 16_384
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

    def nearest(self, query: FloatArray, k: int, mask: Mask | None = None) -> tuple[Rows, FloatArray]:
        """Give the k rows nearest to a query (dim,) of length 1 by cosine, best first, ties by row, and their cosines.

        mask (n,): rows that may be found. Few enough of them are all scored; else the sign bits choose a shortlist.
        """
        rotated = query @ self.rotation
        rows = self._candidates(rotated, mask)
        scores = self._coarse_scores(rows, rotated)
        best = np.sort(rows[_top(scores, max(EXACT, k + EXACT // 3))])
        # float32 before the product: float16 arithmetic would round every partial sum.
        exact = np.take(self.exact, best, axis=0).astype(np.float32) @ query
        order = np.lexsort((best, -exact))[:k]
        return best[order], exact[order]

    def _candidates(self, rotated: FloatArray, mask: Mask | None) -> Rows:
        allowed = len(self.scale) if mask is None else int(np.count_nonzero(mask))
        if allowed <= EXHAUSTIVE:
            return np.arange(allowed) if mask is None else np.flatnonzero(mask)
        distances = self._distances(rotated)
        if mask is not None:
            # A row that must not be found gets a distance that no row can have.
            distances[~mask] = 3 * 64 * len(self.bits) + 1
        filtered = mask is not None and allowed < len(self.scale)
        return _smallest(distances, SHORTLIST_FILTERED if filtered else SHORTLIST)

    def _distances(self, rotated: FloatArray) -> NDArray[np.uint16]:
        """Count the signs that differ from the query's, those of its large coordinates three times."""
        large = np.abs(rotated) > _THRESHOLD * np.sqrt(np.mean(rotated**2))
        query, heavy = sign_bits(np.stack([rotated, np.where(large, 1, -1).astype(np.float32)]))
        distances = np.zeros(self.bits.shape[1], dtype=np.uint16)
        for start in range(0, len(distances), _BLOCK):
            total = distances[start : start + _BLOCK]
            for column, sign, more in zip(self.bits, query, heavy, strict=True):
                differ = column[start : start + _BLOCK] ^ sign
                total += np.bitwise_count(differ)
                differ &= more
                twice = np.bitwise_count(differ)
                twice <<= 1
                total += twice
        return distances

    def _coarse_scores(self, rows: Rows, rotated: FloatArray) -> FloatArray:
        scores = np.empty(len(rows), dtype=np.float32)
        for start in range(0, len(rows), _INT8_BLOCK):
            part = rows[start : start + _INT8_BLOCK]
            coarse = np.take(self.coarse, part, axis=0).astype(np.float32)
            scores[start : start + _INT8_BLOCK] = (coarse @ rotated) * self.scale[part]
        return scores


def _smallest(distances: NDArray[np.uint16], k: int) -> Rows:
    # Distances are small whole numbers: a histogram finds the k-th smallest several times faster than a partition.
    upto = np.cumsum(np.bincount(distances))
    limit = int(np.searchsorted(upto, min(k, len(distances))))
    return np.flatnonzero(distances <= limit)


def _top(scores: FloatArray, k: int) -> Rows:
    if len(scores) <= k:
        return np.arange(len(scores))
    return np.argpartition(-scores, k - 1)[:k]
