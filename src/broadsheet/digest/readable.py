"""Texts of papers as a mail holds them: one line, readable without MathML, cut where a reader would stop."""

import re
import unicodedata
from functools import lru_cache
from typing import Final

from broadsheet.markup import linear

# Joiners that some scripts need inside words; every other sign of format may turn a line around or hide something.
JOINERS: Final = "\u200c\u200d"
_HIDDEN: Final = frozenset(("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"))
_EMOJI: Final = re.compile(
    "[\U0001f000-\U0001faff\U0001fb00-\U0001fbff\u2600-\u27bf\u2b00-\u2bff\u2300-\u23ff\ufe0f\u20e3\u200d]+"
)
_ENDS: Final = re.compile(r"[.!?。！？](?=[\s\"')\]]|$)|[。！？]")
ELLIPSIS: Final = "\N{HORIZONTAL ELLIPSIS}"


@lru_cache(maxsize=8192)
def readable(text: str) -> str:
    """Give a text of a source as one line of plain words; formulas as far as signs of one line tell them."""
    # Before, as no formula may hold them; after, as some signs of formulas show nothing.
    return visible(linear.as_text(visible(without_surrogates(text))))


def without_surrogates(text: str) -> str:
    """Leave out halves of characters, which no mail can carry."""
    return text if text.isascii() else text.encode("utf-8", "ignore").decode()


def visible(text: str) -> str:
    """Give a text as one line without signs that control or hide: none can break a header or turn a line around."""
    if not (text.isascii() and text.isprintable()):
        text = "".join(" " if char.isspace() else char for char in text if _shows(char))
    return " ".join(text.split())


def _shows(char: str) -> bool:
    return char in JOINERS or char.isspace() or unicodedata.category(char) not in _HIDDEN


def without_emoji(text: str) -> str:
    """Leave pictures out of a line, which some spam filters count."""
    return text if text.isascii() else " ".join(_EMOJI.sub("", text).split())


def clamped(text: str, longest: int) -> str:
    """Cut a text at the end of a sentence within a length in characters; at a word where that would leave little."""
    if len(text) <= longest:
        return text
    if longest < 1:
        return ""
    head = text[: longest + 1]
    ends = [match.end() for match in _ENDS.finditer(head) if match.end() <= longest and not _is_short(head, match)]
    if ends and ends[-1] >= longest // 2:
        return text[: ends[-1]]
    return cut(text, longest)


def _is_short(text: str, match: re.Match[str]) -> bool:
    """Whether a full stop belongs to an abbreviation, such as "e.g." or "et al.", or to an initial."""
    word = text[: match.start()].rpartition(" ")[2]
    return match[0] == "." and (len(word) < 2 or "." in word or word.lower() in ("al", "vs", "cf", "fig", "eq", "resp"))


def cut(text: str, longest: int) -> str:
    """Cut a line at a word within a length in characters, its ellipsis included."""
    if len(text) <= longest:
        return text
    head = text[: longest - 1]
    space = head.rfind(" ")
    return (head[:space] if space > longest // 2 else head).rstrip(" ,;:.-–") + ELLIPSIS


def width(text: str) -> int:
    """Give how many columns a text takes where characters of East Asia take two."""
    if text.isascii():
        return len(text)
    return sum(_columns(char) for char in text)


def _columns(char: str) -> int:
    if unicodedata.combining(char) or char in JOINERS:
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def wrapped(text: str, columns: int, first: str = "", rest: str = "") -> str:
    """Break one line into lines of at most that many columns; only words of more columns stand out.

    first, rest: what the first line and the others begin with.
    """
    lines, line, used = [], first, width(first)
    empty = True
    for word in _words(text):
        wide = width(word)
        glue = "" if empty or _is_wide(word) or line.endswith(" ") else " "
        if not empty and used + len(glue) + wide > columns:
            lines.append(line.rstrip())
            line, used, glue = rest, width(rest), ""
        line += glue + word
        used += len(glue) + wide
        empty = False
    return "\n".join([*lines, line.rstrip()])


def _words(text: str) -> list[str]:
    """Divide at blanks, and between signs of scripts that put none between words."""
    if text.isascii():
        return text.split()
    return [part for word in text.split() for part in _WIDE.findall(word)]


_WIDE: Final = re.compile(r"[⺀-〿぀-㆏㐀-鿿가-힣豈-﫿＀-￯]|[^⺀-〿぀-㆏㐀-鿿가-힣豈-﫿＀-￯]+")


def _is_wide(word: str) -> bool:
    return bool(_WIDE.match(word)) and width(word) == 2 and len(word) == 1
