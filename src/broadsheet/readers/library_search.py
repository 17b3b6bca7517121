"""Search inside one reader's library: over titles, abstracts, authors, notes and tags, the same on every database.

A library is small: its rows are read slim and narrowed down here. Texts are folded once and kept, as a reader who
types asks again and again.
"""

from collections import Counter, OrderedDict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from threading import Lock
from typing import Any, Final, Literal, TypeVar

from django.db.models import TextField
from django.db.models.functions import Cast

from broadsheet.lib.text import fold
from broadsheet.papers.models import Paper
from broadsheet.papers.store import LOOKUP
from broadsheet.readers import filing
from broadsheet.readers.models import Reader, Saved, SavedTag
from broadsheet.search.words import spaced, words

LONGEST_QUERY: Final = 200
MOST_WORDS: Final = 12
# Folded texts kept in memory, about 1.6 kB each.
MOST_KEPT: Final = 20_000
LONGEST_TEXT: Final = 20_000
# Names of states in an address: "list" is the reading list, "kept" what was saved and no more.
READING_LIST: Final = "list"
JUST_KEPT: Final = "kept"
STATES: Final[Mapping[str, frozenset[str]]] = {
    READING_LIST: frozenset({filing.TO_READ, filing.READING}),
    filing.TO_READ: frozenset({filing.TO_READ}),
    filing.READING: frozenset({filing.READING}),
    filing.READ: frozenset({filing.READ}),
    JUST_KEPT: frozenset({filing.KEPT}),
}
Order = Literal["saved", "added", "newest", "title"]
ORDERS: Final[tuple[Order, ...]] = ("saved", "added", "newest", "title")

Key = TypeVar("Key")


@dataclass(frozen=True, slots=True)
class Asked:
    """What is wanted of a library.

    q: words that must all stand somewhere in title, abstract, authors, note or tags; the last may go on.
    tags: keys of tags that a paper must all have. state: a key of STATES, "" for any.
    order: saved (the last saved first), added (the first saved first), newest (paper), title.
    """

    q: str = ""
    tags: tuple[str, ...] = ()
    state: str = ""
    order: Order = "saved"

    @property
    def narrows(self) -> bool:
        """Whether anything is asked for."""
        return bool(self.q or self.tags or self.state)


@dataclass(frozen=True, slots=True)
class Row:
    """A place in a library. saved: the number of the row; paper: of the paper."""

    saved: int
    paper: int
    at: datetime
    state: str


@dataclass(frozen=True, slots=True)
class Found:
    """What was found in a library.

    rows: in the order asked for. total: papers in the whole library. words: those looked for, folded; the last may go
        on.
    tags: those of the papers found, with counts, the largest first. states: how many papers are in each state, by key
        of STATES, among those that have the words and tags.
    """

    rows: tuple[Row, ...]
    total: int
    words: tuple[str, ...]
    tags: tuple[filing.Tally, ...]
    states: Mapping[str, int]

    @property
    def numbers(self) -> list[int]:
        """The numbers of the papers, in order."""
        return [row.paper for row in self.rows]


def find(reader: Reader, asked: Asked) -> Found:
    """Give the papers of a library that fit."""
    rows = [Row(*told) for told in _own(reader).order_by("-at", "-pk").values_list("pk", "paper_id", "at", "state")]
    tagged = list(SavedTag.objects.filter(saved__reader=reader).values_list("saved_id", "key", "name"))
    wanted = query_words(asked.q)
    fit = _with_tags(rows, tagged, asked.tags)
    if wanted:
        fit = _holding(reader, fit, tagged, wanted)
    states = Counter(row.state for row in fit)
    chosen = [row for row in fit if row.state in STATES[asked.state]] if asked.state in STATES else fit
    return Found(
        rows=tuple(_ordered(reader, chosen, asked.order)),
        total=len(rows),
        words=wanted,
        tags=_counted(tagged, {row.saved for row in chosen}),
        states={name: sum(states[state] for state in held) for name, held in STATES.items()},
    )


def query_words(q: str) -> tuple[str, ...]:
    """Give the folded words of a query; the last may go on."""
    said = words(q[:LONGEST_QUERY])[:MOST_WORDS]
    return (*dict.fromkeys(said[:-1]), *said[-1:])


def marked(wanted: Sequence[str], *texts: str) -> tuple[str, ...]:
    """Give the words of these texts that were looked for, for marking them: the last one wanted may go on."""
    if not wanted:
        return ()
    there = {word for text in texts for word in words(text[:LONGEST_TEXT])}
    return tuple(sorted({word for word in there if word in wanted or word.startswith(wanted[-1])}))


def _own(reader: Reader) -> Any:  # noqa: ANN401 - a query set of any shape
    return Saved.objects.filter(reader=reader)


def _with_tags(rows: list[Row], tagged: Iterable[tuple[int, str, str]], keys: Collection[str]) -> list[Row]:
    if not keys:
        return rows
    wanted = set(keys)
    held = Counter(saved for saved, key, _name in tagged if key in wanted)
    return [row for row in rows if held[row.saved] == len(wanted)]


def _counted(tagged: Iterable[tuple[int, str, str]], saved: set[int]) -> tuple[filing.Tally, ...]:
    names: dict[str, str] = {}
    papers: Counter[str] = Counter()
    for pk, key, name in tagged:
        if pk in saved:
            names.setdefault(key, name)
            papers[key] += 1
    made = (filing.Tally(key, names[key], count) for key, count in papers.items())
    return tuple(sorted(made, key=lambda tag: (-tag.papers, tag.key)))


def _ordered(reader: Reader, rows: list[Row], order: Order) -> list[Row]:
    if order == "added":
        return rows[::-1]
    if order == "newest":
        days = _of_papers(reader, ("submitted", "announced"))
        return sorted(rows, key=lambda row: _day(*days.get(row.paper, (None, None))), reverse=True)
    if order == "title":
        titles = _of_papers(reader, ("title",))
        return sorted(rows, key=lambda row: fold(titles.get(row.paper, ("",))[0]).lstrip(" “\"'"))
    return rows


def _of_papers(reader: Reader, names: tuple[str, ...]) -> dict[int, tuple[Any, ...]]:
    told = _own(reader).values_list("paper_id", *(f"paper__{name}" for name in names))
    return {number: tuple(values) for number, *values in told}


def _day(submitted: datetime | None, announced: date | None) -> date:
    return submitted.date() if submitted else announced or date.min


def _holding(
    reader: Reader, rows: list[Row], tagged: Iterable[tuple[int, str, str]], wanted: Sequence[str]
) -> list[Row]:
    """Keep the rows whose texts hold all the words."""
    names: dict[int, list[str]] = {}
    for saved, _key, name in tagged:
        names.setdefault(saved, []).append(name)
    told = _own(reader).annotate(by=Cast("paper__authors", TextField()))
    stamps = {
        pk: (number, (text_hash, hash(by)), note)
        for pk, number, text_hash, by, note in told.values_list("pk", "paper_id", "paper__text_hash", "by", "note")
    }
    here = [row for row in rows if row.saved in stamps]
    texts = _PAPERS.of({stamps[row.saved][0]: stamps[row.saved][1] for row in here}, _folded_papers)
    notes = {row.saved: stamps[row.saved][2] for row in here}
    noted = _NOTES.of({pk: hash(note) for pk, note in notes.items() if note}, lambda pks: _folded(notes, pks))
    looked = [f" {word} " for word in wanted[:-1]] + [f" {wanted[-1]}"]
    return [
        row
        for row in here
        if _holds((texts.get(row.paper, ""), noted.get(row.saved, ""), _line(*names.get(row.saved, ()))), looked)
    ]


def _holds(texts: Sequence[str], looked: Iterable[str]) -> bool:
    return all(any(word in text for text in texts) for word in looked)


def _line(*texts: str) -> str:
    """Give the folded words of texts with one blank before and after each."""
    return f" {spaced(' . '.join(text[:LONGEST_TEXT] for text in texts))} " if texts else ""


def _folded(notes: Mapping[int, str], wanted: Iterable[int]) -> dict[int, str]:
    return {pk: _line(notes[pk]) for pk in wanted}


def _folded_papers(numbers: Sequence[int]) -> dict[int, str]:
    found: dict[int, str] = {}
    for start in range(0, len(numbers), LOOKUP):
        part = Paper.objects.filter(pk__in=numbers[start : start + LOOKUP])
        for number, *told, authors in part.values_list("pk", "key", "title", "abstract", "authors"):
            names = (str(one.get("name", "")) for one in authors if isinstance(one, dict))
            found[number] = _line(*told, " . ".join(names))
    return found


class _Texts:
    """Folded texts by number, kept while their stamp is the same; those not asked for longest go first."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._kept: OrderedDict[int, tuple[object, str]] = OrderedDict()
        self._lock = Lock()
        self._folding = Lock()

    def of(
        self, stamps: Mapping[int, object], fold_them: Callable[[Sequence[int]], Mapping[int, str]]
    ) -> dict[int, str]:
        """Give the texts with these numbers; those not kept, or of another stamp, are folded now."""
        found = self._there(stamps)
        if len(found) == len(stamps):
            return found
        # One at a time: who types asks again before the first answer is there, and the second must not fold all anew.
        with self._folding:
            found |= self._there({number: stamp for number, stamp in stamps.items() if number not in found})
            fresh = fold_them([number for number in stamps if number not in found])
            self._keep((number, (stamps[number], text)) for number, text in fresh.items())
        return {**found, **fresh}

    def _there(self, stamps: Mapping[int, object]) -> dict[int, str]:
        found: dict[int, str] = {}
        with self._lock:
            for number, stamp in stamps.items():
                told = self._kept.get(number)
                if told and told[0] == stamp:
                    found[number] = told[1]
                    self._kept.move_to_end(number)
        return found

    def _keep(self, fresh: Iterable[tuple[int, tuple[object, str]]]) -> None:
        with self._lock:
            self._kept.update(fresh)
            while len(self._kept) > self._most:
                self._kept.popitem(last=False)


_PAPERS: Final = _Texts(MOST_KEPT)
_NOTES: Final = _Texts(MOST_KEPT)
