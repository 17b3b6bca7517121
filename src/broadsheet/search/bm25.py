"""BM25 as tantivy computes it, for papers that one part found and all parts' statistics weigh.

Robertson and Zaragoza, "The Probabilistic Relevance Framework" (2009), with k1 = 1.2 and b = 0.75; the length of a
paper is rounded down as Lucene does it, to what fits a byte.
"""

from bisect import bisect_right
from collections.abc import Mapping

from broadsheet.search.executor import Statistics
from broadsheet.search.lexical import analysed

K1 = 1.2
B = 0.75
_FREE = 24
_WORDS_KEPT = 400_000


def _rounded_lengths() -> list[int]:
    """Lucene's byte4: exact up to 39, then four significant bits."""
    lengths = list(range(_FREE))
    for number in range(256 - _FREE):
        exponent, bits = (number >> 3) - 1, number & 7
        lengths.append(_FREE + (bits if exponent < 0 else (bits | 8) << exponent))
    return lengths


_LENGTHS = _rounded_lengths()


def rounded(length: int) -> int:
    """Round a number of words down to the next length that tantivy can tell apart."""
    return _LENGTHS[bisect_right(_LENGTHS, length) - 1]


class _StemOfWord(dict[str, str]):
    """The stem of a word; empty where it is not indexed. Words that are several words there are kept aside."""

    def __init__(self) -> None:
        self.several: set[str] = set()

    def __missing__(self, word: str) -> str:
        if len(self) >= _WORDS_KEPT:
            self.clear()
        stems = analysed(word)
        if len(stems) > 1:
            self.several.add(word)
        self[word] = stem = stems[0] if stems else ""
        return stem


_stem_of_word = _StemOfWord()


def in_stems(text: str) -> list[str]:
    """Give the stems of spaced words (`words.spaced`), "" for those that are not indexed."""
    words = text.split()
    stems = [_stem_of_word[word] for word in words]
    if not _stem_of_word.several.isdisjoint(words):
        return [stem for word in words for stem in analysed(word) or [""]]
    return stems


def score(asked: Mapping[str, int], paper: list[str], statistics: Statistics) -> float:
    """Score a paper (its stems, "" among them) for a query (stems with counts) under a collection's statistics."""
    length = rounded(len(paper) - paper.count(""))
    norm = K1 * (1 - B + B * length / statistics.mean_length)
    total = 0.0
    for stem, times in asked.items():
        held = paper.count(stem)
        if held:
            total += times * statistics.idf(stem) * (K1 + 1) * held / (held + norm)
    return total
