"""Text into the words that the lexical half knows: folded, a blank between any two, hard punctuation as a word."""

import re

from broadsheet.lib.text import fold

# Function words of English: closed classes, and what is left of contractions once apostrophes divide words.
_FUNCTION_WORDS = """
    a about above after again against all also am an and any are as at be because been before being below
    between both but by can cannot could d did do does doing don down during each few for from further had has
    have having he her here hers herself him himself his how i if in into is it its itself just ll m may me
    might more most must my myself no nor not now of off on once only or other our ours ourselves out over own
    re s same shall she should so some such t than that the their theirs them themselves then there these they
    this those through to too under until up upon us ve very was we were what when where which while who whom
    whose why will with would you your yours yourself yourselves
"""
STOP_WORDS = tuple(_FUNCTION_WORDS.split())

MARK = "."
# Divides the fields of a row of the words table; the mark before it keeps words of two fields far apart.
FIELD_END = "\n"
LONGEST_WORD = 64
# Marks after which the next word counts as far away. Hyphens, apostrophes, slashes and the like only divide words.
HARD = b'.,;:!?()[]{}|"'

_BYTES = bytes(
    byte if 48 <= byte < 58 or 97 <= byte < 123 or byte >= 128 else 46 if byte in HARD else 32 for byte in range(256)
)
_SPACED_MARK = b" . "
_FOREIGN_MARKS = re.compile(r"[–—…·•«»“”„、。，；：！？（）「」]")
_FOREIGN_GAPS = re.compile(r"[^\x00-\x7f\w]")
# Scripts written without blanks: every character is a word.
_IDEOGRAPHS = re.compile(r"([\u0e00-\u0e7f\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff])")


def spaced(text: str) -> str:
    """Give the folded words of a text, one blank between any two, "." for every piece of hard punctuation."""
    return _squashed(_translated(text)).decode()


def words(text: str) -> list[str]:
    """Give the folded words of a text, without its punctuation."""
    return [word for word in spaced(text).split() if word != MARK]


def _squashed(data: bytes) -> bytes:
    # Runs of blanks are few and short: replacing them costs a fifth of splitting and joining.
    data = data.replace(b".", _SPACED_MARK)
    while b"  " in data:
        data = data.replace(b"  ", b" ")
    return data.strip()


def _translated(text: str) -> bytes:
    text = fold(text)
    if not text.isascii():
        text = _FOREIGN_GAPS.sub(" ", _FOREIGN_MARKS.sub(" . ", _IDEOGRAPHS.sub(r" \1 ", text)))
    return text.encode("utf-8", "replace").translate(_BYTES)


def fields(title: str, abstract: str, authors: tuple[str, ...]) -> tuple[str, str, str]:
    """Give the words of title, abstract and authors; authors are divided by marks, so that no phrase spans two."""
    return spaced(title), spaced(abstract), spaced(" . ".join(authors))


def row_text(title: str, abstract: str, authors: str) -> str:
    """Give the row of the words table for spaced words: blanks round every word, a line break after every field."""
    return f" {title} .{FIELD_END} {abstract} .{FIELD_END} {authors} "


def row_fields(row: str) -> list[str]:
    """Take a row of the words table apart: the spaced words of title, abstract, authors."""
    return [part.removesuffix(f" {MARK}").strip() for part in row.split(FIELD_END)]
