"""The language of the search box: words, "phrases", -exclusions and fields; every text is a query."""

import re
from calendar import monthrange
from dataclasses import dataclass, field, replace
from datetime import date

from broadsheet.record.identifiers import Identifier, identify
from broadsheet.search.types import Filter
from broadsheet.search.words import words

LONGEST_QUERY = 1_000
MOST_WORDS = 12
MOST_CLAUSES = 8

_FIELDS = {
    "author": "author",
    "au": "author",
    "cat": "category",
    "category": "category",
    "id": "id",
    "from": "since",
    "since": "since",
    "after": "since",
    "until": "until",
    "before": "until",
    "date": "date",
    "source": "source",
    "has": "has",
}
_PIECE = re.compile(r'(?P<minus>-(?=["\w]))?(?:(?P<field>[A-Za-z]+):(?=\S))?(?:"(?P<quoted>[^"]*)"|(?P<bare>\S+))')
_DAY = re.compile(r"(\d{4})(?:-(\d{1,2})(?:-(\d{1,2}))?)?")

Words = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Term:
    """A word to be found. `compound` is the length of the hyphenated word it is part of, else its own length."""

    word: str
    compound: int
    joined: bool = False


@dataclass(frozen=True, slots=True)
class ParsedQuery:
    """A query taken apart.

    text: what the encoder is given: the query without fields and exclusions.
    terms: the words that the words block must hold, in order; those of phrases are among them.
    phrases, without, authors: each a sequence of folded words that must (not) stand next to each other.
    ids: identifiers asked for by `id:`, as scheme:value.
    prefix: the last term may go on (the reader is still typing).
    """

    text: str = ""
    terms: tuple[Term, ...] = ()
    phrases: tuple[Words, ...] = ()
    without: tuple[Words, ...] = ()
    authors: tuple[Words, ...] = ()
    ids: tuple[str, ...] = ()
    filter: Filter = field(default_factory=Filter)
    prefix: bool = False
    identifier: str = ""
    notes: tuple[str, ...] = ()

    @property
    def empty(self) -> bool:
        """Whether nothing is asked for but what a filter can tell."""
        return not (self.terms or self.phrases or self.authors or self.ids)


def parse(text: str) -> ParsedQuery:
    """Take a query apart. Never raises: what cannot be understood is taken as words or named in a note.

    `author:` `cat:` (`category:`) `id:` `from:` (`since:`, `after:`) `until:` (`before:`) `date:` `source:` `has:code`
    `"a phrase"` `-word` `-"a phrase"`. At most 1,000 characters are read and 12 words demanded; in a
    longer text quotes and dashes mean nothing.
    """
    reader = _Reader()
    text = text.encode("utf-8", "ignore").decode()
    if len(text) > LONGEST_QUERY:
        reader.notes.append(f"Only the first {LONGEST_QUERY} characters of the query were read.")
        text = text[:LONGEST_QUERY]
    for match in _PIECE.finditer(text):
        reader.take(match)
    return reader.parsed(text)


class _Reader:
    def __init__(self) -> None:
        self.said: list[str] = []
        self.terms: list[Term] = []
        self.phrases: list[Words] = []
        self.without: list[Words] = []
        self.authors: list[Words] = []
        self.ids: list[str] = []
        self.filter = Filter()
        self.notes: list[str] = []
        self.open_end = False

    def take(self, match: re.Match[str]) -> None:
        quoted = match["quoted"] is not None
        value = match["quoted"] if quoted else match["bare"]
        name = _FIELDS.get((match["field"] or "").lower())
        self.open_end = False
        if name and value and self._take_field(name, value, match["minus"] is not None):
            return
        if match["field"] and not name:
            value = f"{match['field']}: {value}"
        if match["minus"]:
            self._add(self.without, value)
        elif quoted:
            self.said.append(value)
            self._add_terms(words(value))
            self._add(self.phrases, value)
        else:
            self.said.append(value)
            self._add_word(value)
            self.open_end = True

    def _take_field(self, name: str, value: str, minus: bool) -> bool:
        if minus:
            self.notes.append("Fields cannot be excluded, only words.")
            return True
        if name == "author":
            self._add(self.authors, value)
        elif name == "id":
            self.ids.append(_identifier(value))
        elif name == "category":
            self.filter = replace(self.filter, categories=(*self.filter.categories, *filter(None, value.split(","))))
        elif name == "source":
            self.filter = replace(self.filter, sources=(*self.filter.sources, value))
        elif name == "has":
            return self._take_has(value)
        else:
            self._take_days(name, value)
        return True

    def _take_has(self, value: str) -> bool:
        if value.lower() != "code":
            return False
        self.filter = replace(self.filter, has_code=True)
        return True

    def _take_days(self, name: str, value: str) -> None:
        days = _days(value)
        if days is None:
            self.notes.append(f"“{value}” was not read as a date; write 2024-05-27, 2024-05 or 2024.")
            return
        if name in ("since", "date"):
            self.filter = replace(self.filter, since=max(days[0], self.filter.since or days[0]))
        if name in ("until", "date"):
            self.filter = replace(self.filter, until=min(days[1], self.filter.until or days[1]))

    def _add(self, clauses: list[Words], value: str) -> None:
        found = tuple(words(value)[:MOST_WORDS])
        if found and len(clauses) < MOST_CLAUSES:
            clauses.append(found)

    def _add_word(self, value: str) -> None:
        parts = words(value)
        whole = len("".join(parts)) if re.fullmatch(r"[^\W_]+(?:[-‐‑][^\W_]+)+\W*", value) else 0
        self.terms += [Term(part, whole or len(part), bool(whole and n)) for n, part in enumerate(parts)]

    def _add_terms(self, parts: list[str]) -> None:
        self.terms += [Term(part, len(part)) for part in parts]

    def parsed(self, text: str) -> ParsedQuery:
        found = _named(text)
        dropped = len(self.terms) > MOST_WORDS
        if dropped:
            self.notes.append(f"Only the first {MOST_WORDS} words must be found; all of them count for the meaning.")
        return ParsedQuery(
            text=" ".join(self.said),
            terms=tuple(self.terms[:MOST_WORDS]),
            # More words than can be demanded are prose, and its quotes and dashes are no operators.
            phrases=() if dropped else tuple(phrase for phrase in self.phrases if len(phrase) > 1),
            without=() if dropped else tuple(self.without),
            authors=tuple(self.authors),
            ids=tuple(self.ids),
            filter=self.filter,
            prefix=self.open_end and not dropped and text[-1:].isalnum(),
            identifier=str(found) if found else "",
            notes=tuple(self.notes),
        )


def _named(text: str) -> Identifier | None:
    try:
        return identify(text)
    except ValueError:  # an address that is none, such as http://[
        return None


def _identifier(value: str) -> str:
    found = _named(value)
    return str(found) if found else value


def _days(value: str) -> tuple[date, date] | None:
    match = _DAY.fullmatch(value)
    if not match:
        return None
    year, month, day = (int(part) if part else 0 for part in match.groups())
    try:
        first = date(year, month or 1, day or 1)
        last = date(year, month or 12, day or monthrange(year, month or 12)[1])
    except ValueError:
        return None
    return first, last
