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
class Account:
    """A person's public account at another site: the name in its addresses, and the one shown."""

    handle: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class ListedAuthor:
    """What a list tells of an author beside the name: the account, and how sure its tie to the author is.

    place: in the paper's authors, from 0. status: a word of the list's own, such as claimed_verified; since: UTC.
    """

    place: int
    account: Account | None = None
    status: str = ""
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Listing:
    """What a daily list at another site tells of a paper, beside the paper itself. Empty means not said.

    summary: a sentence made by a machine, by the model `summary_by`; keywords: likewise.
    organisation: where the paper comes from, as (name in addresses, name shown).
    media: addresses of pictures and films.
    discussion: the id of its discussion there. code_by: who gave the link to the code, user or auto.
    """

    summary: str = ""
    summary_by: str = ""
    keywords: tuple[str, ...] = ()
    submitter: Account | None = None
    organisation: tuple[str, str] | None = None
    media: tuple[str, ...] = ()
    authors: tuple[ListedAuthor, ...] = ()
    discussion: str = ""
    code_by: str = ""


@dataclass(frozen=True, slots=True)
class Sighting:
    """What a source last gave of a paper: the hash of its bytes, when it last changed its record, and its counts."""

    source: str
    raw_hash: str = ""
    datestamp: date | None = None
    signals: tuple[tuple[str, int], ...] = ()


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
    listing: what a daily list tells of it beside all that.
    sightings: only of a copy from another Broadsheet: what each source gave there, `source` among them; they take the
        place of `raw_hash` and `signals`, which are empty.
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
    listing: Listing | None = None
    raw_hash: str = ""
    sightings: tuple[Sighting, ...] = ()


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
