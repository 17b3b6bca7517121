r"""What readers write, as HTML that is safe to show: Markdown, formulas as MathML, and @mentions.

Two walls: the parser is given no way to write HTML of the reader's, and a list of allowed elements and attributes is
held over what it wrote. Nothing in the result makes a browser ask another site for anything until a link is followed.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from types import SimpleNamespace
from typing import Any, Final

import nh3
from django.utils.html import escape
from django.utils.safestring import SafeString
from markdown_it import MarkdownIt
from markdown_it.helpers import parseLinkDestination, parseLinkTitle
from markdown_it.rules_block import StateBlock, table
from markdown_it.rules_core import StateCore
from markdown_it.rules_inline import StateInline, link
from markdown_it.token import Token

from broadsheet.markup import maths

LONGEST: Final = 20_000
# A formula is up to thirty times as long as MathML.
LONGEST_HTML: Final = 150_000
MOST_FORMULAS: Final = 200
# Blockquotes and lists within each other; what is deeper is left out.
DEEPEST: Final = 20
# Steps of looking for the ends of links in one text: ten times what a text full of links takes.
MOST_STEPS: Final = 40_000
# Lines that are looked at in vain for the end of a formula, in one text.
MOST_LINES: Final = 1_000
# Cells of a table: each row is filled up to the columns of the first, whatever it holds.
MOST_CELLS: Final = 4_000

_ELEMENTS: Final = "p br hr em strong s code pre blockquote ul ol li h4 h5 h6 table thead tbody tr th td a"
ELEMENTS: Final = frozenset(_ELEMENTS.split()) | maths.ELEMENTS
ATTRIBUTES: Final[dict[str, set[str]]] = {
    # By default nh3 allows two on every element.
    "*": set(),
    "a": {"href"},
    "ol": {"start"},
    **{name: set(maths.ATTRIBUTES) for name in maths.ELEMENTS},
}
REL: Final = "nofollow ugc noopener"
# The page has a title, its parts and the comment's own head above whatever a reader calls a heading.
_HEADINGS: Final = {"h1": "h4", "h2": "h5", "h3": "h6", "h4": "h6", "h5": "h6", "h6": "h6"}
_LINKED: Final = re.compile(r"(?:https?://|mailto:)[^\s]", re.IGNORECASE)
_ADDRESS: Final = re.compile(r"https?://[^\s<>{}\"'\\^`|]+", re.IGNORECASE)
_MENTION: Final = re.compile(r"@([a-z0-9](?:[a-z0-9-]{0,28}[a-z0-9])?)(?![\w@-]|\.\w)", re.IGNORECASE)
_PARAGRAPHS: Final = re.compile(r"\n\s*\n")
# Controls, marks that turn the direction of writing for what follows them, and the mark of byte order.
_CONTROLS: Final = (*range(9), 0x0B, 0x0C, *range(0x0E, 0x20), *range(0x7F, 0xA0))
_DROPPED: Final = dict.fromkeys((*_CONTROLS, *range(0x202A, 0x202F), *range(0x2066, 0x206A), 0xFEFF))


def to_html(text: str, mentions: Mapping[str, str]) -> SafeString:
    """Give a text in Markdown as safe HTML. It never raises; what is longer than LONGEST characters is cut.

    mentions: the address on this site of each reader that may be mentioned, by handle in lower case; `@handle` of
        anyone else stays text.
    A text that would become more than LONGEST_HTML characters of HTML is shown as it was written, in paragraphs.
    """
    text = clean(text)[:LONGEST]
    environment: dict[str, Any] = {"mentions": mentions}
    made = _parser().render(text, environment)
    if len(made) > LONGEST_HTML:
        made = "".join(f"<p>{escape(part)}</p>" for part in _PARAGRAPHS.split(text))
    return SafeString(_wall().clean(made.translate(_DROPPED)).strip())


def mentioned(text: str) -> list[str]:
    """Give the handles that a text mentions outside code and links, in lower case, each once, in their order."""
    text = clean(text)[:LONGEST]
    if "@" not in text:
        return []
    found = (token.content for token in _tokens(_parser().parse(text, {})) if token.type == "mention")
    return list(dict.fromkeys(handle.lower() for handle in found))


def clean(text: str) -> str:
    """Drop control characters and marks that turn the direction of writing; lone surrogates become question marks."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\u2028", "\n").replace("\u2029", "\n")
    return text.translate(_DROPPED).encode(errors="replace").decode()


def _tokens(tokens: Iterable[Token]) -> Iterator[Token]:
    for token in tokens:
        yield token
        yield from token.children or ()


@lru_cache(maxsize=1)
def _wall() -> nh3.Cleaner:
    return nh3.Cleaner(
        tags=set(ELEMENTS),
        clean_content_tags={"script", "style"},
        attributes=ATTRIBUTES,
        url_schemes={"http", "https", "mailto"},
        link_rel=REL,
    )


@lru_cache(maxsize=1)
def _parser() -> MarkdownIt:
    # Definitions of links elsewhere in the text are left out: each `[` would have to be looked up in them.
    parser = MarkdownIt("default", {"html": False, "breaks": True, "maxNesting": DEEPEST}).disable(
        ["reference", "html_inline", "html_block", "linkify", "replacements", "smartquotes"]
    )
    parser.validateLink = lambda url: bool(_LINKED.match(url))  # type: ignore[method-assign]
    # The library's own search for the end of a link takes the square of the brackets in a text.
    parser.helpers = SimpleNamespace(  # type: ignore[assignment]
        parseLinkLabel=_label_end, parseLinkDestination=parseLinkDestination, parseLinkTitle=parseLinkTitle
    )
    parser.inline.ruler.before("escape", "formula", _formula)
    parser.inline.ruler.at("image", _picture)
    parser.inline.ruler.push("mention", _mention)
    parser.block.ruler.at("table", _table, {"alt": ["paragraph", "reference"]})
    parser.block.ruler.before("fence", "formula", _formula_block, {"alt": ["paragraph", "blockquote", "list"]})
    parser.core.ruler.push("tidy", _tidy)
    parser.add_render_rule("formula", _show_formula)
    parser.add_render_rule("mention", _show_mention)
    return parser


def _label_end(state: StateInline, start: int, disable_nested: bool = False) -> int:
    """Give the place of the `]` that ends the link text begun at `start`, or -1; the budget of steps is the text's."""
    left, level, before = state.env.get("steps", MOST_STEPS), 1, state.pos
    state.pos = start + 1
    found = -1
    while state.pos < state.posMax and left > 0:
        mark, place = state.src[state.pos], state.pos
        level -= mark == "]"
        if level == 0:
            found = place
            break
        state.md.inline.skipToken(state)
        left -= 1
        if mark == "[" and state.pos == place + 1:
            level += 1
        elif mark == "[" and disable_nested:
            break
    state.pos = before
    # What was looked for inside has used up steps of its own.
    state.env["steps"] = min(left, state.env.get("steps", left))
    return found


_ENDS: Final = {"$$": "$$", "\\[": "\\]", "\\(": "\\)"}


def _formula(state: StateInline, silent: bool) -> bool:
    """Read a formula; a dollar before a blank, or after one with a digit behind it, is money."""
    start, source = state.pos, state.src
    opening = source[start : start + 2]
    if opening in _ENDS:
        end = source.find(_ENDS[opening], start + 2, state.posMax)
    elif opening[:1] == "$":
        opening, end = "$", _dollar(source, start + 1, state.posMax)
    else:
        return False
    tex = source[start + len(opening) : end]
    if end < 0 or "`" in tex or not tex.strip():
        return False
    if not silent:
        token = state.push("formula", "math", 0)
        token.content, token.info = tex, "block" if opening in ("$$", "\\[") else ""
    state.pos = end + len(opening)
    return True


def _dollar(source: str, start: int, most: int) -> int:
    """Give the place of the dollar that ends a formula begun before `start`, or -1."""
    if source[start : start + 1].isspace():
        return -1
    end = source.find("$", start, most)
    while end > 0 and source[end - 1] == "\\":
        end = source.find("$", end + 1, most)
    if end < 0 or source[end - 1].isspace() or source[end + 1 : end + 2].isdigit():
        return -1
    return end


def _formula_block(state: StateBlock, first: int, last: int, silent: bool) -> bool:
    r"""Read a formula on lines of its own, from a line that begins with $$ or \[ to one that ends with its match."""
    start = state.bMarks[first] + state.tShift[first]
    opening = state.src[start : start + 2]
    if state.is_code_block(first) or opening not in ("$$", "\\["):
        return False
    line, tex = first, state.src[start + 2 : state.eMarks[first]].rstrip()
    if _ENDS[opening] in tex:
        return False
    lines = [tex]
    left = state.env.get("lines", MOST_LINES)
    while not tex.endswith(_ENDS[opening]):
        line, left = line + 1, left - 1
        if line >= last or left < 0 or state.sCount[line] < state.blkIndent or not (tex := _line(state, line)):
            state.env["lines"] = left
            return False
        lines.append(tex)
    if not silent:
        token = state.push("formula", "math", 0)
        token.content, token.info, token.block = "\n".join(lines)[:-2], "alone", True
        token.map = [first, line + 1]
        state.line = line + 1
    return True


def _line(state: StateBlock, line: int) -> str:
    return state.src[state.bMarks[line] + state.tShift[line] : state.eMarks[line]].rstrip()


def _table(state: StateBlock, first: int, last: int, silent: bool) -> bool:
    """Read a table, if it is not made to fill the page with empty cells."""
    if not table(state, first, last, True):
        return False
    columns = _line(state, first).count("|") + 1
    return columns * (_end_of_lines(state, first, last) - first) <= MOST_CELLS and table(state, first, last, silent)


def _end_of_lines(state: StateBlock, first: int, last: int) -> int:
    most = min(last, first + MOST_CELLS)
    return next((line for line in range(first, most) if state.isEmpty(line)), most)


def _show_formula(_renderer: object, tokens: Sequence[Token], at: int, _options: object, env: dict[str, Any]) -> str:
    token = tokens[at]
    env["formulas"] = env.get("formulas", 0) + 1
    if env["formulas"] > MOST_FORMULAS:
        return f"<code>{escape(token.content)}</code>"
    made = maths.formula(token.content, block=bool(token.info))
    return f"<p>{made}</p>\n" if token.info == "alone" else made


def _picture(state: StateInline, silent: bool) -> bool:
    """Read a picture as a link to it; within a link, as the words that stand for it."""
    start = state.pos
    if state.src[start : start + 2] != "![":
        return False
    state.pos = start + 1
    words = state.src[start + 2 : max(_label_end(state, start + 1), 0)]
    found = link(state, silent or state.linkLevel > 0)
    if not found:
        state.pos = start
    elif state.linkLevel > 0 and not silent:
        state.append_pending(words)
    return found


def _mention(state: StateInline, silent: bool) -> bool:
    if state.src[state.pos] != "@" or state.linkLevel > 0 or _is_in_word(state.src, state.pos):
        return False
    match = _MENTION.match(state.src, state.pos, state.posMax)
    if match is None:
        return False
    if not silent:
        state.push("mention", "a", 0).content = match[1]
    state.pos = match.end()
    return True


def _is_in_word(source: str, place: int) -> bool:
    before = source[place - 1 : place]
    return before.isalnum() or before in tuple("_./@-+")


def _show_mention(_renderer: object, tokens: Sequence[Token], at: int, _options: object, env: dict[str, Any]) -> str:
    handle = tokens[at].content
    address = env["mentions"].get(handle.lower())
    return f'<a href="{escape(address)}">@{handle}</a>' if address else f"@{handle}"


def _tidy(state: StateCore) -> None:
    """Make headings small, drop the names of code's languages, and make links of addresses."""
    for token in state.tokens:
        token.tag = _HEADINGS.get(token.tag, token.tag)
        token.attrs = {name: value for name, value in token.attrs.items() if name == "start"}
        if token.type == "fence":
            token.info = ""
        if token.children:
            token.children = list(_with_links(token.children))


def _with_links(tokens: Sequence[Token]) -> Iterator[Token]:
    inside, opened = 0, ""
    for token in tokens:
        if token.type == "link_close" and opened:
            # A link without words is one that nobody sees.
            yield _text(opened)
        yield from _addresses(token.content) if token.type == "text" and not inside else [token]
        inside += token.nesting if token.type in ("link_open", "link_close") else 0
        opened = str(token.attrs.get("href", "")) if token.type == "link_open" else ""


def _addresses(text: str) -> Iterator[Token]:
    end = 0
    for match in _ADDRESS.finditer(text):
        address = _without_stop(match[0])
        if len(address) < 9:
            continue
        yield _text(text[end : match.start()])
        yield Token("link_open", "a", 1, attrs={"href": address})
        yield _text(address)
        yield Token("link_close", "a", -1)
        end = match.start() + len(address)
    yield _text(text[end:])


def _without_stop(address: str) -> str:
    """Leave out the mark that ends the sentence, and a bracket that was not opened in the address."""
    bare = address.rstrip(".,;:!?")
    while bare.endswith((")", "]")) and bare.count("(["[bare[-1] == "]"]) < bare.count(bare[-1]):
        bare = bare[:-1].rstrip(".,;:!?")
    return bare


def _text(content: str) -> Token:
    return Token("text", "", 0, content=content)
