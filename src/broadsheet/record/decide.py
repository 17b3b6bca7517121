"""What becomes of a paper that comes in: decided here, in one function that touches nothing else."""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Final

from broadsheet.lib.text import fold, title_key
from broadsheet.record.identifiers import Identifier
from broadsheet.record.linkage import shared_runs
from broadsheet.record.paper import Author, Listing, PaperData, Version

# Who is believed when two sources differ: the higher one. A source also believes itself, later over earlier.
AUTHORITY: Final = {
    "sample": 0,
    "saved-page": 1,
    "bibtex": 2,
    "ris": 2,
    "csl-json": 2,
    "zotero": 2,
    "doi": 3,
    "huggingface": 3,
    "arxiv-feeds": 4,
    "arxiv-jsonl": 5,
    "arxiv-api": 6,
    "arxiv-oai": 6,
}
# How an edition day is known, weakest first; a stronger way replaces a weaker one, an equal one does not move a paper.
CERTAINTY: Final = ("", "estimate", "listing", "feed")
TEXTS: Final = ("title", "abstract", "comments", "journal_ref", "licence")
# Below this share of common runs of three words, and with another title, a poorer source speaks of another paper.
OTHER_TEXT: Final = 0.02


@dataclass(frozen=True, slots=True)
class Known:
    """A paper as the record has it, for deciding: `data.source` is the source its texts came from.

    seen: the hashes of the bytes that sources last gave of it.
    """

    id: int
    data: PaperData
    seen: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Insert:
    """A paper the record has not."""

    data: PaperData


@dataclass(frozen=True, slots=True)
class Same:
    """Nothing new but, perhaps, the counts a source keeps."""

    known: Known


@dataclass(frozen=True, slots=True)
class Revise:
    """Known, and now known better. `changed` names the fields; `data` is the whole paper as it becomes."""

    known: Known
    data: PaperData
    changed: tuple[str, ...]

    @property
    def kind(self) -> str:
        """What the change log calls it."""
        if "withdrawn" in self.changed:
            return "withdraw" if self.data.withdrawn else "restore"
        return "link" if set(self.changed) <= {"identifiers", "links", "listing"} else "revise"


@dataclass(frozen=True, slots=True)
class Conflict:
    """It cannot be true of the papers it names; kept aside for a person."""

    reason: str


Decision = Insert | Same | Revise | Conflict


def decide(matches: Sequence[Known], incoming: PaperData) -> Decision:
    """Decide what becomes of a paper that came in.

    matches: the papers that its identifiers name, or, where they name none, the one that linkage found.

    1. Bytes that were seen before change nothing.
    2. Identifiers of two papers, or a poorer source with quite another text, are a conflict.
    3. A deletion of a paper that was never here is nothing; a paper without a title is none.
    4. What no match is new.
    5. Else the two are merged field by field; if that changes nothing it is the same.
    """
    if any(incoming.raw_hash and incoming.raw_hash in known.seen for known in matches):
        return Same(next(known for known in matches if incoming.raw_hash in known.seen))
    if len(matches) > 1:
        return Conflict(f"it names {len(matches)} papers: {', '.join(_name(known) for known in matches)}")
    if not matches:
        if not incoming.title:
            return Conflict("it is a deletion of a paper that is not here" if incoming.withdrawn else "it has no title")
        return Insert(incoming)
    known = matches[0]
    if _is_another(known.data, incoming):
        return Conflict(f"its title and abstract are not those of {_name(known)}, {known.data.title!r}")
    merged = merge(known.data, incoming)
    changed = tuple(
        field.name
        for field in fields(PaperData)
        if field.name not in UNTOLD and getattr(merged, field.name) != getattr(known.data, field.name)
    )
    return Revise(known, merged, changed) if changed else Same(known)


# Book-keeping that changes without the paper changing.
UNTOLD: Final = frozenset({"raw_hash", "signals", "sightings", "datestamp", "source"})


def merge(known: PaperData, incoming: PaperData) -> PaperData:
    """Join what is known with what came in: the richer source wins a field, a poorer one only fills what is empty."""
    trusted = AUTHORITY[incoming.source] >= AUTHORITY[known.source] and not _is_older(known, incoming)
    first, second = (incoming, known) if trusted else (known, incoming)
    announced = incoming if _is_surer(incoming, known) else known
    listed = incoming if incoming.listing else known
    authors = first.authors or second.authors
    return replace(
        known,
        **{name: getattr(first, name) or getattr(second, name) for name in TEXTS},
        source=incoming.source if trusted and incoming.title else known.source,
        identifiers=_union(known.identifiers, incoming.identifiers),
        authors=authors,
        categories=first.categories or second.categories,
        submitted=first.submitted or second.submitted,
        announced=announced.announced,
        announced_by=announced.announced_by,
        datestamp=max(filter(None, (known.datestamp, incoming.datestamp)), default=None),
        version=max(known.version, incoming.version),
        versions=_versions(known.versions, incoming.versions),
        withdrawn=incoming.withdrawn if trusted and _tells_withdrawal(incoming) else known.withdrawn,
        links=tuple(dict.fromkeys(known.links + incoming.links)),
        listing=_moved(listed.listing, listed.authors, authors) if listed.listing else None,
        raw_hash=incoming.raw_hash,
        signals=incoming.signals,
    )


def _name(known: Known) -> str:
    return str(known.data.identifiers[0]) if known.data.identifiers else f"paper {known.id}"


def _is_another(known: PaperData, incoming: PaperData) -> bool:
    """A poorer source that gives another title and other words to an identifier has the identifier wrong."""
    if AUTHORITY[incoming.source] >= AUTHORITY[known.source] or not (known.abstract and incoming.abstract):
        return False
    if title_key(known.title) == title_key(incoming.title):
        return False
    return shared_runs(known.abstract, incoming.abstract) < OTHER_TEXT


def _is_older(known: PaperData, incoming: PaperData) -> bool:
    """An answer from before what is known: an earlier version, or an earlier state of the same source's record."""
    if incoming.version and known.version and incoming.version != known.version:
        return incoming.version < known.version
    return bool(
        incoming.source == known.source
        and incoming.datestamp
        and known.datestamp
        and incoming.datestamp < known.datestamp
    )


def _is_surer(incoming: PaperData, known: PaperData) -> bool:
    return CERTAINTY.index(incoming.announced_by) > CERTAINTY.index(known.announced_by)


def _tells_withdrawal(incoming: PaperData) -> bool:
    """Only arXiv's own records say whether a paper still stands; a list that shows it says nothing of that."""
    return incoming.withdrawn or incoming.source in ("arxiv-oai", "arxiv-api")


def _moved(listing: Listing, told: tuple[Author, ...], kept: tuple[Author, ...]) -> Listing:
    """Let what a list tells of authors stand at their places among the authors that are kept.

    A list that hides an author counts one less than another source: names then tell who is who.
    """
    if len(told) == len(kept):
        return listing
    places = {fold(author.name): place for place, author in enumerate(kept)}
    known = (author for author in listing.authors if author.place < len(told))
    moved = ((author, places.get(fold(told[author.place].name))) for author in known)
    return replace(listing, authors=tuple(replace(one, place=place) for one, place in moved if place is not None))


def _union(known: tuple[Identifier, ...], incoming: tuple[Identifier, ...]) -> tuple[Identifier, ...]:
    return tuple(dict.fromkeys(known + incoming))


def _versions(known: tuple[Version, ...], incoming: tuple[Version, ...]) -> tuple[Version, ...]:
    joined = {version.number: version for version in known}
    for version in incoming:
        if version.submitted or version.number not in joined:
            joined[version.number] = version
    return tuple(joined[number] for number in sorted(joined))
