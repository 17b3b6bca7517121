"""Which answers of a cluster are right, when something is killed and papers come in at the same time.

An answer marked as partial may miss anything. One that is not must be the answer of one process over the same papers.
Where the papers are changing there is no such answer, so that only questions are judged whose answer does not change.
"""

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

from broadsheet.search.types import Hit, Results

# float32 sums in another order; nothing a reader could see.
SAME: Final = 1e-5

Verdict = Literal["right", "wrong", "partial", "open"]


def same_order(expected: Sequence[Hit], given: Sequence[Hit]) -> bool:
    """Tell whether the same papers stand in the same order."""
    return [hit.paper for hit in expected] == [hit.paper for hit in given]


def same_set(expected: Sequence[Hit], given: Sequence[Hit]) -> bool:
    """Tell whether the same papers are there."""
    return {hit.paper for hit in expected} == {hit.paper for hit in given}


def as_good(expected: Sequence[Hit], given: Sequence[Hit]) -> bool:
    """Tell whether papers differ in place only where their scores are equal, also with those after the last."""
    if len(expected) != len(given):
        return False
    if any(abs(one.score - other.score) > SAME for one, other in zip(expected, given, strict=True)):
        return False
    last = expected[-1].score if expected else 0.0
    known = {hit.paper: hit.score for hit in expected}
    # A paper that one process does not give may only stand where its list was cut.
    return all(abs(hit.score - known.get(hit.paper, last)) <= SAME for hit in given)


def judged(given: Results, right: bool | None) -> Verdict:
    """Judge an answer. right: whether it is the one of a single process; None where that cannot be told."""
    if given.partial:
        return "partial"
    if right is None:
        return "open"
    return "right" if right else "wrong"


@dataclass(frozen=True, slots=True)
class Asked:
    """A search under load: when it began and ended, in seconds, and what became of it.

    missing: the answer was wrong, and lacks papers. about: the search and how many papers were right, for a note.
    """

    kind: str
    began: float
    ended: float
    verdict: Verdict
    missing: bool = False
    about: str = ""


@dataclass
class Book:
    """The searches of all threads."""

    asked: list[Asked] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def note(self, one: Asked) -> None:
        """Keep one."""
        with self._lock:
            self.asked.append(one)

    def count(self, verdict: Verdict, kind: str = "") -> int:
        """Count the searches of a verdict, of one kind or of all."""
        return sum(one.verdict == verdict and kind in ("", one.kind) for one in self.asked)

    def last_partial(self, since: float) -> float:
        """Tell when the last partial answer came; `since` where none came after that."""
        with self._lock:
            return max(
                (one.ended for one in self.asked if one.verdict == "partial" and one.ended > since), default=since
            )

    def partial_share(self) -> float:
        """Tell which share of the answers was marked as partial."""
        return self.count("partial") / len(self.asked) if self.asked else 0.0


class Stillness:
    """Says from when to when nothing changed: an answer can be held against another only inside one such time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._number = 0
        self._still = False

    def moment(self) -> int | None:
        """Number the time of stillness that is now; None while papers come in."""
        with self._lock:
            return self._number if self._still else None

    def begins(self) -> None:
        """Say that nothing changes from now on."""
        with self._lock:
            self._number += 1
            self._still = True

    def ends(self) -> None:
        """Say that papers come in from now on."""
        with self._lock:
            self._still = False
