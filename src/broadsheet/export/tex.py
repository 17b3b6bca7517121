r"""Texts of the record, which hold TeX: cut into prose and formulas, and as text that people read."""

import re
from collections.abc import Iterator
from typing import Final

from broadsheet.markup import macros

_FORMULA: Final = re.compile(
    r"(?<!\\)\$\$.{1,2000}?(?<!\\)\$\$|\\\[.{1,2000}?\\\]|\\\(.{1,2000}?\\\)|(?<!\\)\$(?P<inner>[^$]{1,2000}?)(?<!\\)\$",
    re.DOTALL,
)
_MONEY: Final = re.compile(r"\d[\d.,]*[kKMB]?(?: [a-zA-Z,.]{2,})+ ?")


def pieces(text: str) -> Iterator[tuple[str, bool]]:
    """Cut a text into pieces, in order, each with whether it is a formula (its marks included)."""
    end = 0
    for match in _FORMULA.finditer(text):
        if match["inner"] and _MONEY.fullmatch(match["inner"]):
            continue
        if match.start() > end:
            yield text[end : match.start()], False
        yield match[0], True
        end = match.end()
    if end < len(text):
        yield text[end:], False


def readable(text: str) -> str:
    """Give a text as people read it: accents as characters, no commands of style; formulas stay as they are."""
    # Line separators of any kind are blanks to a reader, and ends of lines to some programs.
    text = " ".join(text.split())
    if "\\" not in text and "{" not in text:
        return text
    return "".join(piece if formula else prose(piece) for piece, formula in pieces(text))


def prose(text: str) -> str:
    r"""Give a text without formulas as people read it: `\emph{x}` as x, `\&` as &."""
    return macros.words(text, dashes=False)
