"""Titles and abstracts for readers that draw no MathML: formulas in one line, as text or with <sup> and <sub>.

Feed readers drop what they do not know and keep what stood in it, so that a power would be read as a factor.
"""

import re
from collections.abc import Callable
from functools import lru_cache
from html import unescape
from typing import Final
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from django.utils.html import escape
from django.utils.safestring import SafeString

from broadsheet.markup import maths

_MATHS: Final = re.compile(r"<math[ >].*?</math>", re.DOTALL)
_TAG: Final = re.compile(r"<[^>]*>")
# https://www.w3.org/TR/xml/#charsets
_NO_XML: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_RAISED: Final = str.maketrans("0123456789+-\N{MINUS SIGN}=()ni", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻⁼⁽⁾ⁿⁱ")
_LOWERED: Final = str.maketrans("0123456789+-\N{MINUS SIGN}=()aeoxhklmnpstijruv", "₀₁₂₃₄₅₆₇₈₉₊₋₋₌₍₎ₐₑₒₓₕₖₗₘₙₚₛₜᵢⱼᵣᵤᵥ")
# Signs that are read with a blank on either side.
_RELATIONS: Final = frozenset("=<>≤≥≪≫≈≃≅∼≡≠∝∈∉⊂⊆→⟶←↦⇒⇔≲≳⟹")
_FUNCTIONS: Final = frozenset(
    (
        "log",
        "ln",
        "exp",
        "min",
        "max",
        "sup",
        "inf",
        "lim",
        "sin",
        "cos",
        "tan",
        "arg",
        "det",
        "dim",
        "ker",
        "Pr",
        "mod",
    )
)
_ACCENTS: Final = {
    "^": "\u0302", "\u02c6": "\u0302", "~": "\u0303", "\u02dc": "\u0303", "¯": "\u0304", "\u203e": "\u0304",
    "_": "\u0304", "\u2015": "\u0304", "\u02d9": "\u0307", ".": "\u0307", "\u20d7": "\u20d7", "→": "\u20d7",
    "¨": "\u0308",
}  # fmt: skip


@lru_cache(maxsize=2048)
def as_html(text: str) -> SafeString:
    """Give a text of a source as safe HTML without MathML."""
    return SafeString(_MATHS.sub(lambda match: _line(match[0], _html), maths.render(text)))


@lru_cache(maxsize=2048)
def as_text(text: str) -> str:
    """Give a text of a source as plain words in one line, its formulas as far as signs of one line tell them."""
    told = _MATHS.sub(lambda match: escape(_line(match[0], _text)), maths.render(text))
    return " ".join(unescape(_TAG.sub("", told)).split())


Script = Callable[[str, str], str]


def _line(mathml: str, script: Script) -> str:
    # It is what `maths` wrote, from its own list of names; only characters that XML has not may be a source's.
    line = re.sub(r" {2,}", " ", _of(ElementTree.fromstring(_NO_XML.sub("", mathml)), script))
    return line.replace("( ", "(").replace(" (", "(").strip() if "(" in line else line.strip()


def _html(kind: str, text: str) -> str:
    return f"<{kind}>{text}</{kind}>" if kind else str(escape(text))


def _text(kind: str, text: str) -> str:
    if not kind or not text:
        return text
    signs = text.translate(_RAISED if kind == "sup" else _LOWERED)
    if not set(signs) & set(text):
        return signs
    return ("^" if kind == "sup" else "_") + _held(text)


def _held(text: str) -> str:
    return text if len(text) == 1 or text.isalnum() else f"({text})"


def _of(element: Element, script: Script) -> str:
    parts = [_of(child, script) for child in element]
    if not len(element):
        return _leaf(element, script)
    write = _WRITERS.get(element.tag)
    return write(parts, script) if write else "".join(parts)


def _leaf(element: Element, script: Script) -> str:
    text = (element.text or "").strip(" \n")
    if element.tag in ("mphantom", "none", "mprescripts"):
        return ""
    if element.tag == "mspace":
        return " "
    if element.tag == "mo" and text in _RELATIONS:
        return f" {script('', text)} "
    if element.tag == "mo" and text == ",":
        return ", "
    if element.tag in ("mi", "mo") and text in _FUNCTIONS:
        return f" {text} "
    # What only browsers act on: applied functions, invisible times and separators.
    return script("", "".join(char for char in text if char not in "\u2061\u2062\u2063\u2064"))


def _sup(parts: list[str], script: Script) -> str:
    return parts[0] + _primes(parts[1], script)


def _primes(text: str, script: Script) -> str:
    return text if text and set(text) <= set("′″‴'") else script("sup", text.strip())


def _sub(parts: list[str], script: Script) -> str:
    return parts[0] + script("sub", parts[1].strip())


def _subsup(parts: list[str], script: Script) -> str:
    return parts[0] + script("sub", parts[1].strip()) + _primes(parts[2].strip(), script)


def _over(parts: list[str], script: Script) -> str:
    accent = _ACCENTS.get(unescape(parts[1]).strip(), "")
    if accent:
        return parts[0] + (accent if len(parts[0]) == 1 else "")
    return _sup(parts, script)


def _fraction(parts: list[str], script: Script) -> str:
    return "/".join(_held(part.strip()) for part in parts[:2])


def _root(parts: list[str], script: Script) -> str:
    inner = "".join(parts).strip()
    return f"√{inner}" if len(inner) == 1 else f"√({inner})"


def _nth_root(parts: list[str], script: Script) -> str:
    return script("sup", parts[1]) + _root(parts[:1], script)


def _rows(parts: list[str], script: Script) -> str:
    return "; ".join(part.strip() for part in parts)


def _cells(parts: list[str], script: Script) -> str:
    return ", ".join(part.strip() for part in parts)


_WRITERS: Final[dict[str, Callable[[list[str], Script], str]]] = {
    "msup": _sup,
    "msub": _sub,
    "msubsup": _subsup,
    "munder": _sub,
    "mover": _over,
    "munderover": _subsup,
    "mfrac": _fraction,
    "msqrt": _root,
    "mroot": _nth_root,
    "mtable": _rows,
    "mtr": _cells,
}
