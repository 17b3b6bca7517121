"""Matched words, found again in the text as it is shown."""

import re
from collections.abc import Collection, Iterator
from functools import lru_cache

from broadsheet.search.words import words as folded_words

LONGEST_TEXT = 20_000
# A word as it stands in a text: letters and digits, TeX accents (\"o, \'{e}, {\"u}) and combining marks inside it.
_WORD = re.compile(r"""(?:\{?\\[`'^~"=.](?:\{\\?[A-Za-z]\}|\\?[A-Za-z])\}?|[^\W_][\u0300-\u036f]*)+""")

Piece = tuple[str, bool]


def highlight(text: str, words: Collection[str]) -> list[Piece]:
    """Cut a text into (piece, matched) whose pieces give the text back when joined.

    words: folded words, as in `Hit.why["words"]`. Texts over 20,000 characters are marked up to there only.
    """
    wanted = frozenset(words)
    pieces: list[Piece] = []
    end = 0
    for start, stop in _places(text, wanted) if wanted else ():
        if start > end:
            pieces.append((text[end:start], False))
        pieces.append((text[start:stop], True))
        end = stop
    if end < len(text):
        pieces.append((text[end:], False))
    return pieces


def _places(text: str, wanted: frozenset[str]) -> Iterator[tuple[int, int]]:
    # In most texts a word is a run of ASCII letters and digits: those that match are found at once.
    if text.isascii() and "\\" not in text:
        return (match.span() for match in _any_of(wanted).finditer(text, 0, LONGEST_TEXT))
    return (match.span() for match in _WORD.finditer(text, 0, LONGEST_TEXT) if _matches(match[0], wanted))


@lru_cache(maxsize=256)
def _any_of(wanted: frozenset[str]) -> re.Pattern[str]:
    plain = sorted(word for word in wanted if word.isascii() and word.isalnum() and word == word.lower())
    return re.compile(rf"(?<![A-Za-z0-9])(?:{'|'.join(plain) or '(?!)'})(?![A-Za-z0-9])", re.IGNORECASE | re.ASCII)


def snippet(text: str, words: Collection[str], length: int = 240) -> list[Piece]:
    """Give about `length` characters of a text round the place where most different words stand, marked likewise."""
    wanted = frozenset(words)
    found = [(m.start(), folded_words(m[0])) for m in _WORD.finditer(text, 0, LONGEST_TEXT) if _matches(m[0], wanted)]
    if len(text) <= length:
        return highlight(text, wanted)
    start = max((at for at, _ in found), key=lambda at: (_held(found, at, length), -at), default=0)
    start = 0 if start < length // 2 else text.rfind(" ", 0, max(1, start - length // 4)) + 1
    stop = start + length
    if stop < len(text):
        stop = max(text.rfind(" ", start, stop), start + length // 2)
    pieces = highlight(text[start:stop], wanted)
    before, after = "… " if start else "", " …" if stop < len(text) else ""
    return [*([(before, False)] if before else []), *pieces, *([(after, False)] if after else [])]


def _held(found: list[tuple[int, list[str]]], start: int, length: int) -> int:
    return len({word for at, parts in found if start <= at < start + length for word in parts})


def _matches(surface: str, wanted: frozenset[str]) -> bool:
    if surface.isascii() and surface.isalnum():
        return surface.lower() in wanted
    return any(part in wanted for part in folded_words(surface))
