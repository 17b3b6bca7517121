"""A record of made papers in a file, which actors in other processes read: one number a line, that of a paper."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from broadsheet.search.tests.fakes import encoded
from broadsheet.search.tests.test_divided import ENCODER, made
from broadsheet.search.types import PaperToIndex

MOST = 600
_papers: dict[int, PaperToIndex] = {}


def paper(number: int) -> PaperToIndex:
    """The paper of a number; the first 600 are made, later ones all tell of a zeppelin."""
    if not _papers:
        _papers.update({one.id: one for one in made(MOST)})
    if number not in _papers:
        late = PaperToIndex(number, f"Zeppelin {number}", "It came late.", source="arxiv")
        _papers[number] = encoded(ENCODER, late)[0]
    return _papers[number]


@dataclass(frozen=True)
class MadeLog:
    """The change log; opened anew by everyone, so that it is read at every look."""

    path: Path

    def _numbers(self) -> list[int]:
        return [int(line) for line in self.path.read_text().split()] if self.path.exists() else []

    def put(self, *numbers: int) -> None:
        """Add papers."""
        with self.path.open("a") as stream:
            stream.write("".join(f"{number}\n" for number in numbers))

    def head(self) -> int:
        """Number of the newest change."""
        return len(self._numbers())

    def since(self, seq: int, limit: int) -> Sequence[tuple[int, int, bool]]:
        """Changes after one."""
        return [(n, one, True) for n, one in enumerate(self._numbers()[seq : seq + limit], seq + 1)]

    def papers(self, ids: Sequence[int]) -> dict[int, PaperToIndex]:
        """The papers with these numbers."""
        return {number: paper(number) for number in ids}
