"""How the record is written, and read back for deciding.

Called by `papers.ingest` and `papers.vectors` inside their transactions, and by nobody else.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime
from hashlib import sha256
from typing import Final

from django.db import connection
from django.db.models import Max, Model

from broadsheet.lib.text import fold
from broadsheet.papers import rows
from broadsheet.papers.models import (
    Authorship,
    Change,
    Identifier,
    InCategory,
    Paper,
    Quarantined,
    Sighting,
    Signal,
    Tag,
    Version,
)
from broadsheet.record.decide import Known, Revise
from broadsheet.record.facts import Facts, facts
from broadsheet.record.identifiers import Identifier as Name
from broadsheet.record.identifiers import arxiv_month
from broadsheet.record.linkage import short_title_key, text_hash
from broadsheet.record.paper import Author, Link, Listing, PaperData, Rejected
from broadsheet.record.paper import Version as VersionData
from broadsheet.record.wire import listing_from_json, listing_to_json

# Enough of a broken item to see what is wrong with it; a source cannot fill the disk.
QUARANTINE_BYTES: Final = 65536
# Below the number of variables that every SQLite allows in one statement.
LOOKUP: Final = 900
CATEGORIES: Final = 400
TAG_COLUMNS: Final = ("paper", "key", "name")
CATEGORY_COLUMNS: Final = ("paper", "code", "day")
LONGEST_CODE: Final = 80
LOG_LOCK: Final = 0x62726F61
to_json: Final = json.JSONEncoder(ensure_ascii=False).encode
# The counts of the sample are Hugging Face's, of the day the sample was made: its own later ones replace them.
COUNTED_BY: Final = {"sample": "huggingface"}
# The counts of others that lists make use of, in the order of the columns that hold them.
OUTSIDE: Final = ("upvotes", "comments", "github_stars")
# With the votes of all readers of the world added, still a number that a column holds.
MOST_COUNTED: Final = 10**9


def lock_log() -> None:
    """Let one transaction at a time number changes, so that numbers appear in the order of their commits.

    SQLite's IMMEDIATE transactions do so by themselves.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOG_LOCK])


def lookup(model: type[Model], column: str, values: Iterable[str], number: str = "paper_id") -> list[tuple[str, int]]:
    """Give (value, paper number) for the rows in which a column holds one of the values.

    The values travel as one parameter: an IN list of thousands costs more to write down than to answer.
    """
    wanted = list(dict.fromkeys(values))
    names = f"{connection.ops.quote_name(column)}, {connection.ops.quote_name(number)}"
    is_one = "= ANY(%s)" if connection.vendor == "postgresql" else "IN (SELECT value FROM json_each(%s))"
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {names} FROM {model._meta.db_table} WHERE {connection.ops.quote_name(column)} {is_one}",
            [wanted if connection.vendor == "postgresql" else to_json(wanted)],
        )
        return list(cursor.fetchall())


def known(numbers: Iterable[int]) -> dict[int, Known]:
    """Read papers back into the form that decisions are made on."""
    wanted, found = list(numbers), {}
    for start in range(0, len(wanted), LOOKUP):
        papers = Paper.objects.filter(id__in=wanted[start : start + LOOKUP])
        for paper in papers.prefetch_related("identifiers", "versions", "sightings"):
            seen = frozenset(sighting.raw_hash for sighting in paper.sightings.all())
            found[paper.id] = Known(paper.id, as_data(paper), seen)
    return found


def as_data(paper: Paper) -> PaperData:
    """Give a paper of the record as the data a source would have given."""
    return PaperData(
        source=paper.source,
        title=paper.title,
        abstract=paper.abstract,
        identifiers=tuple(Name(*name.name.split(":", 1)) for name in paper.identifiers.all()),
        authors=tuple(Author(**author) for author in paper.authors),
        categories=tuple(paper.category_list),
        submitted=paper.submitted,
        announced=paper.announced,
        announced_by=paper.announced_by,
        datestamp=paper.datestamp,
        version=paper.version,
        versions=tuple(
            VersionData(version.number, version.submitted)
            for version in sorted(paper.versions.all(), key=lambda version: version.number)
        ),
        withdrawn=paper.withdrawn,
        comments=paper.remarks,
        journal_ref=paper.journal_ref,
        licence=paper.licence,
        links=tuple(Link(**link) for link in paper.links),
        listing=listing_from_json(paper.listing) if paper.listing else None,
    )


def named(data: PaperData) -> PaperData:
    """Give a new paper without an arXiv id a name of our own: the same on every machine that meets the same paper."""
    if _arxiv_id(data) or any(name.scheme == "broadsheet" for name in data.identifiers):
        return data
    told = str(data.identifiers[0]) if data.identifiers else f"{short_title_key(data.title)}\0{data.abstract[:200]}"
    own = "b" + sha256(told.encode(errors="replace")).hexdigest()[:12]
    return replace(data, identifiers=(*data.identifiers, Name("broadsheet", own)))


def public_id(data: PaperData) -> str:
    """Give the arXiv id where there is one, else the id of our own."""
    return _arxiv_id(data) or next(name.value for name in data.identifiers if name.scheme == "broadsheet")


def _arxiv_id(data: PaperData) -> str:
    for name in data.identifiers:
        if name.scheme == "arxiv":
            return name.value
    return ""


PAPER_COLUMNS: Final = (
    "id", "key", "title", "abstract", "authors", "categories", "submitted", "announced", "announced_by", "datestamp",
    "id_month", "version", "withdrawn", "remarks", "journal_ref", "licence", "source", "text_hash", "title_key",
    "links", "facts", "has_code", "listing",
)  # fmt: skip


def _paper_row(number: int, data: PaperData, found: Facts) -> tuple[object, ...]:
    return (
        number,
        public_id(data),
        data.title,
        data.abstract,
        to_json([_sparse(author) for author in data.authors]),
        _fitting(data.categories),
        data.submitted,
        data.announced,
        data.announced_by,
        data.datestamp,
        arxiv_month(_arxiv_id(data)),
        data.version,
        data.withdrawn,
        data.comments,
        data.journal_ref,
        data.licence[:200],
        data.source,
        text_hash(data.title, data.abstract),
        short_title_key(data.title),
        to_json([asdict(link) for link in data.links]) if data.links else "[]",
        to_json(told) if (told := found.to_json()) else "{}",
        found.has_code,
        to_json(listing_to_json(data.listing)) if data.listing else "{}",
    )


def _fitting(categories: Sequence[str]) -> str:
    """Join category names as far as the column holds them, each whole or not at all."""
    joined = " ".join(categories)
    return joined if len(joined) <= CATEGORIES else joined[: CATEGORIES + 1].rpartition(" ")[0]


def _sparse(author: Author) -> dict[str, str]:
    told = {"name": author.name}
    if author.affiliation:
        told["affiliation"] = author.affiliation
    if author.orcid:
        told["orcid"] = author.orcid
    return told


def insert_papers(papers: Mapping[int, PaperData], now: datetime) -> None:
    """Insert new papers with all that hangs on them."""
    found = {number: _facts(data) for number, data in papers.items()}
    rows.insert(
        Paper,
        (*PAPER_COLUMNS, "first_seen"),
        [(*_paper_row(number, data, found[number]), now) for number, data in papers.items()],
    )
    rows.insert(Identifier, ("name", "paper"), [row for pair in papers.items() for row in _name_rows(*pair)], "name")
    rows.insert(
        Version, ("paper", "number", "submitted"), [row for pair in papers.items() for row in _version_rows(*pair)]
    )
    rows.insert(
        Authorship,
        ("paper", "position", "name", "name_key", "affiliation"),
        [row for pair in papers.items() for row in _author_rows(*pair)],
    )
    tagged = [row for number, data in papers.items() for row in _tag_rows(number, data, found[number])]
    rows.insert(Tag, TAG_COLUMNS, tagged)
    shown = ((number, data) for number, data in papers.items() if data.announced and not data.withdrawn)
    filed = [row for number, data in shown for row in category_rows(number, _fitting(data.categories), data.announced)]
    rows.insert(InCategory, CATEGORY_COLUMNS, filed)


def category_rows(number: int, categories: str, day: date | None) -> Iterator[tuple[object, ...]]:
    """Give the rows of InCategory for a paper that lists show; categories as its column holds them."""
    for code in dict.fromkeys(categories.split()):
        # Longer ones are no category of anybody's: nothing is listed under them.
        if len(code) <= LONGEST_CODE:
            yield number, code, day


def file_anew(number: int) -> None:
    """File a paper under its categories as it is now; one that lists do not show under none."""
    InCategory.objects.filter(paper=number).delete()
    told = Paper.objects.filter(id=number, withdrawn=False, hidden=False).values_list(
        "categories", "announced", "placed"
    )
    for categories, announced, placed in told:
        if day := announced or placed:
            rows.insert(InCategory, CATEGORY_COLUMNS, category_rows(number, categories, day))


def _facts(data: PaperData) -> Facts:
    return facts(data.title, data.abstract, data.links)


def _tag_rows(number: int, data: PaperData, found: Facts) -> Iterator[tuple[object, ...]]:
    keywords = data.listing.keywords if data.listing else ()
    named = {tag_key(name): name[:80] for name in (*found.benchmarks, *keywords)}
    return ((number, key, name) for key, name in named.items() if key)


def tag_key(name: str) -> str:
    """Give a topic's name as it stands in addresses: folded, its words joined by hyphens."""
    return "-".join(re.findall(r"[^\W_]+", fold(name)))[:80]


def _name_rows(number: int, data: PaperData) -> Iterator[tuple[object, ...]]:
    for name in data.identifiers:
        yield str(name), number


def _version_rows(number: int, data: PaperData) -> Iterator[tuple[object, ...]]:
    for version in data.versions:
        yield number, version.number, version.submitted


def _author_rows(number: int, data: PaperData) -> Iterator[tuple[object, ...]]:
    for position, author in enumerate(data.authors):
        yield number, position, author.name[:300], fold(author.name)[:300], author.affiliation


def revise_paper(revisions: Sequence[Revise]) -> None:
    """Bring a known paper to what it has become; what its fields held before goes into the change log."""
    number, data = revisions[-1].known.id, revisions[-1].data
    changed = {name for revision in revisions for name in revision.changed}
    found = _facts(data)
    values = dict(zip(PAPER_COLUMNS, _paper_row(number, data, found), strict=True))
    for name in ("authors", "links", "facts", "listing"):
        values[name] = json.loads(str(values[name]))
    Paper.objects.filter(id=number).update(**values)
    if "identifiers" in changed:
        rows.insert(Identifier, ("name", "paper"), _name_rows(number, data), "name")
    if "versions" in changed:
        Version.objects.filter(paper=number).delete()
        rows.insert(Version, ("paper", "number", "submitted"), _version_rows(number, data))
    if "authors" in changed:
        Authorship.objects.filter(paper=number).delete()
        columns = ("paper", "position", "name", "name_key", "affiliation")
        rows.insert(Authorship, columns, _author_rows(number, data))
    if {"abstract", "listing"} & changed:
        Tag.objects.filter(paper=number).delete()
        rows.insert(Tag, TAG_COLUMNS, _tag_rows(number, data, found))
    if {"categories", "announced", "withdrawn"} & changed:
        file_anew(number)


@dataclass(frozen=True, slots=True)
class LogEntry:
    """An entry of the change log before it has its number; `old` is JSON."""

    paper: int
    kind: str
    source: str = ""
    old: str = "{}"


def log_entry(revision: Revise) -> LogEntry:
    """Give the entry that tells of a revision."""
    return LogEntry(revision.known.id, revision.kind, revision.data.source, _old(revision))


def append_log(entries: Sequence[LogEntry], now: datetime) -> None:
    """Append to the change log; the caller holds its lock."""
    first = (Change.objects.aggregate(last=Max("seq"))["last"] or 0) + 1
    rows.insert(
        Change,
        ("seq", "paper", "kind", "source", "at", "old"),
        [(seq, entry.paper, entry.kind, entry.source, now, entry.old) for seq, entry in enumerate(entries, first)],
    )


def _old(revision: Revise) -> str:
    known = revision.known.data
    return json.dumps({name: getattr(known, name) for name in revision.changed}, default=_plain, ensure_ascii=False)


def _plain(value: object) -> object:
    if isinstance(value, Name):
        return str(value)
    if isinstance(value, Listing):
        return listing_to_json(value)
    return asdict(value) if hasattr(value, "__dataclass_fields__") else str(value)  # type: ignore[call-overload]


def record_sightings(sightings: Mapping[tuple[int, str], PaperData], now: datetime) -> None:
    """Note what each source last gave of a paper, and the counts it keeps."""
    rows.insert(
        Sighting,
        ("paper", "source", "raw_hash", "datestamp", "seen"),
        [(number, source, item.raw_hash, item.datestamp, now) for (number, source), item in sightings.items()],
        replace="paper_id,source",
    )
    counted = {key: item for key, item in sightings.items() if item.signals}
    rows.insert(
        Signal,
        ("paper", "source", "name", "value", "observed"),
        [
            (number, COUNTED_BY.get(source, source), name, value, now)
            for (number, source), item in counted.items()
            for name, value in item.signals
        ],
        replace="paper_id,source,name",
    )
    recount(sorted({number for number, _source in counted}))


def recount(numbers: Sequence[int]) -> None:
    """Derive the outside counts of papers from the newest counts of their sources."""
    for start in range(0, len(numbers), LOOKUP):
        totals: dict[int, dict[str, int]] = {}
        found = Signal.objects.filter(paper__in=numbers[start : start + LOOKUP], name__in=OUTSIDE)
        for number, name, value in found.values_list("paper_id", "name", "value"):
            counts = totals.setdefault(number, dict.fromkeys(OUTSIDE, 0))
            counts[name] = min(counts[name] + value, MOST_COUNTED)
        columns = "votes_outside = %s, comments_outside = %s, stars = %s"
        with connection.cursor() as cursor:
            cursor.executemany(
                f"UPDATE {Paper._meta.db_table} SET {columns} WHERE id = %s",
                [(*counts.values(), number) for number, counts in totals.items()],
            )


@dataclass(frozen=True, slots=True)
class Tally:
    """What the readers of this site gave to a paper: counts, and the same weighed by the readers' standing."""

    votes: int
    vote_weight: float
    comments: int
    commenters: float


def lock_paper(number: int) -> bool:
    """Hold a paper's row until the transaction ends, so that what is counted is what is kept; say if there is one.

    Its key is left free: two who both added a row that points at the paper would wait for each other for ever.
    """
    return (
        Paper.objects.select_for_update(no_key=True).filter(id=number).values_list("id", flat=True).first() is not None
    )


def write_tally(number: int, tally: Tally) -> None:
    """Keep what readers gave to a paper; the caller counted it in this transaction, holding `lock_paper`."""
    Paper.objects.filter(id=number).update(
        votes_here=tally.votes,
        vote_weight=tally.vote_weight,
        comments_here=tally.comments,
        commenters=tally.commenters,
    )


def place(number: int, day: date | None) -> None:
    """Place a paper in the edition of a day, beside its own; None takes it out again."""
    Paper.objects.filter(id=number).update(placed=day)
    file_anew(number)


def hide(number: int, hidden: bool) -> None:
    """Take a paper off every list, or put it back; the record keeps it."""
    Paper.objects.filter(id=number).update(hidden=hidden)
    file_anew(number)


def quarantine(rejected: Mapping[str, Rejected], now: datetime) -> None:
    """Keep items aside, by the digest of what they are; the same one again is kept once."""
    columns = ("digest", "source", "subject", "reason", "raw", "at")
    kept = [
        (digest, item.source, clean(item.subject)[:200], clean(item.reason)[:500], item.raw[:QUARANTINE_BYTES], now)
        for digest, item in rejected.items()
    ]
    rows.insert(Quarantined, columns, kept, replace="digest")


def clean(text: str) -> str:
    """Drop what PostgreSQL cannot keep and a page cannot show: NULs and lone surrogates."""
    return text.replace("\0", "").encode(errors="replace").decode()
