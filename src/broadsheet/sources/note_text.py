"""Notes of reference managers, which are HTML or plain text, as plain text with its paragraphs, lists and addresses."""

import html
import re
from typing import Final

LONGEST: Final = 40_000
_HTML: Final = re.compile(
    r"</?(?:p|div|br|span|h[1-6]|ul|ol|li|b|i|u|em|strong|a|blockquote|table)\b[^<>]*>", re.IGNORECASE
)
_TOKEN: Final = re.compile(
    r"<!--.*?(?:-->|\Z)|<(?P<end>/?)(?P<tag>[a-zA-Z][a-zA-Z0-9]{0,15})(?P<rest>[^<>]*)>", re.DOTALL
)
_HREF: Final = re.compile(r"href\s*=\s*[\"']?(https?://[^\s\"'<>]{1,1000})", re.IGNORECASE)
_PARAGRAPHS: Final = frozenset(
    ("p", "div", "h1", "h2", "h3", "h4", "h5", "h6", "blockquote", "table", "ul", "ol", "pre")
)
_LINES: Final = frozenset(("br", "tr"))
_NO_TEXT: Final = frozenset(("script", "style", "head", "title"))
# Controls, half characters, marks that turn the direction of writing, and the mark of byte order.
_UNSEEN: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\u202a-\u202e\u2066-\u2069\ufeff]")


def plain_note(text: str) -> str:
    """Give a note as text that people read, whatever it holds; at most LONGEST characters of it are looked at."""
    text = text[:LONGEST].replace("\r\n", "\n").replace("\r", "\n")
    told = _without_html(text) if _HTML.search(text) else text
    lines = (" ".join(line.split()) for line in _UNSEEN.sub("", told).split("\n"))
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


def _without_html(text: str) -> str:
    done: list[str] = []
    end, silent, address = 0, "", ""
    for match in _TOKEN.finditer(text):
        if not silent:
            done.append(_words(text[end : match.start()]))
        end, tag, closes = match.end(), (match["tag"] or "").lower(), bool(match["end"])
        if silent:
            silent = "" if closes and tag == silent else silent
        elif tag in _NO_TEXT and not closes:
            silent = tag
        elif tag == "a":
            if closes and address and address not in done[-1]:
                done.append(f" ({address})")
            found = None if closes else _HREF.search(match["rest"])
            address = html.unescape(found[1]) if found else ""
        else:
            done.append(_break(tag, closes))
    return "".join([*done, "" if silent else _words(text[end:])])


def _words(text: str) -> str:
    return html.unescape(re.sub(r"\s+", " ", text))


def _break(tag: str, closes: bool) -> str:
    if tag in _PARAGRAPHS:
        return "\n\n"
    if tag == "li":
        return "" if closes else "\n- "
    return "\n" if tag in _LINES else ""
