"""What is known to go wrong with mails in the programs that show them: checks for both parts, without a network.

Gmail drops a style block it cannot read and clips long mails; Outlook on Windows draws with Word, which knows tables,
margins and colours but neither flex, grid, position nor float; many programs show no pictures and run nothing.
"""

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Final
from urllib.parse import urlsplit

# Gmail clips at 102,400 bytes, and forgets a style block of more than 8,192 characters.
MOST_BYTES: Final = 100_000
MOST_STYLE: Final = 8_192
# RFC 5322, 2.1.1.
LONGEST_LINE: Final = 998
NARROWEST: Final = 320
_FORBIDDEN: Final = "script form input button select textarea iframe object embed link base video audio canvas svg math"
FORBIDDEN: Final = frozenset(_FORBIDDEN.split())
STYLED: Final = frozenset(("p", "h1", "h2", "h3", "td", "a"))
VAGUE: Final = frozenset(("here", "click here", "link", "this", "more", "read more"))
_QUIRKS: Final = re.compile(
    r"(?:^|[;{\s])(position|float|grid-[a-z-]+|flex[a-z-]*|transform)\s*:|display\s*:\s*(flex|grid|inline-flex)"
    r"|(url|expression)\s*\(|(@import)",
    re.IGNORECASE,
)
_UNFILLED: Final = re.compile(r"\{\{ ?[a-z_.]+ ?\}\}|\{% ?[a-z_]+|\{#|%\([a-z]+\)s|[\ue000\ue001]")
_WIDE: Final = re.compile(r"(?<![a-z-])(?:min-)?width\s*:\s*(\d+)px", re.IGNORECASE)
_CONTROLS: Final = re.compile("[\x00-\x09\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069]")


def check(html: str, text: str) -> list[str]:
    """Give what is wrong with a mail, each in a sentence that names the part; [] for a sound one.

    html: "" for a mail of plain text alone.
    """
    found = [*_text(text)]
    if html:
        reader = _Reader()
        reader.feed(html)
        reader.close()
        found += [*reader.found, *reader.whole(), *_bytes(html)]
    return list(dict.fromkeys(found))


def _text(text: str) -> Iterator[str]:
    if not text.strip():
        yield "text: it is empty"
    if unfilled := _UNFILLED.search(text):
        yield f"text: {unfilled[0]!r} was not filled in"
    if hidden := _CONTROLS.search(text):
        yield f"text: it holds the control character {hidden[0]!r}"
    for number, line in enumerate(text.split("\n"), 1):
        if len(line.encode("utf-8", "replace")) > LONGEST_LINE:
            yield f"text: line {number} is longer than {LONGEST_LINE} bytes"
    if not re.search(r"https?://", text):
        yield "text: it has no link"


def _bytes(html: str) -> Iterator[str]:
    size = len(html.encode("utf-8", "replace"))
    if size > MOST_BYTES:
        yield f"html: {size} bytes are more than {MOST_BYTES}, so Gmail may clip it"
    if unfilled := _UNFILLED.search(html):
        yield f"html: {unfilled[0]!r} was not filled in"
    if hidden := _CONTROLS.search(html.replace("\t", " ")):
        yield f"html: it holds the control character {hidden[0]!r}"
    if not re.search(r"charset=[\"']?utf-8", html[:2000], re.IGNORECASE):
        yield "html: its head does not name the charset utf-8"
    if "color-scheme" not in html or "prefers-color-scheme: dark" not in html:
        yield "html: it says nothing of dark mode"


class _Reader(HTMLParser):
    """Collects what is wrong element by element; comments, which hold what only Outlook reads, are passed over."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.levels: list[int] = []
        self.style = ""
        self.title = ""
        self.lang = ""
        self.inside: list[str] = []
        self.link: list[str] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        self.inside.append(tag)
        self.found += _element(tag, values)
        if tag == "html":
            self.lang = values.get("lang", "")
        if re.fullmatch("h[1-6]", tag):
            self.levels.append(int(tag[1]))
        if tag == "a":
            self.link = []

    def handle_endtag(self, tag: str) -> None:
        if tag == "a" and self.link is not None:
            says = " ".join("".join(self.link).split())
            if not says or says.lower() in VAGUE:
                self.found.append(f"html: a link says {says!r}, which does not tell where it leads")
            self.link = None
        if tag == "style":
            self.found += _style(self.style)
            self.style = ""
        if tag in self.inside:
            while self.inside.pop() != tag:
                pass

    def handle_data(self, data: str) -> None:
        if self.link is not None:
            self.link.append(data)
        if self.inside and self.inside[-1] == "style":
            self.style += data
        if self.inside and self.inside[-1] == "title":
            self.title += data

    def whole(self) -> Iterator[str]:
        """What can be told at the end alone."""
        if not self.lang:
            yield "html: it does not say its language"
        if not self.title.strip():
            yield "html: it has no title"
        if self.levels.count(1) != 1:
            yield f"html: it has {self.levels.count(1)} main headings, not one"
        for before, level in zip(self.levels, self.levels[1:], strict=False):
            if level > before + 1:
                yield f"html: a heading of level {level} follows one of level {before}"


def _element(tag: str, values: dict[str, str]) -> Iterator[str]:
    if tag in FORBIDDEN:
        yield f"html: <{tag}> is taken out or blocked by mail programs"
    if tag == "table" and values.get("role") != "presentation":
        yield "html: a table for layout lacks role=presentation"
    if tag == "img":
        yield from _image(values)
    if tag in STYLED and "style" not in values:
        yield f"html: <{tag}> has no inline style"
    if tag == "a":
        yield from _address(values.get("href", ""))
    for name in values:
        if name.startswith("on"):
            yield f"html: the attribute {name} runs a script"
    yield from _inline(tag, values.get("style", ""))
    width = values.get("width", "")
    if width.isdigit() and int(width) > NARROWEST:
        yield f"html: <{tag}> is {width} pixels wide, too wide for a phone"


def _inline(tag: str, style: str) -> Iterator[str]:
    if quirk := _QUIRKS.search(style):
        yield f"html: <{tag}> uses {quirk[0].strip(' ;{')!r}, which mail programs do not know"
    for wide in _WIDE.finditer(style):
        if int(wide[1]) > NARROWEST:
            yield f"html: <{tag}> is {wide[1]} pixels wide, too wide for a phone"


def _image(values: dict[str, str]) -> Iterator[str]:
    if "alt" not in values:
        yield "html: a picture has no text in its place"
    if not values.get("width"):
        yield "html: a picture has no width, so Outlook shows it in full size"


def _address(href: str) -> Iterator[str]:
    try:
        parts = urlsplit(href)
    except ValueError:
        parts = urlsplit("")
    if parts.scheme not in ("http", "https") or not parts.hostname or re.search(r"\s", href):
        yield f"html: the link {href[:80]!r} is no whole address of the web"


def _style(css: str) -> Iterator[str]:
    if len(css) > MOST_STYLE:
        yield f"html: a style block of {len(css)} characters is dropped by Gmail"
    if quirk := _QUIRKS.search(css):
        yield f"html: the style block uses {quirk[0].strip(' ;{')!r}"
