"""What a source says of a paper: plain data, named by the stage it is in. Nothing here knows a database."""

from dataclasses import dataclass
from datetime import date, datetime

from broadsheet.record.identifiers import Identifier


@dataclass(frozen=True, slots=True)
class Author:
    """One author as the source names them; a collaboration is an author too."""

    name: str
    affiliation: str = ""
    orcid: str = ""


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a paper: v1 has number 1. `submitted` is UTC."""

    number: int
    submitted: datetime | None = None


@dataclass(frozen=True, slots=True)
class Link:
    """A link that a source or an abstract gives. `kind` is one of code, project, model, data, demo."""

    kind: str
    url: str


@dataclass(frozen=True, slots=True)
class PaperData:
    """A paper as one source gave it, read but not yet decided on.

    Texts are as they came: raw TeX kept, outer blanks and hard line breaks removed. Empty means not said.

    source: the name of the source in the registry, such as "arxiv-oai".
    raw_hash: SHA-256 (hex) of the bytes this was read from.
    submitted: when version 1 was handed in, UTC.
    announced: the edition day, a date in the feed's time zone; `announced_by` says how it is known:
        "feed" (the announcement itself), "listing" (a daily list that shows it), "estimate" (from `submitted` and
        the announcement schedule) or "" (not known).
    datestamp: when the source last changed its record.
    version: number of the version the texts are of; 0 when the source does not say.
    signals: counts that the source keeps, such as (("upvotes", 12), ("comments", 3)).
    """

    source: str
    title: str
    abstract: str = ""
    identifiers: tuple[Identifier, ...] = ()
    authors: tuple[Author, ...] = ()
    categories: tuple[str, ...] = ()
    submitted: datetime | None = None
    announced: date | None = None
    announced_by: str = ""
    datestamp: date | None = None
    version: int = 0
    versions: tuple[Version, ...] = ()
    withdrawn: bool = False
    comments: str = ""
    journal_ref: str = ""
    licence: str = ""
    links: tuple[Link, ...] = ()
    signals: tuple[tuple[str, int], ...] = ()
    raw_hash: str = ""


@dataclass(frozen=True, slots=True)
class Rejected:
    """An item that a source could not read: kept aside with the reason, never lost.

    subject: where it stood ("line 12", an identifier), short enough for one line.
    raw: its bytes as they came.
    """

    source: str
    subject: str
    reason: str
    raw: bytes


Item = PaperData | Rejected
