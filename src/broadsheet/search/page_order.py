"""The order of the words block: buckets of fewer typos, then nearness, then words in the title, attribute, newest.

The bucket order is that of engines of the Meilisearch type; it was checked against saved result pages.
"""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rapidfuzz import process
from rapidfuzz.distance import OSA

from broadsheet.search.query import Term
from broadsheet.search.words import FIELD_END, LONGEST_WORD

FAR = 4
ONE_TYPO = 5
TWO_TYPOS = 9
# Typos are counted in halves: a joined compound ("largescale") is one typo shared by its two words.
HALVES = 2
_MISSING = 99
# Words further apart than this many characters are far whatever stands between them.
_REACH = (FAR - 1) * (LONGEST_WORD + 1)
_FAR_MARK = " ."


@dataclass(frozen=True, slots=True)
class Needle:
    """A form in which a paper may hold a term: the word between blanks, or its beginning where the word may go on.

    offset: where within the word the term begins; not 0 for the second half of a joined compound.
    """

    text: str
    halves: int = 0
    offset: int = 0


# For every term its needles, those with fewer typos first.
Needles = list[list[Needle]]


@dataclass(frozen=True, slots=True)
class Place:
    """Why a paper stands where it stands in the words block; the smaller `key`, the earlier.

    proximity: sum over neighbouring query words of their smallest distance in one field, one more when reversed, at
    most 4 each. attribute: 0 title, 1 abstract, 2 authors: the first field that holds a query word.
    """

    typos: int
    proximity: int
    title_words: int
    attribute: int
    words: tuple[str, ...]

    @property
    def key(self) -> tuple[int, int, int, int]:
        """What papers are sorted by before the day."""
        return self.typos, self.proximity, -self.title_words, self.attribute


def allowed_typos(term: Term) -> int:
    """Tell how many typos a word may have: one from 5 letters on, two from 9; part of a compound counts as all of it.

    A part never has so many that fewer than two letters of it need be right.
    """
    if not term.word.isalpha() or term.compound < ONE_TYPO:
        return 0
    return min(1 if term.compound < TWO_TYPOS else 2, max(0, len(term.word) - 2))


def exact_needles(terms: Sequence[Term], open_ended: bool) -> Needles:
    """Give the needles without typos; the last term may go on where `open_ended`."""
    needles = [[Needle(f" {term.word} ")] for term in terms]
    if open_ended:
        needles[-1] = [Needle(f" {terms[-1].word}")]
    return needles


def misspelt(term: Term, vocabulary: Mapping[int, Sequence[str]]) -> list[tuple[str, int]]:
    """Give the words of a vocabulary (by length) within reach of a term, and how many typos each has.

    Typos are optimal string alignment: one for a letter wrong, missing, too many or swapped with its neighbour.
    """
    allowed = allowed_typos(term)
    found: list[tuple[str, int]] = []
    for length in range(len(term.word) - allowed, len(term.word) + allowed + 1):
        near = process.extract(
            term.word, vocabulary.get(length, ()), scorer=OSA.distance, score_cutoff=allowed, limit=None
        )
        found += [(word, int(typos)) for word, typos, _ in near if typos]
    return sorted(found, key=lambda pair: (pair[1], pair[0]))


def joined(terms: Sequence[Term]) -> list[str]:
    """Give the joined form of every two neighbours: "largescale" for "large-scale"; "" where it is too short."""
    words = [one.word + two.word for one, two in zip(terms, terms[1:], strict=False)]
    return [word if len(word) >= ONE_TYPO else "" for word in words]


def with_typos(needles: Needles, terms: Sequence[Term], words: Sequence[Sequence[tuple[str, int]]]) -> Needles:
    """Add misspelt words (for every term, with their typos) and joined compounds to exact needles."""
    wider = [
        [*exact, *(Needle(f" {word} ", HALVES * typos) for word, typos in near)]
        for exact, near in zip(needles, words, strict=True)
    ]
    for n, word in enumerate(joined(terms)):
        if word:
            wider[n].append(Needle(f" {word} ", 1))
            wider[n + 1].append(Needle(f" {word} ", 1, len(terms[n].word)))
    return [sorted(of_term, key=lambda needle: needle.halves) for of_term in wider]


def place(text: str, needles: Needles) -> Place | None:
    """Find the place of a paper by its row of the words table; None where a term is missing."""
    found = [_occurrences(text, of_term) for of_term in needles]
    if any(halves == _MISSING for halves, _ in found):
        return None
    places = [at for _, at in found]
    title = text.index(FIELD_END)
    first = min(at[0] for at in places)
    return Place(
        typos=-(-sum(halves for halves, _ in found) // HALVES),
        proximity=sum(_nearest(text, one, two) for one, two in zip(places, places[1:], strict=False)),
        title_words=sum(at[0] < title for at in places),
        attribute=text.count(FIELD_END, 0, first),
        words=tuple(dict.fromkeys(_word_at(text, at[0]) for at in places)),
    )


def _occurrences(text: str, needles: Sequence[Needle]) -> tuple[int, list[int]]:
    """Give the fewest half typos with which a term is there, and where it is so, in order."""
    best = _MISSING
    places: list[int] = []
    for needle in needles:
        if needle.halves > best:
            break
        at = text.find(needle.text)
        while at >= 0:
            best = needle.halves
            places.append(at + needle.offset)
            at = text.find(needle.text, at + 1)
    return best, sorted(places) if len(needles) > 1 else places


def _nearest(text: str, ones: Sequence[int], twos: Sequence[int]) -> int:
    smallest = FAR
    for one in ones:
        right = bisect_left(twos, one)
        if right:
            smallest = min(smallest, 1 + _distance(text, twos[right - 1], one))
        right += right < len(twos) and twos[right] == one
        if right < len(twos):
            smallest = min(smallest, _distance(text, one, twos[right]))
        if smallest == 1:
            break
    return smallest


def _distance(text: str, start: int, end: int) -> int:
    if end - start > _REACH or text.find(_FAR_MARK, start, end) >= 0:
        return FAR
    return max(1, text.count(" ", start, end))


def _word_at(text: str, at: int) -> str:
    # The second half of a joined compound points into the word.
    start = text.rfind(" ", 0, at + 1) + 1
    return text[start : text.index(" ", start)]
