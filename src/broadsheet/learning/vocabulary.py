"""The words of papers: which of them count, how rare each is, and what of them a text holds."""

import re
import zlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final

import numpy as np

from broadsheet.learning.features import FloatArray, Words
from broadsheet.lib.text import fold

MOST_TERMS: Final = 60_000
# A term of one or two papers tells nothing of others; one of many papers tells nothing at all.
FEWEST: Final = 3
COMMONEST: Final = 0.2
MOST_CHARS: Final = 10_000
# Marks (authors, categories) are as many as the record wants, so they have places by their sum instead of a list.
MARK_PLACES: Final = 1 << 18
# A hyphen divides, so that "low-rank" and "low rank" are one pair of words, but not before a number, as in "gpt-4".
_WORD: Final = re.compile(r"[a-z][a-z0-9]*(?:-\d[a-z0-9]*)?\+*|[^\W\d_a-z]{2,}")
# What stands in every abstract of every field, besides the small words of English.
_COMMON: Final = """
a about above across after again against all almost alone along already also although always am among an and another
any are around as at be became because become been before being below between both but by can cannot could did do does
doing done down due during each either else especially etc even every few finally find for found from further
furthermore general given good had has have having he hence her here his how however i if in including indeed instead
into is it its itself just kind known large less let like many may me might more moreover most much must my namely
near nearly need neither no nor not now of off often on once one only onto or other others otherwise our out over own
paper per perhaps possible present propose proposed provide quite rather recent recently respectively result results
same say section see several shall she should show shown since so some still such than that the their them then there
thereby therefore these they this those through thus to together too toward towards two three under unlike until up
upon us use used using usually various very via was we well were what when where whereas whether which while who whole
whose why will with within without work would yet you your
"""
STOP: Final = frozenset(_COMMON.split())


@dataclass(frozen=True, slots=True)
class Text:
    """A paper's words; marks such as "author:ada lovelace" and "category:cs.CL" stand beside them."""

    title: str
    abstract: str
    marks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Vocabulary:
    """The terms that count, words and pairs of words, with how rare each is.

    idf (n,): log((1 + papers) / (1 + papers with it)) + 1, as in Salton and Buckley 1988, smoothed.
    """

    terms: tuple[str, ...]
    idf: FloatArray
    place: Mapping[str, int] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "place", {term: number for number, term in enumerate(self.terms)})

    def __len__(self) -> int:
        return len(self.terms)

    @classmethod
    def fit(cls, texts: Iterable[Text], most: int = MOST_TERMS) -> "Vocabulary":
        """Learn which terms count from texts, each of which is read once."""
        return cls.of_bags((dict.fromkeys(terms_of(text), 1) for text in texts), most)

    @classmethod
    def of_bags(cls, bags: Iterable[Mapping[str, float]], most: int = MOST_TERMS) -> "Vocabulary":
        """Learn it from terms that were counted by somebody else."""
        held: Counter[str] = Counter()
        papers = 0
        for bag in bags:
            held.update(bag.keys())
            papers += 1
        fewest = FEWEST if papers > 1000 else 2 if papers > 100 else 1
        useful = [(term, n) for term, n in held.items() if fewest <= n <= max(COMMONEST * papers, 1)]
        chosen = sorted(sorted(useful, key=lambda pair: (-pair[1], pair[0]))[:most])
        count = np.array([n for _term, n in chosen], np.float64)
        idf = np.log((1 + papers) / (1 + count)) + 1
        return cls(tuple(term for term, _n in chosen), idf.astype(np.float32))

    def read(self, texts: Sequence[Text]) -> Words:
        """Give the words of texts: rows of (1 + log of the count) times idf."""
        return self.weigh([Counter(terms_of(text)) for text in texts])

    def weigh(self, bags: Sequence[Mapping[str, float]]) -> Words:
        """Do the same with terms that were counted by somebody else."""
        place, idf = self.place, self.idf
        found = []
        for bag in bags:
            known = [(number, count) for term, count in bag.items() if (number := place.get(term)) is not None]
            found.append(
                {number: (1.0 + float(np.log(max(count, 1.0)))) * float(idf[number]) for number, count in known}
            )
        return Words.of(found)


def read_marks(texts: Sequence[Text]) -> Words:
    """Give the marks of texts, all of one weight."""
    return Words.of([{mark_place(mark): 1.0 for mark in text.marks} for text in texts])


def mark_place(mark: str) -> int:
    """Give the number of a mark; two marks may share one, about one pair in 260,000."""
    return zlib.crc32(mark.encode()) % MARK_PLACES


def terms_of(text: Text) -> list[str]:
    """Give the words of a text and the pairs of neighbouring ones, small words left out."""
    found: list[str] = []
    for part in (text.title, text.abstract):
        words = [word for word in _WORD.findall(fold(part[:MOST_CHARS])) if word not in STOP and len(word) > 1]
        found += words
        found += [f"{one} {other}" for one, other in pairwise(words)]
    return found
