"""What puts papers in order for one reader: a profile where there is one, else what trends in the lists they chose."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from broadsheet.readers.models import Reader


@dataclass(frozen=True, slots=True)
class Ranker:
    """An order of papers, with name and version, which are kept with each digest.

    score: of papers, by their numbers, higher is better; None where it knows nothing of this reader.
    """

    name: str
    version: str
    score: Callable[[Sequence[int]], Sequence[float] | None]

    def __str__(self) -> str:
        return f"{self.name}/{self.version}"


TRENDING: Final = Ranker("trending", "1", lambda numbers: None)


def ranker_for(reader: Reader | None) -> Ranker:
    """Give what ranks papers for a reader, or for a subscription without an account."""
    return TRENDING
