"""Text as it comes from sources (TeX, accents, hard line breaks) into the forms that people and indexes read."""

import re
import unicodedata
from collections.abc import Iterator

# TeX accent commands and the combining character each stands for (TeXbook, chapter 9).
ACCENTS = {
    "`": "\u0300", "'": "\u0301", "^": "\u0302", "~": "\u0303", '"': "\u0308", "=": "\u0304", ".": "\u0307",
    "u": "\u0306", "v": "\u030c", "H": "\u030b", "c": "\u0327", "k": "\u0328", "r": "\u030a",
    "d": "\u0323", "b": "\u0331",
}  # fmt: skip
LETTERS = {
    "ss": "ß", "ae": "æ", "AE": "Æ", "oe": "œ", "OE": "Œ", "aa": "å", "AA": "Å", "o": "ø", "O": "Ø", "l": "ł", "L": "Ł",
    "i": "i", "j": "j", "deg": "°", "textdegree": "°", "textendash": "–", "textemdash": "—", "ldots": "…",
    "dots": "…",
}  # fmt: skip
UNDECOMPOSED = str.maketrans(
    {"ß": "ss", "æ": "ae", "œ": "oe", "ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "ı": "i"}
)

_ACCENT = re.compile(
    r"""\\([`'^~"=.])\s*(?:\{\s*(\\?[A-Za-z])\s*\}|(\\[ij](?![A-Za-z])|[A-Za-z]))|\\([uvHckrdb])(?:\{\s*(\\?[A-Za-z])\s*\}|\s+([A-Za-z]))"""
)
_LETTER = re.compile(r"\\(" + "|".join(sorted(LETTERS, key=len, reverse=True)) + r")(?![A-Za-z])\s*(?:\{\})?")
_ESCAPED = re.compile(r"\\([%&#_{}$])")
_COMMAND = re.compile(r"\\(?:[A-Za-z]+\*?|.)\s*")
_NO_TEX = re.compile(r"[\\${}~`]")
_NOT_ALPHANUMERIC = re.compile(r"[\W_]+")
_ASCII_MARKS = bytes(code for code in range(128) if not chr(code).isalnum())
# The white space of ASCII, but for the blank.
_BREAKS = "\n\t\r\v\f\x1c\x1d\x1e\x1f"
_OLD_SWITCH = re.compile(r"\{\\?(?:it|bf|sc|em|tt|rm)\s+([^{}]*)\}")


def squash(text: str) -> str:
    """Fold every run of white space, hard line breaks among them, into one blank."""
    # Most texts have nothing to fold, and seeing that is many times as fast.
    if "  " not in text and not _has_breaks(text):
        return text.strip(" ")
    return " ".join(text.split())


def _has_breaks(text: str) -> bool:
    """Tell whether a text may hold white space other than the blank: none of it is printable."""
    # One look for each of nine marks beats one at each character, but not in a title.
    if len(text) < 300 or not text.isascii():
        return not text.isprintable()
    return any(map(text.__contains__, _BREAKS))


def accents(text: str) -> str:
    r"""Turn TeX accents and letters (`\"o`, `\'{e}`, `\ss`) into the characters they stand for; leave the rest."""
    if "\\" not in text:
        return text
    text = _ACCENT.sub(_accented, text)
    return _LETTER.sub(lambda match: LETTERS[match[1]], text)


def _accented(match: re.Match[str]) -> str:
    accent = match[1] or match[4]
    letter = next(group for group in (match[2], match[3], match[5], match[6]) if group).lstrip("\\")
    return unicodedata.normalize("NFC", letter + ACCENTS[accent])


def plain(text: str) -> str:
    r"""Give the words of a text without its TeX: accents as characters, `\emph{x}` as x, dollars and braces dropped."""
    if not _NO_TEX.search(text):
        return text
    text = _OLD_SWITCH.sub(r"\1", accents(text))
    text = _COMMAND.sub(" ", _ESCAPED.sub(lambda match: "" if match[1] in "{}$" else match[1], text))
    return squash(text.replace("``", '"').replace("''", '"').translate(str.maketrans("", "", "${}")).replace("~", " "))


def fold(text: str) -> str:
    """Give a text for comparing: its plain words, lower case, accents folded away. ASCII costs next to nothing."""
    text = plain(text)
    if text.isascii():
        return text.lower()
    text = unicodedata.normalize("NFKD", text.casefold()).translate(UNDECOMPOSED)
    return "".join(char for char in text if not unicodedata.combining(char))


def title_key(title: str) -> str:
    """Give what is left of a title without case, accents, TeX, blanks and punctuation: like titles, equal keys."""
    text = fold(title)
    if text.isascii():
        return text.encode().translate(None, _ASCII_MARKS).decode()
    return _NOT_ALPHANUMERIC.sub("", text)


def places(text: str, part: str, begin: int = 0) -> Iterator[int]:
    """Give where a part stands in a text, from a place on, without overlaps."""
    place = text.find(part, begin)
    while place >= 0:
        yield place
        place = text.find(part, place + len(part))
