"""XML as sources send it: checked before it is believed, cut into records so that one bad record spoils no other."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from hashlib import sha256
from xml.etree.ElementTree import Element, ParseError

from defusedxml.ElementTree import fromstring

from broadsheet.lib.http import Response
from broadsheet.lib.text import squash
from broadsheet.record.paper import Item, PaperData, Rejected
from broadsheet.sources.batch import SourceError

MAX_BYTES = 64 * 2**20
# Possessive: from comments that no page follows there is no way back, or each would double the time.
_HTML = re.compile(rb"\s*(?:<!--.*?-->\s*)*+<(?:!doctype\s+html|html)\b", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True)
class Page:
    """A page of XML without its records, and the bytes of each record as they came.

    root: the page, names without their name spaces. opening, closing: the tags of the root, to read a record within.
    """

    root: Element
    records: tuple[bytes, ...]
    opening: bytes
    closing: bytes

    def element(self, record: bytes) -> Element:
        """Read one record. Raises ValueError saying what is wrong with it."""
        return next(iter(_parse(self.opening + record + self.closing)))


def read_page(response: Response, root: str, record: str, what: str) -> Page:
    """Read a page whose root element is `root` and whose records are elements called `record`.

    what: the name of the format, for messages. Raises SourceError, not permanent, for whatever is no such page: empty,
    a web page, cut off, another root. UTF-8 is taken for granted, as OAI-PMH demands it and arXiv sends nothing else.
    """
    body = response.body.removeprefix(b"\xef\xbb\xbf")
    if not body.strip():
        raise SourceError(f"{response.url} sent an empty answer instead of {what}; try again later")
    if "html" in response.headers.get("content-type", "") or _HTML.match(body[:4096]):
        raise SourceError(f"{response.url} sent a web page instead of {what}; try again later, or check its address")
    opened = re.search(rb"<((?:[\w.-]+:)?" + root.encode() + rb")(?:\s[^>]*)?>", body)
    if not opened:
        raise SourceError(f"{response.url} sent something else than {what}: no {root} in it")
    rest, records = _cut(body, record.encode())
    try:
        envelope = _parse(rest)
    except ValueError as error:
        raise SourceError(f"{response.url} sent {what} that is damaged or cut off: {error}") from error
    if envelope.tag != root:
        raise SourceError(f"{response.url} sent {envelope.tag} instead of {what}")
    return Page(envelope, tuple(records), opened[0], b"</" + opened[1] + b">")


def read_items(page: Page, source: str, read: Callable[[Element], PaperData]) -> Iterator[Item]:
    """Read every record of a page; what `read` refuses with a ValueError is set aside with its bytes and the reason.

    `raw_hash` is filled in here: only this room knows the bytes.
    """
    for number, raw in enumerate(page.records, 1):
        try:
            paper = read(page.element(raw))
        except ValueError as error:
            yield Rejected(source, _subject(raw, number), squash(str(error)), raw)
        else:
            yield _hashed(paper, raw)


def text_of(element: Element | None, path: str = "") -> str:
    """Give the text of an element, or of its first child at `path`, on one line; "" where there is none."""
    found = element.find(path) if element is not None and path else element
    return "" if found is None else squash("".join(found.itertext()))


def _hashed(paper: PaperData, raw: bytes) -> PaperData:
    return replace(paper, raw_hash=sha256(raw).hexdigest())


def _subject(raw: bytes, number: int) -> str:
    named = re.search(rb"<(?:identifier|guid|id)\b[^>]*>\s*([!-;=-~]{1,100})\s*<", raw)
    return named[1].decode("ascii") if named else f"record {number}"


def _parse(data: bytes) -> Element:
    try:
        root: Element = fromstring(data, forbid_dtd=True)
    except (ParseError, LookupError) as error:
        raise ValueError(f"no well-formed XML: {error}") from error
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
    return root


def _cut(body: bytes, name: bytes) -> tuple[bytes, list[bytes]]:
    opening = re.compile(rb"<((?:[\w.-]+:)?" + name + rb")(?:\s[^>]*)?>")
    rest, records, at = [], [], 0
    while found := opening.search(body, at):
        closing = b"</" + found[1] + b">"
        end = body.find(closing, found.end())
        if end < 0:
            break  # cut off: what is left does not close, and the page is refused as a whole
        rest.append(body[at : found.start()])
        at = end + len(closing)
        records.append(body[found.start() : at])
    rest.append(body[at:])
    return b"".join(rest), records
