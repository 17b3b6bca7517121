"""The dated and the hot list as every face of the program shows them."""

from dataclasses import dataclass, field
from datetime import date

from broadsheet.papers.models import Paper


class NoSuchEdition(ValueError):
    """A key that names no day, week or month; trying again cannot help."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A paper's place in a list. `why` holds the terms of the order; `late` papers joined a closed day.

    day: on which the list took it up, where that is not a day of the paper itself, as in a digest.
    """

    rank: int
    paper: Paper
    late: bool = False
    why: dict[str, object] = field(default_factory=dict)
    day: date | None = None


@dataclass(frozen=True, slots=True)
class Edition:
    """A list of papers in order.

    key: 2024-05-27, 2024-W22, 2024-05 or trending. kind: day, week, month or trending.
    state: open (may still change), closed (fixed), holiday (no announcement on that day), waiting (announced,
        not here yet), empty (nothing is known of it).
    earlier, later: keys of the neighbouring lists of the same kind that hold papers; "" at the ends.
    """

    key: str
    kind: str
    state: str
    entries: tuple[Entry, ...]
    total: int
    earlier: str = ""
    later: str = ""
