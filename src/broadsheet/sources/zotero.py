"""Zotero libraries over the Web API, version 3: what a person or a group collected, taken as papers.

The names of requests, headers and fields: https://www.zotero.org/support/dev/web_api/v3/basics. Tags and notes are the
reader's own: they are given apart from the papers and only where they are asked for, collections not at all.
"""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import ClassVar, Final
from urllib.parse import urlencode

from broadsheet.lib.http import Http, Response
from broadsheet.lib.text import squash
from broadsheet.record.paper import Author, Item, PaperData
from broadsheet.sources.batch import Batch, SourceError, ask, next_page
from broadsheet.sources.marks import Marks, Note
from broadsheet.sources.note_text import plain_note
from broadsheet.sources.reading import MAX_RECORD, BadItem, field_text, hashed, possible_day, rejected, too_long
from broadsheet.sources.reference import Reference, paper_of, unmarked

SOURCE: Final = "zotero"
BASE: Final = "https://api.zotero.org"
KEYS: Final = "https://www.zotero.org/settings/keys"
VERSION: Final = {"Zotero-API-Version": "3"}
# The most that one answer holds.
LIMIT: Final = 100
MAX_PAGES: Final = 2000
# The most items that one request may name.
KEYS_AT_ONCE: Final = 50
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
_ITEM = re.compile(r"[A-Z0-9]{8}", re.ASCII)
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
    marks: where there is one, it is filled with what the owner noted on each paper, by `raw_hash`: the tags they gave
        (not those that came with the item) and their notes, as far as the key may read them.
    The cursor keeps under `remembered` the version of the library that is in the record.
    """

    library: str
    key: str = field(default="", repr=False)
    base: str = BASE
    remembered: str = ""
    most: int = 0
    timeout: float = 60.0
    marks: dict[str, Marks] | None = field(default=None, repr=False, compare=False)
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
            for page in self._walk(http, cursor.get(place, "")):
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

    def _walk(self, http: Http, version: str) -> Iterator["Page"]:
        """Give the pages of items and, where marks are wanted, read those of notes after them."""
        papers: dict[str, str] = {}
        changed = False
        for page in self._pages(http, version):
            changed = True
            self._mark(page, papers)
            yield page
        # A library without changes is not asked again.
        if self.marks is not None and changed:
            yield from self._noted(http, version, papers)

    def _mark(self, page: "Page", papers: dict[str, str]) -> None:
        if self.marks is None:
            return
        for one in page.owned:
            papers[one.key] = one.raw_hash
            self.marks[one.raw_hash] = self.marks.get(one.raw_hash, Marks()) | Marks(tags=one.tags)

    def _noted(self, http: Http, version: str, papers: dict[str, str]) -> Iterator["Page"]:
        """Read the notes, and the papers of those whose papers did not change."""
        notes: list[Child] = []
        for page in self._asked(http, self._url("items", version, itemType="note"), version, self._read_notes):
            notes += page.notes
            yield page
        others = list(dict.fromkeys(note.parent for note in notes if note.parent not in papers))
        for start in range(0, len(others), KEYS_AT_ONCE) if version else ():
            url = self._url("items", "", itemKey=",".join(others[start : start + KEYS_AT_ONCE]))
            for page in self._asked(http, url, "", self._read):
                self._mark(page, papers)
                yield page
        for note in notes:
            if note.parent in papers and self.marks is not None:
                raw_hash = papers[note.parent]
                told = Marks(notes=(Note(note.text, f"zotero {note.key}"),))
                self.marks[raw_hash] = self.marks.get(raw_hash, Marks()) | told

    def _url(self, what: str, version: str, **more: str) -> str:
        query = {"format": "json", "include": "data", "limit": str(LIMIT), **more}
        return f"{self.base}/{self.library}/{what}?{urlencode(query | ({'since': version} if version else {}))}"

    def _pages(self, http: Http, version: str) -> Iterator["Page"]:
        # Items keep their place in the order in which they were added, whatever is done to them meanwhile.
        query = {"format": "json", "include": "data", "limit": LIMIT, "sort": "dateAdded", "direction": "asc"}
        if version:
            query["since"] = version
        url = f"{self.base}/{self.library}/items/top?{urlencode(query)}"
        yield from self._asked(http, url, version, self._read)

    def _asked(self, http: Http, url: str, version: str, read: "Read") -> Iterator["Page"]:
        headers = self._headers() | ({"If-Modified-Since-Version": version} if version else {})
        most = -(-self.most // LIMIT) or MAX_PAGES
        for number in range(1, most + 1):
            page = self._ask(http, url, headers, read)
            if page is None:
                return
            yield page
            if not page.next or (self.most and number == most):
                return
            _rest(http, page.wait)
            url = page.next
        raise SourceError(f"{self.library} at {self.base} does not come to an end: try later")

    def _ask(self, http: Http, url: str, headers: Mapping[str, str], read: "Read") -> "Page | None":
        accept, timeout = (403, 404, 412), self.timeout
        return ask(http, url, lambda found: read(found, http), headers=headers, accept=accept, timeout=timeout)

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
        items, passed, owned = _sorted_out(rows, http.clock().date())
        return self._page(response, items, passed, owned=owned)

    def _read_notes(self, response: Response, http: Http) -> "Page | None":
        """Read an answer about notes; a key may be allowed to read papers and no notes. Raises SourceError."""
        if response.status in (304, 403, 404):
            return None
        if response.status == 412:
            return CHANGED
        return self._page(response, (), Counter(), notes=tuple(_notes(self._rows(response))))

    def _page(
        self,
        response: Response,
        items: tuple[Item, ...],
        passed: Counter[str],
        *,
        owned: tuple["Owned", ...] = (),
        notes: tuple["Child", ...] = (),
    ) -> "Page":
        version, wait = (response.headers.get(name, "") for name in ("last-modified-version", "backoff"))
        if not _NUMBER.fullmatch(version):
            raise SourceError(f"the answer for {self.library} does not tell its version: is {self.base} Zotero?")
        seconds = float(wait) if _NUMBER.fullmatch(wait) else 0.0
        return Page(items, version, passed, next_page(response, self.base), seconds, owned, notes)

    def _rows(self, response: Response) -> list[object]:
        try:
            rows = json.loads(response.body)
        except (ValueError, RecursionError) as error:
            raise SourceError(f"Zotero sent no JSON for {self.library}: {error}; try again later") from error
        if not isinstance(rows, list):
            kind = type(rows).__name__
            raise SourceError(f"Zotero sent {kind} instead of a list for {self.library}; try again later")
        return rows


@dataclass(frozen=True, slots=True)
class Owned:
    """A paper as its owner has it: its key there, the hash of what was read of it, the tags that they gave it."""

    key: str
    raw_hash: str
    tags: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Child:
    """A note: its key, that of the item it belongs to, and its text."""

    key: str
    parent: str
    text: str


@dataclass(frozen=True, slots=True)
class Page:
    """One answer: its items, the version of the library, what was passed over, the next page, and seconds to wait.

    owned: what its owner noted on the papers among the items. notes: those of an answer about notes.
    """

    items: tuple[Item, ...]
    version: str
    passed: Counter[str]
    next: str = ""
    wait: float = 0.0
    owned: tuple[Owned, ...] = ()
    notes: tuple[Child, ...] = ()


Read = Callable[[Response, Http], Page | None]
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


def _sorted_out(rows: list[object], today: date) -> tuple[tuple[Item, ...], Counter[str], tuple[Owned, ...]]:
    """Give the papers among the rows, how many there are of each other kind, and what their owner noted on them."""
    items: list[Item] = []
    owned: list[Owned] = []
    passed: Counter[str] = Counter()
    for number, row in enumerate(rows, 1):
        told = row.get("data") if isinstance(row, dict) else None
        if isinstance(told, dict) and told.get("deleted"):
            passed["in the bin"] += 1
        elif isinstance(told, dict) and (kind := str(told.get("itemType"))) not in PAPERS:
            passed[kind[:40]] += 1
        else:
            item = _item(row, told, f"item {number}", today)
            items.append(item)
            if isinstance(item, PaperData) and isinstance(told, dict):
                owned.append(Owned(str(told.get("key"))[:40], item.raw_hash, _tags(told.get("tags"))))
    return tuple(items), passed, tuple(owned)


def _tags(told: object) -> tuple[str, ...]:
    """Give the tags that people gave; those of type 1 came with the item from where it was found."""
    rows = [one for one in told if isinstance(one, dict)] if isinstance(told, list) else []
    tags = (one.get("tag") for one in rows if one.get("type") != 1)
    return tuple(squash(tag) for tag in tags if isinstance(tag, str) and tag.strip())


def _notes(rows: Sequence[object]) -> Iterator[Child]:
    """Give the notes among the rows that belong to an item and say something."""
    for row in rows:
        told = row.get("data") if isinstance(row, dict) else None
        if not isinstance(told, dict) or told.get("itemType") != "note" or told.get("deleted"):
            continue
        key, parent, written = (told.get(name) for name in ("key", "parentItem", "note"))
        keys = [one for one in (key, parent) if isinstance(one, str) and _ITEM.fullmatch(one)]
        if len(keys) == 2 and isinstance(written, str) and (text := plain_note(written)):
            yield Child(keys[0], keys[1], text)


def _item(row: object, told: object, subject: str, today: date) -> Item:
    if not isinstance(row, dict) or not isinstance(told, dict):
        raw = json.dumps(row, default=str).encode(errors="replace")
        return rejected(SOURCE, subject, "an item without its data", raw)
    # What a person noted, filed and tagged is no part of the paper, and not kept where an item cannot be read.
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
        title=unmarked(field_text(told.get("title"), "title")),
        abstract=unmarked(field_text(told.get("abstractNote"), "abstractNote")),
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
