"""Saved pages of a daily papers site: the text of one (title and abstract on alternate lines), or its HTML.

What the page shows is taken, what it does not show is not guessed. A page read half is worse than a page refused.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import date
from html.parser import HTMLParser
from typing import BinaryIO, Final

from broadsheet.lib.clock import Clock, now
from broadsheet.lib.text import squash
from broadsheet.record.identifiers import BadIdentifier, arxiv_id
from broadsheet.record.paper import Item, PaperData
from broadsheet.sources.hf_daily import parse_rows
from broadsheet.sources.reading import BadFile, BadItem, checked, chunks, decoded, document, hashed, rejected

SOURCE: Final = "saved-page"
LONGEST_TITLE: Final = 250
SHORTEST_ABSTRACT: Final = 200
DEEPEST_PROPS: Final = 6
BANNERS: Final = frozenset(
    ("Get trending papers in your email inbox once a day!", "Get trending papers in your email inbox!")
)
HEADINGS: Final = frozenset(("new", "Daily Papers"))
SUBSCRIBE: Final = "Subscribe"

_BYLINE = re.compile(r"by ?\S.* and the research community")
_LISTED = re.compile(r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]* \d{1,2}(?:, \d{4})?")
# Possessive: from comments that no page follows there is no way back, or each would double the time.
_HTML = re.compile(
    rb"\s*(?:<!--.*?-->\s*)*+<(?:!doctype\s+html|html|head|body|main|article|section|div)\b", re.I | re.S
)
_PAPER_PATH = re.compile(r"/papers/([^/?#]+)(#community)?$")
_NUMBER = re.compile(r"\d{1,7}")


@dataclass(frozen=True, slots=True)
class SavedPage:
    """What a text page holds. `listed` is the day it shows, as written and often without a year, or empty."""

    listed: str
    papers: tuple[tuple[str, str], ...]


def is_html(head: bytes) -> bool:
    """Tell whether bytes begin a web page."""
    return _HTML.match(head.removeprefix(b"\xef\xbb\xbf")[:4096]) is not None


def recognises(head: bytes, filename: str) -> bool:
    """Tell a saved page: a web page that shows papers, or text with the page's header or its alternating lines."""
    if is_html(head):
        return b"/papers/" in head or b"data-props" in head or b"<article" in head
    text = head.decode("utf-8-sig", errors="replace")
    said = [line.strip() for line in text.splitlines() if line.strip()][:12]
    if not said:
        return False
    if any(line in BANNERS for line in said[:3]):
        return True
    if not filename.removesuffix(".gz").lower().endswith(".txt"):
        return False
    body = _skip_header(list(enumerate(said)))[1]
    return _alternates([line for _, line in body])


def _alternates(body: list[str]) -> bool:
    pairs = list(zip(body[::2], body[1::2], strict=False))
    return bool(pairs) and all(
        len(title) <= LONGEST_TITLE and len(abstract) >= SHORTEST_ABSTRACT for title, abstract in pairs
    )


def read(stream: BinaryIO, filename: str, clock: Clock = now) -> Iterator[Item]:
    """Read a saved page, text or HTML. Raises BadFile for a page that does not hold what it should, before any item."""
    raw, broken = document(chunks(stream), filename)
    if broken:
        raise broken
    text = _page_text(raw, filename)
    if is_html(raw):
        yield from html_page(text, filename, clock().date())
        return
    for title, abstract in text_page(text, filename).papers:
        whole = hashed(f"{title}\n{abstract}".encode())
        yield PaperData(source=SOURCE, title=title, abstract=abstract, raw_hash=whole)


def _page_text(raw: bytes, filename: str) -> str:
    try:
        text = decoded(raw)
        checked(text)
    except BadItem as wrong:
        raise BadFile(f"{filename} {wrong}: save the page again, as UTF-8") from None
    return text


def text_page(text: str, filename: str) -> SavedPage:
    """Read the text of a saved page in either layout, with or without blank lines and header.

    Raises BadFile, naming the line, where titles and abstracts do not alternate.
    """
    said = [(number, line.strip()) for number, line in enumerate(text.split("\n"), 1) if line.strip()]
    listed, body = _skip_header(said)
    if not body:
        raise BadFile(f"{filename} holds no papers: save the whole page as text")
    for position, (number, line) in enumerate(body):
        if position % 2 == 0 and len(line) > LONGEST_TITLE:
            raise BadFile(
                f"{filename}, line {number}: a title of {len(line)} characters (at most {LONGEST_TITLE}); "
                "a title or an abstract before it seems to be missing"
            )
        if position % 2 == 1 and len(line) < SHORTEST_ABSTRACT:
            raise BadFile(
                f"{filename}, line {number}: an abstract of {len(line)} characters (at least {SHORTEST_ABSTRACT}); "
                "an abstract or a title before it seems to be missing"
            )
    if len(body) % 2:
        raise BadFile(f"{filename}, line {body[-1][0]}: a title without its abstract; save the whole page")
    texts = [line for _, line in body]
    return SavedPage(listed, tuple(zip(texts[::2], texts[1::2], strict=True)))


def _skip_header(said: list[tuple[int, str]]) -> tuple[str, list[tuple[int, str]]]:
    """Walk past the header lines, each optional; give the day shown and the body, a glued button cut off."""
    listed, banner, subscribed = "", False, False
    for position, (number, line) in enumerate(said):
        if line in BANNERS:
            banner = True
        elif line == SUBSCRIBE:
            subscribed = True
        elif _LISTED.fullmatch(line):
            listed = line
        elif line not in HEADINGS and not _BYLINE.fullmatch(line):
            body = said[position:]
            # Only a page that shows the banner has the button, and only once: "Subscribers leave" is a title.
            glued = line.removeprefix(SUBSCRIBE)
            if banner and not subscribed and glued and glued != line and not glued[0].isspace():
                body[0] = (number, glued)
            return listed, body
    return listed, []


def html_page(text: str, filename: str, today: date) -> Iterator[Item]:
    """Read the papers of a web page: from the data it carries for its scripts, else from its article cards.

    Raises BadFile for a page without papers, such as an error page.
    """
    page = _Page()
    page.feed(text)
    page.close()
    rows = next((rows for props in page.props if (rows := _rows_in(props))), [])
    if rows:
        for item in parse_rows(rows, None, SOURCE, today=today):
            yield _with_text_hash(item)
        return
    if not page.cards:
        raise BadFile(f"{filename} is a web page without papers (an error page?): save the list of papers again")
    for card in page.cards:
        yield _card_item(card)


def _with_text_hash(item: Item) -> Item:
    if isinstance(item, PaperData):
        return replace(item, raw_hash=hashed(f"{item.title}\n{item.abstract}".encode()))
    return item


def _rows_in(props: str) -> list[object]:
    try:
        told = json.loads(props)
    except (ValueError, RecursionError):
        return []
    return _find_rows(told, DEEPEST_PROPS)


def _find_rows(told: object, depth: int) -> list[object]:
    if depth == 0:
        return []
    if isinstance(told, list):
        if any(isinstance(row, dict) and isinstance(row.get("paper"), dict) for row in told):
            return told
        inner = told
    elif isinstance(told, dict):
        inner = list(told.values())
    else:
        return []
    return next((rows for one in inner if (rows := _find_rows(one, depth - 1))), [])


@dataclass
class _Card:
    path: str = ""
    title: str = ""
    abstract: str = ""
    upvotes: int | None = None
    comments: int | None = None
    raw: str = ""


@dataclass
class _Open:
    """An element whose text is being gathered, by the tag that ends it."""

    what: str
    tag: str
    depth: int = 1
    text: list[str] = field(default_factory=list)


class _Page(HTMLParser):
    """Gathers the cards of a page and the data that its elements carry."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.props: list[str] = []
        self.cards: list[_Card] = []
        self.card: _Card | None = None
        self.heading = False
        self.open: _Open | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Open a card, a title, an abstract or a number."""
        told = {name: value or "" for name, value in attrs}
        if "data-props" in told:
            self.props.append(told["data-props"])
        if tag == "article":
            self.card = _Card(raw=self.get_starttag_text() or "")
        if tag == "h3":
            self.heading = True
        if self.open and tag == self.open.tag:
            self.open.depth += 1
        elif self.card and not self.open and (what := self._what(tag, told)):
            self.open = _Open(what, tag)

    def _what(self, tag: str, told: dict[str, str]) -> str:
        link = _PAPER_PATH.search(told.get("href", "")) if tag == "a" else None
        if link and link[2]:
            return "comments"
        if link and self.heading and self.card and not self.card.path:
            self.card.path = link[1]
            return "title"
        if tag == "p":
            return "abstract"
        return "upvotes" if tag == "div" and "leading-none" in told.get("class", "").split() else ""

    def handle_data(self, data: str) -> None:
        """Gather the text of what is open."""
        if self.open:
            self.open.text.append(data)

    def handle_endtag(self, tag: str) -> None:
        """Close what is open, and the card."""
        if self.open and tag == self.open.tag:
            self.open.depth -= 1
            if self.open.depth == 0:
                self._take(self.open.what, squash("".join(self.open.text)))
                self.open = None
        if tag == "h3":
            self.heading = False
        if tag == "article" and self.card:
            if self.card.path or self.card.title:
                self.cards.append(self.card)
            self.card = self.open = None

    def _take(self, what: str, text: str) -> None:
        card = self.card
        if not card or not text:
            return
        if what == "title":
            card.title = text
        elif what == "abstract" and len(text) > len(card.abstract):
            card.abstract = text
        elif what == "upvotes" and card.upvotes is None and _NUMBER.fullmatch(text):
            card.upvotes = int(text)
        elif what == "comments" and _NUMBER.fullmatch(text):
            card.comments = int(text)


def _card_item(card: _Card) -> Item:
    whole = f"{card.title}\n{card.abstract}".encode()
    try:
        name = arxiv_id(card.path).identifier
        if not card.title:
            raise BadItem("a card without a title")
    except (BadIdentifier, BadItem) as wrong:
        return rejected(SOURCE, card.path or card.title[:80], wrong, f"{card.raw}\n".encode() + whole)
    counts = (("upvotes", card.upvotes), ("comments", card.comments))
    return PaperData(
        source=SOURCE,
        title=card.title,
        abstract=card.abstract,
        identifiers=(name,),
        signals=tuple((what, count) for what, count in counts if count is not None),
        raw_hash=hashed(whole),
    )
