"""arXiv's OAI-PMH interface, the main source: every record that changed since the last harvest, category by category.

https://info.arxiv.org/help/oa/index.html; protocol: https://www.openarchives.org/OAI/openarchivesprotocol.html
"""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import ClassVar
from urllib.parse import urlencode
from xml.etree.ElementTree import Element

from broadsheet.lib.http import Http, Response
from broadsheet.lib.text import accents
from broadsheet.record.identifiers import ARCHIVES, ArxivId, arxiv_id
from broadsheet.record.paper import Author, Item, PaperData, Version
from broadsheet.sources.arxiv_fields import (
    estimate,
    identifiers,
    is_withdrawn,
    read_day,
    read_moment,
)
from broadsheet.sources.batch import Batch, SourceError, ask
from broadsheet.sources.holidays import LISTED
from broadsheet.sources.names import family_first, split_authors
from broadsheet.sources.reading import noon
from broadsheet.sources.xml import MAX_BYTES, Page, read_items, read_page, text_of

BASE = "https://oaipmh.arxiv.org/oai"
NAME = "arxiv-oai"
FORMATS = ("arXiv", "arXivRaw", "oai_dc")
# A group of its own has each archive that is not one of physics.
GROUPS = frozenset({"cs", "econ", "eess", "math", "q-bio", "q-fin", "stat"})
MAX_RESTARTS = 2
MAX_PAGES = 10_000
TIMEOUT = 180.0
_CATEGORY = re.compile(rf"(?P<archive>{ARCHIVES})(?:\.(?P<part>[A-Za-z-]+))?")


@dataclass(frozen=True)
class OaiPage:
    """One answer: what it holds, how to go on, and the error code where it is one.

    moment: the responseDate, as it came. size: how long the whole list is, None where not said.
    """

    items: tuple[Item, ...]
    token: str
    moment: str
    size: int | None
    error: str = ""
    says: str = ""


@dataclass(frozen=True)
class ArxivOai:
    """Harvests one set per category.

    categories: such as cs.AI, hep-th or a whole archive. metadata: one of FORMATS; arXivRaw tells the versions.
    overlap: days before the last harvest that are read again, up to 7 for a repair. first_days: how far back a first
    harvest goes when nobody says from when.
    The cursor keeps per category: watermark (responseDate at the beginning of the last run that was finished), and of
    the run under way its slice, from, started and token.
    """

    categories: tuple[str, ...]
    base: str = BASE
    metadata: str = "arXiv"
    overlap: int = 1
    first_days: int = 7
    holidays: Collection[date] = LISTED
    name: str = NAME
    tells_days: ClassVar[bool] = False

    def fetch(
        self, http: Http, cursor: Mapping[str, str], since: date | None = None, until: date | None = None
    ) -> Iterator[Batch]:
        """Give a batch per answer. since, until: days of the datestamp, the last change of a record.

        Without `until` nothing bounds the end, as arXiv asks of live harvesting. With it, or with a `since` that would
        leave a gap, the watermark stays where it is. Raises SourceError.
        """
        state = dict(cursor)
        for category in self.categories:
            yield from self._category(http, category, state, since, until)

    def _category(
        self, http: Http, category: str, state: dict[str, str], since: date | None, until: date | None
    ) -> Iterator[Batch]:
        self._begin(http, category, state, since, until)
        restarts = 0
        for _ in range(MAX_PAGES):
            token = state[f"{category}:token"]
            page = ask(http, self._url(category, state, until), self._read, timeout=TIMEOUT, max_bytes=MAX_BYTES)
            if page.error == "badResumptionToken" and token:
                restarts += 1
                if restarts > MAX_RESTARTS:
                    raise SourceError(f"{self.base} keeps refusing its own resumption tokens for {category}: try later")
                state.update({f"{category}:token": "", f"{category}:started": ""})
                continue
            if page.error not in ("", "noRecordsMatch"):
                raise SourceError(f"{self.base} refused the harvest of {category}: {page.error}: {page.says}", True)
            if token and page.token == token:
                raise SourceError(f"{self.base} sends the same page of {category} again and again: try later")
            self._advance(category, state, page, until)
            yield Batch(page.items, dict(state), page.size)
            if not page.token:
                return
        raise SourceError(f"{self.base} did not come to an end with {category} after {MAX_PAGES:,} pages")

    def _begin(self, http: Http, category: str, state: dict[str, str], since: date | None, until: date | None) -> None:
        """Go on with the run under way if it is of the same slice, else begin one."""
        part = f"{self.metadata}/{since or ''}/{until or ''}"
        if state.get(f"{category}:token") and state.get(f"{category}:slice") == part:
            return
        begin = since or self._default_start(http, state.get(f"{category}:watermark", ""))
        run = {"slice": part, "from": begin.isoformat(), "started": "", "token": ""}
        state.update({f"{category}:{key}": value for key, value in run.items()})

    def _default_start(self, http: Http, watermark: str) -> date:
        if not watermark:
            return http.clock().date() - timedelta(days=self.first_days)
        return read_moment(watermark).astimezone(UTC).date() - timedelta(days=self.overlap)

    def _url(self, category: str, state: Mapping[str, str], until: date | None) -> str:
        query = {"verb": "ListRecords"}
        if token := state[f"{category}:token"]:
            query["resumptionToken"] = token
        else:
            query |= {"metadataPrefix": self.metadata, "set": set_of(category), "from": state[f"{category}:from"]}
            if until:
                query["until"] = until.isoformat()
        return f"{self.base}?{urlencode(query)}"

    def _advance(self, category: str, state: dict[str, str], page: OaiPage, until: date | None) -> None:
        started = state[f"{category}:started"] or page.moment
        state.update({f"{category}:started": started, f"{category}:token": page.token})
        watermark = state.get(f"{category}:watermark", "")
        gapless = not watermark or state[f"{category}:from"] <= watermark[:10]
        if not page.token and until is None and gapless:
            # The first answer's moment, not the last's: what changed while we read is read again.
            state[f"{category}:watermark"] = max(watermark, started)

    def _read(self, response: Response) -> OaiPage:
        return read_oai(response, self.name, self.holidays)


def set_of(category: str) -> str:
    """Name the OAI set of a category: cs.AI is cs:cs:AI, hep-th is physics:hep-th. Raises SourceError."""
    match = _CATEGORY.fullmatch(category)
    if not match:
        raise SourceError(f"{category!r} is no category of arXiv; they look like cs.AI, math.NA or hep-th", True)
    archive = match["archive"]
    group = archive if archive in GROUPS else "physics"
    return ":".join(part for part in (group, archive, match["part"]) if part)


def read_oai(response: Response, source: str = NAME, holidays: Collection[date] = LISTED) -> OaiPage:
    """Read an answer to ListRecords or GetRecord in any of FORMATS. Raises SourceError where it is none."""
    page = read_page(response, "OAI-PMH", "record", "OAI-PMH")
    moment = text_of(page.root, "responseDate")
    if not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", moment):
        raise SourceError(f"{response.url} sent OAI-PMH without a responseDate")
    error = page.root.find("error")
    if error is not None:
        return OaiPage((), "", moment, None, error.get("code", "unknown"), text_of(error))
    if page.root.find("ListRecords") is None and page.root.find("GetRecord") is None:
        raise SourceError(f"{response.url} sent OAI-PMH without a list of records")
    token = page.root.find("ListRecords/resumptionToken")
    size = "" if token is None else token.get("completeListSize", "")
    return OaiPage(
        _items(page, source, holidays), text_of(token), moment, int(size) if re.fullmatch(r"\d{1,9}", size) else None
    )


def _items(page: Page, source: str, holidays: Collection[date]) -> tuple[Item, ...]:
    return tuple(read_items(page, source, lambda record: read_record(record, source, holidays)))


def read_record(record: Element, source: str, holidays: Collection[date]) -> PaperData:
    """Read one record, names without their name spaces. Raises ValueError; BadIdentifier is one."""
    header = record.find("header")
    if header is None:
        raise ValueError("the record has no header")
    identifier, datestamp = arxiv_id(text_of(header, "identifier")), read_day(text_of(header, "datestamp")[:10])
    if header.get("status") == "deleted":
        return PaperData(source, "", identifiers=(identifier.identifier,), datestamp=datestamp, withdrawn=True)
    metadata = record.find("metadata")
    if metadata is None or not len(metadata):
        raise ValueError("the record has no metadata")
    body = metadata[0]
    readers = {"arXiv": _read_arxiv, "arXivRaw": _read_raw}
    if body.tag == "dc":
        return _read_dc(body, header, source, identifier, datestamp, holidays)
    if body.tag not in readers:
        raise ValueError(f"the record is in the format {body.tag}, not one of {', '.join(FORMATS)}")
    if arxiv_id(text_of(body, "id")) != identifier:
        raise ValueError(f"the header names {identifier.value} and the record {text_of(body, 'id')}")
    return readers[body.tag](body, source, identifier, datestamp, holidays)


def _read_arxiv(body: Element, source: str, paper: ArxivId, datestamp: date, holidays: Collection[date]) -> PaperData:
    submitted = noon(read_day(text_of(body, "created")))
    authors = tuple(_author(author) for author in body.iterfind("authors/author"))
    return _paper(
        body, source, paper, datestamp, holidays, submitted,
        authors=tuple(author for author in authors if any(char.isalnum() for char in author.name)),
    )  # fmt: skip


def _read_raw(body: Element, source: str, paper: ArxivId, datestamp: date, holidays: Collection[date]) -> PaperData:
    versions = tuple(sorted(map(_version, body.iterfind("version")), key=lambda version: version.number))
    if not versions or versions[0].submitted is None:
        raise ValueError("the record names no version")
    return _paper(
        body, source, paper, datestamp, holidays, versions[0].submitted,
        authors=split_authors(text_of(body, "authors")), versions=versions,
    )  # fmt: skip


def _paper(
    body: Element,
    source: str,
    paper: ArxivId,
    datestamp: date,
    holidays: Collection[date],
    submitted: datetime,
    authors: tuple[Author, ...],
    versions: tuple[Version, ...] = (),
) -> PaperData:
    title, abstract, comments = (text_of(body, name) for name in ("title", "abstract", "comments"))
    if not title:
        raise ValueError("the record has no title")
    return PaperData(
        source=source,
        title=title,
        abstract=abstract,
        identifiers=identifiers(paper, text_of(body, "doi")),
        authors=authors,
        categories=tuple(dict.fromkeys(text_of(body, "categories").split())),
        submitted=submitted,
        announced=estimate(submitted, paper, holidays),
        announced_by="estimate",
        datestamp=datestamp,
        version=versions[-1].number if versions else 0,
        versions=versions,
        withdrawn=is_withdrawn(comments, abstract),
        comments=comments,
        journal_ref=text_of(body, "journal-ref"),
        licence=text_of(body, "license"),
    )


def _author(author: Element) -> Author:
    name = " ".join(filter(None, (text_of(author, part) for part in ("forenames", "keyname", "suffix"))))
    affiliations = filter(None, map(text_of, author.iterfind("affiliation")))
    return Author(accents(name), "; ".join(affiliations))


def _version(version: Element) -> Version:
    number = re.fullmatch(r"v([1-9]\d{0,2})", version.get("version", ""))
    if not number:
        raise ValueError(f"{version.get('version')!r} is not a version")
    return Version(int(number[1]), read_moment(text_of(version, "date")).astimezone(UTC))


def _read_dc(
    body: Element, header: Element, source: str, paper: ArxivId, datestamp: date, holidays: Collection[date]
) -> PaperData:
    """Read Dublin Core: poorer than the others. Its subjects are names, so the categories come from the sets."""
    texts = {name: [text_of(found) for found in body.iterfind(name)] for name in ("description", "identifier", "date")}
    comments = " ".join(t.removeprefix("Comment: ") for t in texts["description"] if t.startswith("Comment: "))
    abstract = next((text for text in texts["description"] if not text.startswith("Comment: ")), "")
    title, submitted = text_of(body, "title"), noon(read_day(min(texts["date"], default="")))
    if not title:
        raise ValueError("the record has no title")
    return PaperData(
        source=source,
        title=title,
        abstract=abstract,
        identifiers=identifiers(paper, " ".join(t for t in texts["identifier"] if t.lower().startswith("doi:"))),
        authors=tuple(filter(None, (family_first(text_of(creator)) for creator in body.iterfind("creator")))),
        categories=tuple(filter(None, (_category_of(text_of(spec)) for spec in header.iterfind("setSpec")))),
        submitted=submitted,
        announced=estimate(submitted, paper, holidays),
        announced_by="estimate",
        datestamp=datestamp,
        withdrawn=is_withdrawn(comments, abstract),
        comments=comments,
        journal_ref="; ".join(t for t in texts["identifier"] if not re.match(r"doi:|https?://", t, re.IGNORECASE)),
        licence=text_of(body, "rights"),
    )


def _category_of(spec: str) -> str:
    """Name the category of a set, "" for the sets of whole groups and archives that have classes."""
    parts = spec.split(":")
    if len(parts) == 3:
        return f"{parts[1]}.{parts[2]}"
    return parts[1] if len(parts) == 2 and parts[0] == "physics" else ""
