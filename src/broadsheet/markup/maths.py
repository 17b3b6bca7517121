r"""Titles and abstracts as HTML: formulas as MathML, TeX commands as what they mean, everything else escaped.

Nothing of a source reaches the page unescaped. The converter's own text output is not used, as it undoes its
escaping (`\text{<script>}` would come through); its element tree is written out here, from a list of allowed names.
"""

import html
import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Final
from xml.etree.ElementTree import Element

from django.utils.html import escape
from django.utils.safestring import SafeString
from latex2mathml import exceptions
from latex2mathml.converter import convert_to_element

from broadsheet.lib.text import accents
from broadsheet.markup import macros
from broadsheet.search.highlight import highlight

LONGEST_FORMULA: Final = 600
LONGEST_TEXT: Final = 20_000

# MathML Core without links, scripts, annotations and foreign content.
_ELEMENTS: Final = (
    "math mrow mi mn mo ms mtext mspace mfrac msqrt mroot mstyle mpadded mphantom menclose mfenced "
    "msub msup msubsup munder mover munderover mmultiscripts mprescripts none mtable mtr mtd"
)
ELEMENTS: Final = frozenset(_ELEMENTS.split())
# No `style`, `class` or `href`: the pages' content policy refuses the first, and sources may not set the others.
_ATTRIBUTES: Final = (
    "display stretchy fence form separator largeop movablelimits symmetric minsize maxsize lspace rspace accent "
    "accentunder displaystyle scriptlevel linethickness mathvariant columnalign rowspacing columnspacing "
    "width height depth voffset notation"
)
ATTRIBUTES: Final = frozenset(_ATTRIBUTES.split())
REFUSED: Final[tuple[type[Exception], ...]] = (
    *(kind for kind in vars(exceptions).values() if isinstance(kind, type) and issubclass(kind, Exception)),
    LookupError,
    ValueError,
    TypeError,
    AttributeError,
    RuntimeError,
    StopIteration,
)

# No formula is longer: without a bound, each opening without an end would be followed to the end of the text.
_FORMULA = re.compile(
    r"(?<!\\)\$\$(?P<block>.{1,2000}?)(?<!\\)\$\$|\\\[(?P<bracket>.{1,2000}?)\\\]|\\\((?P<paren>.{1,2000}?)\\\)"
    r"|(?<!\\)\$(?P<dollar>[^$]{1,2000}?)(?<!\\)\$",
    re.DOTALL,
)
_STYLED = re.compile(
    r"\\(?P<command>emph|textit|textsl|textbf|texttt|textsc|textrm|text|underline|url)\{(?P<inner>[^{}]*)\}"
    r"|\{\\(?P<switch>em|it|bf|tt|sc)\s+(?P<old>[^{}]*)\}"
)
_TAGS: Final = {
    "emph": "em", "textit": "em", "textsl": "em", "em": "em", "it": "em", "textbf": "strong", "bf": "strong",
    "texttt": "code", "tt": "code",
}  # fmt: skip
_UNKNOWN = re.compile(r"\\[A-Za-z]+")
_ADDRESS = re.compile(r"https?://[^\s<>{}\"'\\^`|]+[^\s<>{}\"'\\^`|.,;:!?)\]]")


def render(text: str, words: tuple[str, ...] = ()) -> SafeString:
    r"""Give a text of a source as safe HTML.

    `$…$`, `\(…\)`, `$$…$$` and `\[…\]` become MathML; a formula that cannot be read, or is longer than LONGEST_FORMULA,
    stays as <code>. TeX accents and text commands become what they mean. Where `words` are given, each of them is put
    in <mark>; else addresses become links.
    """
    return _render(text[:LONGEST_TEXT], words)


@lru_cache(maxsize=4096)
def _render(text: str, words: tuple[str, ...]) -> SafeString:
    return SafeString("".join(_pieces(text, words)))


def _pieces(text: str, words: tuple[str, ...]) -> Iterator[str]:
    if "$" not in text and "\\" not in text:
        yield _prose(text, words)
        return
    end = 0
    for match in _FORMULA.finditer(text):
        yield _styled(text[end : match.start()], words)
        tex = match["block"] or match["bracket"] or match["paren"] or match["dollar"]
        if _is_money(match):
            yield _styled(match[0], words)
        else:
            yield formula(tex, block=bool(match["block"] or match["bracket"]))
        end = match.end()
    yield _styled(text[end:], words)


def _is_money(match: re.Match[str]) -> bool:
    """Prose between two prices ("$5 to $10") is no formula: words divided by blanks, and no TeX at all."""
    return bool(re.fullmatch(r"\d[\d.,]*[kKMB]?(?: [a-zA-Z,.]{2,})+ ?", match["dollar"] or ""))


@lru_cache(maxsize=16_384)
def formula(tex: str, *, block: bool = False) -> str:
    """Give a formula as MathML, or as escaped text in <code> where it cannot be read."""
    tex = tex.strip()
    if not tex:
        return ""
    if len(tex) > LONGEST_FORMULA:
        return f"<code>{escape(tex)}</code>"
    try:
        tree = _tree(tex, block)
        if unknown := set(_unknown(tree)):
            tree = _tree(macros.in_formula(tex, unknown), block)
        return "".join(_mathml(tree))
    except REFUSED:
        return f"<code>{escape(tex)}</code>"


def _tree(tex: str, block: bool) -> Element:
    # A script without a base ("$^2$") is common in abstracts; an empty base makes it a formula.
    return convert_to_element("{}" + tex if tex[0] in "^_" else tex, display="block" if block else "inline")


def _unknown(tree: Element) -> Iterator[str]:
    """Give the names of commands that the converter did not know and left as text."""
    for element in tree.iter():
        text = element.text or ""
        if element.tag != "mtext" and _UNKNOWN.fullmatch(text):
            yield text[1:]


def _mathml(element: Element, depth: int = 0) -> Iterator[str]:
    """Write an element of the converter's tree. Raises ValueError where it holds a command it did not know."""
    if depth > 60:
        raise ValueError("nested too deeply")
    # The converter writes symbols as character references inside the text.
    text = html.unescape(element.text or "")
    if element.tag != "mtext" and text.startswith("\\") and len(text) > 1:
        raise ValueError(f"{text} is not known")
    name = element.tag if element.tag in ELEMENTS else "mrow"
    yield "<" + name
    for attribute, value in element.attrib.items():
        if attribute in ATTRIBUTES:
            yield f' {attribute}="{escape(html.unescape(value))}"'
    yield ">" + escape(text)
    for child in element:
        yield from _mathml(child, depth + 1)
        yield escape(html.unescape(child.tail or ""))
    yield f"</{name}>"


def _styled(text: str, words: tuple[str, ...]) -> str:
    """Give a stretch of text between formulas: its text commands as elements, the rest as prose."""
    if "\\" not in text:
        return _prose(text, words)
    text, end = accents(text), 0
    done: list[str] = []
    for match in _STYLED.finditer(text):
        done.append(_prose(text[end : match.start()], words))
        tag = _TAGS.get(match["command"] or match["switch"], "")
        inner = _prose(match["inner"] or match["old"] or "", words, code=tag == "code")
        done.append(f"<{tag}>{inner}</{tag}>" if tag else inner)
        end = match.end()
    return "".join([*done, _prose(text[end:], words)])


def _prose(text: str, words: tuple[str, ...], *, code: bool = False) -> str:
    if words:
        # Words are found faster in what is still plain ASCII.
        pieces = highlight(macros.words(text, dashes=False), words)
        made = "".join(f"<mark>{escape(part)}</mark>" if found else escape(part) for part, found in pieces)
        return made if code else macros.dashed(made)
    text = macros.words(text, dashes=not code)
    return _linked(text) if "://" in text else escape(text)


def _linked(text: str) -> str:
    done: list[str] = []
    end = 0
    for match in _ADDRESS.finditer(text):
        address = escape(match[0])
        done.append(escape(text[end : match.start()]))
        done.append(f'<a href="{address}" rel="nofollow noopener external">{address}</a>')
        end = match.end()
    return "".join([*done, escape(text[end:])])


def as_text(text: str) -> str:
    """Give a text of a source as one line of plain words, for page titles and descriptions."""
    text = text[:LONGEST_TEXT]
    if "$" not in text and "\\" not in text and "{" not in text:
        return macros.printed(text).strip()
    parts, end = [], 0
    for match in _FORMULA.finditer(text):
        tex = match["block"] or match["bracket"] or match["paren"] or match["dollar"]
        parts += [
            macros.words(text[end : match.start()]),
            match[0] if _is_money(match) else macros.words(tex, dashes=False),
        ]
        end = match.end()
    return " ".join("".join([*parts, macros.words(text[end:])]).split())
