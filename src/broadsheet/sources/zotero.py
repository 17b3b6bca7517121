"""Zotero libraries over the Web API, version 3: what a person or a group collected, taken as papers.

The names of requests, headers and fields: https://www.zotero.org/support/dev/web_api/v3/basics. Notes, tags and
collections stay where they are: they are the reader's own.
"""

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import ClassVar, Final
from urllib.parse import urlencode, urljoin, urlsplit

from broadsheet.lib.http import Http, Response
from broadsheet.lib.text import squash
from broadsheet.record.paper import Author, Item, PaperData
from broadsheet.sources.batch import Batch, SourceError, ask
from broadsheet.sources.reading import MAX_RECORD, BadItem, field_text, hashed, possible_day, rejected, too_long
from broadsheet.sources.reference import Reference, paper_of

SOURCE: Final = "zotero"
BASE: Final = "https://api.zotero.org"
KEYS: Final = "https://www.zotero.org/settings/keys"
VERSION: Final = {"Zotero-API-Version": "3"}
# The most that one answer holds.
LIMIT: Final = 100
MAX_PAGES: Final = 2000
RESTARTS: Final = 3
# Kinds of items that are papers; pictures, films, web pages, mails and laws are not.
PAPERS: Final = frozenset(
    {"preprint", "journalArticle", "conferencePaper", "manuscript", "report", "thesis", "bookSection"}
)
# Fields that say in what a paper appeared, and fields in which the id of a preprint is found.
APPEARED: Final = ("publicationTitle", "proceedingsTitle", "bookTitle")
NAMING: Final = ("archiveID", "reportNumber", "number", "extra", "publicationTitle", "archiveLocation")
TOLD: Final = ("itemType", "title", "creators", "abstractNote", "DOI", "url", "date", *APPEARED, *NAMING)

_LIBRARY = re.compile(r"(?:users|groups)/[1-9]\d{0,11}(?:/collections/[A-Z0-9]{8})?", re.ASCII)
_KEY = re.compile(r"[A-Za-z0-9]{1,64}", re.ASCII)
_NEXT = re.compile(r"<([^<>]*)>[^,<]*;\s*rel=\"?next\"?")
_MARKUP = re.compile(r"</?(?:i|b|sub|sup|span)\b[^<>]*>")
_EXTRA_DOI = re.compile(r"^\s*DOI:\s*(\S+)", re.IGNORECASE | re.MULTILINE)
_EXTRA_ARXIV = re.compile(r"^\s*(arxiv\b.*)$", re.IGNORECASE | re.MULTILINE)
_DAY = re.compile(r"\d{4}(?:-\d\d){0,2}", re.ASCII)
_NUMBER = re.compile(r"\d{1,12}", re.ASCII)


def library(text: str) -> str:
    """Read which library is meant: users/ID or groups/ID, and one collection of it as …/collections/KEY.

    Raises SourceError.
    """
    named = text.strip().strip("/").removeprefix("zotero:")
    if not _LIBRARY.fullmatch(named):
        raise SourceError(
            f"{text[:80]!r} names no Zotero library: write users/ID or groups/ID; your own number is shown at {KEYS}",
            permanent=True,
        )
    return named


@dataclass(frozen=True)
class Zotero:
    """Reads the papers of a library, or those that changed since the last time.

    library: users/ID, groups/ID, or one collection of them. key: an API key that may read it; "" for a public one.
    most: how many items are asked for at most; 0 for all. timeout: seconds for one answer.
    The cursor keeps under `remembered` the version of the library that is in the record.
    """

    library: str
    key: str = field(default="", repr=False)
    base: str = BASE
    remembered: str = ""
    most: int = 0
    timeout: float = 60.0
    name: str = SOURCE
    tells_days: ClassVar[bool] = False

    def fetch(
        self, http: Http, cursor: Mapping[str, str], since: date | None = None, until: date | None = None
    ) -> Iterator[Batch]:
        """Give a batch per page, and at the end one without items that brings the new cursor. Raises SourceError.

        A library that changes while it is read is read from the start: its pages have moved.
        """
        place = self.remembered or self.library
        for _ in range(RESTARTS):
            version = ""
            passed: Counter[str] = Counter()
            for page in self._pages(http, cursor.get(place, "")):
                if not page.version or version not in ("", page.version):
                    break
                version = page.version
                passed.update(page.passed)
                yield Batch(page.items, dict(cursor), len(page.items))
            else:
                known = {place: version} if version else {}
                yield Batch((), {**cursor, **known}, None, _passed_over(passed))
                return
        raise SourceError(f"{self.library} keeps changing while it is read: try again when nobody works in it")

    def _pages(self, http: Http, version: str) -> Iterator["Page"]:
        # Items keep their place in the order in which they were added, whatever is done to them meanwhile.
        query = {"format": "json", "include": "data", "limit": LIMIT, "sort": "dateAdded", "direction": "asc"}
        if version:
            query["since"] = version
        url = f"{self.base}/{self.library}/items/top?{urlencode(query)}"
        headers = self._headers() | ({"If-Modified-Since-Version": version} if version else {})
        most = -(-self.most // LIMIT) or MAX_PAGES
        for number in range(1, most + 1):
            page = self._ask(http, url, headers)
            if page is None:
                return
            yield page
            if not page.next or (self.most and number == most):
                return
            _rest(http, page.wait)
            url = page.next
        raise SourceError(f"{self.library} at {self.base} does not come to an end: try later")

    def _ask(self, http: Http, url: str, headers: Mapping[str, str]) -> "Page | None":
        accept, timeout = (403, 404, 412), self.timeout
        return ask(http, url, lambda found: self._read(found, http), headers=headers, accept=accept, timeout=timeout)

    def _headers(self) -> dict[str, str]:
        if self.key and not _KEY.fullmatch(self.key):
            raise SourceError(f"what was given is no Zotero key: make one at {KEYS}", permanent=True)
        return VERSION | ({"Zotero-API-Key": self.key} if self.key else {})

    def _read(self, response: Response, http: Http) -> "Page | None":
        """Read an answer: a page, nothing for a library that has not changed. Raises SourceError."""
        match response.status:
            case 304:
                return None
            case 403:
                says = "the key may not read it, or is none" if self.key else "it is not public"
                raise SourceError(f"Zotero does not show {self.library}: {says}; make a key at {KEYS}", permanent=True)
            case 404:
                raise SourceError(f"Zotero has no library {self.library}: is there a slip in it?", permanent=True)
            case 412:
                return CHANGED
        rows = self._rows(response)
        version = response.headers.get("last-modified-version", "")
        if not _NUMBER.fullmatch(version):
            raise SourceError(f"the answer for {self.library} does not tell its version: is {self.base} Zotero?")
        items, passed = _sorted_out(rows, http.clock().date())
        wait = response.headers.get("backoff", "")
        return Page(items, version, passed, self._next(response), float(wait) if _NUMBER.fullmatch(wait) else 0.0)

    def _rows(self, response: Response) -> list[object]:
        try:
            rows = json.loads(response.body)
        except (ValueError, RecursionError) as error:
            raise SourceError(f"Zotero sent no JSON for {self.library}: {error}; try again later") from error
        if not isinstance(rows, list):
            kind = type(rows).__name__
            raise SourceError(f"Zotero sent {kind} instead of a list for {self.library}; try again later")
        return rows

    def _next(self, response: Response) -> str:
        link = _NEXT.search(response.headers.get("link", ""))
        url = str(urljoin(response.url, link[1])) if link else ""
        if url and urlsplit(url)[:2] != urlsplit(self.base)[:2]:
            raise SourceError(f"Zotero names a next page at another host, {url[:200]}, which is not asked", True)
        return url


@dataclass(frozen=True, slots=True)
class Page:
    """One answer: its items, the version of the library, what was passed over, the next page, and seconds to wait."""

    items: tuple[Item, ...]
    version: str
    passed: Counter[str]
    next: str = ""
    wait: float = 0.0


# What stands for a page of a library that somebody changed meanwhile.
CHANGED: Final = Page((), "", Counter())


def _rest(http: Http, seconds: float) -> None:
    """Wait as the server asks by Backoff before it is asked again."""
    if seconds > http.patience:
        raise SourceError(f"Zotero asks to be left alone for {seconds:.0f} s: try again later")
    if seconds:
        http.sleep(seconds)


def _passed_over(passed: Counter[str]) -> str:
    kinds = ", ".join(f"{count} {kind}" for kind, count in passed.most_common(8))
    return f"{passed.total():,} items that are no papers were passed over: {kinds}" if passed else ""


def _sorted_out(rows: list[object], today: date) -> tuple[tuple[Item, ...], Counter[str]]:
    """Give the papers among the rows, and how many there are of each other kind."""
    items: list[Item] = []
    passed: Counter[str] = Counter()
    for number, row in enumerate(rows, 1):
        told = row.get("data") if isinstance(row, dict) else None
        if isinstance(told, dict) and told.get("deleted"):
            passed["in the bin"] += 1
        elif isinstance(told, dict) and (kind := str(told.get("itemType"))) not in PAPERS:
            passed[kind[:40]] += 1
        else:
            items.append(_item(row, told, f"item {number}", today))
    return tuple(items), passed


def _item(row: object, told: object, subject: str, today: date) -> Item:
    if not isinstance(row, dict) or not isinstance(told, dict):
        raw = json.dumps(row, default=str).encode(errors="replace")
        return rejected(SOURCE, subject, "an item without its data", raw)
    # What a person noted, filed and tagged is not looked at and not kept, not even where an item cannot be read.
    known = {name: told[name] for name in TOLD if told.get(name)}
    raw = json.dumps(known, ensure_ascii=False, sort_keys=True).encode(errors="surrogatepass")
    subject = f"item {told.get('key') or subject}"[:40]
    if len(raw) > MAX_RECORD:
        return too_long(SOURCE, subject, len(raw), raw)
    meta = row.get("meta")
    try:
        return _paper(known, meta.get("parsedDate") if isinstance(meta, dict) else None, raw, today)
    except ValueError as wrong:
        return rejected(SOURCE, subject, wrong, raw)


def _paper(told: Mapping[str, object], parsed: object, raw: bytes, today: date) -> PaperData:
    extra = told.get("extra")
    extra = extra if isinstance(extra, str) else ""
    said = {name: field_text(told.get(name), name) for name in (*APPEARED, *NAMING, "DOI", "url") if name != "extra"}
    appeared = next((said[name] for name in APPEARED if said[name]), "")
    written = _EXTRA_DOI.search(extra)
    reference = Reference(
        title=_unmarked(field_text(told.get("title"), "title")),
        abstract=_unmarked(field_text(told.get("abstractNote"), "abstractNote")),
        authors=_authors(told.get("creators")),
        doi=said["DOI"] or (written[1] if written else ""),
        url=said["url"],
        arxiv=said["archiveID"] if said["archiveID"].lower().startswith("arxiv") else "",
        date=_date(parsed, today) or _date(told.get("date"), today),
        journal_ref="" if "arxiv" in appeared.lower() else appeared,
        # Of the free text only the lines that name the paper itself: a comment may name other papers.
        elsewhere=(*(said[name] for name in NAMING if name != "extra"), *_EXTRA_ARXIV.findall(extra)),
    )
    return paper_of(reference, SOURCE, hashed(raw), today)


def _authors(told: object) -> tuple[Author, ...]:
    """Give the authors in their order; editors and those who helped are none."""
    authors = []
    for one in told if isinstance(told, list) else []:
        if isinstance(one, dict) and one.get("creatorType") == "author":
            first, last, whole = (field_text(one.get(part), part) for part in ("firstName", "lastName", "name"))
            if name := whole or squash(f"{first} {last}"):
                authors.append(Author(name))
    return tuple(authors)


def _date(told: object, today: date) -> str:
    """Give a date as far as it is known: YYYY, YYYY-MM or YYYY-MM-DD; nothing for one that cannot be right."""
    text = re.sub(r"(?:-00)+$", "", told.strip()) if isinstance(told, str) else ""
    if not _DAY.fullmatch(text):
        return ""
    try:
        possible_day(text + "-01-01"[len(text) - 4 :], today)
    except BadItem:
        return ""
    return text


def _unmarked(text: str) -> str:
    return squash(_MARKUP.sub("", text)) if "<" in text else text
