"""Gaussian process regression with a fixed set of landmarks, whose part of the work is done once for all readers.

With kernel K, targets y and variances D the mean at a point x is k(x)' (K + D)^-1 y (Rasmussen and Williams 2006,
equation 2.25). The points are n examples of one reader and m landmarks that all readers share; since all landmarks
have one variance, the eigenvectors of their kernel give the inverse for any variance, and only an (n, n) matrix is left
to be inverted (the Schur complement).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Single = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Landmarks:
    """The kernel among m landmarks, (m, m), by its eigenvectors (columns) and eigenvalues (m,)."""

    vectors: Single
    values: Array

    @classmethod
    def of(cls, kernel: Array) -> "Landmarks":
        """Prepare a kernel among landmarks."""
        values, vectors = np.linalg.eigh(kernel)
        return cls(np.ascontiguousarray(vectors, np.float32), np.maximum(values, 0))

    def solve(self, variance: float, right: Array) -> Array:
        """Give (K + variance I)^-1 right, with the six digits of single precision."""
        scale = (1 / (self.values + variance)).astype(np.float32)
        within = scale[:, None] * (self.vectors.T @ right.astype(np.float32))
        return np.asarray(self.vectors @ within, np.float64)


@dataclass(frozen=True, slots=True, eq=False)
class Fit:
    """A process that was fitted.

    examples (n,), landmarks (m,): the coefficients, so that the mean at x is k(x) @ both of them together.
    inverse (n, n): the examples' block of (K + D)^-1. across (m, n): landmarks' inverse times the kernel across.
    left_out (n,): the mean at each example as it would be without that example. ordinary (m,): the same of landmarks.
    """

    examples: Array
    landmarks: Array
    inverse: Array
    across: Array
    left_out: Array
    ordinary: Array

    @property
    def above_ordinary(self) -> Array:
        """How large a part of the landmarks each example stands above, both left out, (n,)."""
        return np.asarray(np.searchsorted(np.sort(self.ordinary), self.left_out) / len(self.ordinary))

    def owed(self, to_examples: Array, to_landmarks: Array) -> Array:
        """Give what the mean at each of q points loses when one example is left out, (q, n).

        to_examples (q, n), to_landmarks (q, m): the kernel between the points and both. With C the whole inverse, that
        is (k C)_i (C y)_i / C_ii: the leave-one-out identity (ibid., section 5.4.2) for any point.
        """
        at = (to_examples - to_landmarks @ self.across) @ self.inverse
        return np.asarray(at * (self.examples / np.diag(self.inverse)))


class Process:
    """Examples among landmarks, ready to be fitted with one trust in them or another.

    among (n, n), across (n, m): the kernel among examples, and between them and the landmarks. ordinary: the variance
    of each landmark; target: the value of each.
    """

    def __init__(self, among: Array, across: Array, landmarks: Landmarks, ordinary: float, target: float) -> None:
        values = np.full(across.shape[1], target)
        solved = landmarks.solve(ordinary, np.column_stack([across.T, values]))
        self.through, self.alone, self.values = solved[:, :-1], solved[:, -1], values
        self.left = among - across @ self.through
        self.expected = across @ self.alone
        # The diagonal of the landmarks' own inverse.
        self.own = np.square(landmarks.vectors) @ (1 / (landmarks.values + ordinary))

    def fit(self, targets: Array, variances: Array) -> Fit:
        """Fit it to the targets of the examples, which have those variances, both (n,)."""
        inverse = np.asarray(np.linalg.inv(self.left + np.diag(variances)), np.float64)
        examples = inverse @ (targets - self.expected)
        rest = self.alone - self.through @ examples
        # The diagonal of the landmarks' block of the inverse, without the block.
        own = self.own + np.einsum("ij,ij->i", self.through @ inverse, self.through)
        left_out = targets - examples / np.diag(inverse)
        return Fit(examples, rest, inverse, self.through, left_out, self.values - rest / own)
