"""The one door into the record: every write to a paper is here.

Items come in batches; each batch is one transaction, so that a kill at any moment leaves whole batches or nothing of
one. What an item means is decided by `record.decide`, which knows no database.
"""

import gc
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, fields, replace
from datetime import datetime
from hashlib import sha256
from typing import Final

from django.db import transaction
from django.db.models import Max

from broadsheet.lib.clock import now as wall_clock
from broadsheet.lib.progress import Progress, silent
from broadsheet.papers import store
from broadsheet.papers.models import Harvest, Paper, Sighting
from broadsheet.papers.models import Identifier as Named
from broadsheet.record.decide import Conflict, Decision, Insert, Known, Revise, Same, decide
from broadsheet.record.identifiers import Identifier
from broadsheet.record.linkage import have_two_arxiv_ids, same_paper, short_title_key
from broadsheet.record.paper import Item, PaperData, Rejected

# A kill loses so many papers at most, and who votes meanwhile waits for them. Among hundreds of thousands each batch
# touches nearly every page of the indexes that are in no order, so that half as many batches write half as much.
BATCH: Final = 8000
# Characters of titles and abstracts, or bytes kept aside, after which a batch ends early: memory is bounded by it.
HEAVY: Final = 64 << 20
# What the column of names holds, less the scheme.
LONGEST_NAME: Final = 480


@dataclass
class Report:
    """What became of the items. `linked`: known papers that gained a name or a link and nothing else."""

    seen: int = 0
    new: int = 0
    revised: int = 0
    same: int = 0
    linked: int = 0
    quarantined: int = 0

    def add(self, other: "Report") -> None:
        """Add the counts of another batch."""
        for count in fields(self):
            setattr(self, count.name, getattr(self, count.name) + getattr(other, count.name))

    def to_json(self) -> dict[str, int]:
        """The counts by name."""
        return asdict(self)


def ingest(
    items: Iterable[Item],
    *,
    now: datetime | None = None,
    progress: Progress = silent,
    batch: int = BATCH,
    report: Report | None = None,
) -> Report:
    """Take items into the record, batch by batch, each in a transaction of its own.

    report: counts to add to; given by a caller who wants them although the items end in an exception. Items that came
    before it are taken in.
    """
    report = Report() if report is None else report
    group: list[Item] = []
    held = 0

    def take() -> None:
        nonlocal held
        try:
            report.add(ingest_batch(group, now=now or wall_clock()))
        finally:
            group.clear()
            held = 0
        gc.collect(0)
        progress(report.seen)

    with _collected_by_hand():
        try:
            for item in items:
                group.append(item)
                held += len(item.raw) if isinstance(item, Rejected) else len(item.title) + len(item.abstract)
                if len(group) == batch or held >= HEAVY:
                    take()
        finally:
            if group:
                take()
    return report


@contextmanager
def _collected_by_hand() -> Iterator[None]:
    """Leave the search for reference cycles to the caller.

    A batch makes tens of thousands of objects that live until it is written: looking through them again and again
    while they do takes a fifteenth of an import, one look when they are gone takes nothing.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def ingest_batch(
    items: Sequence[Item], *, now: datetime, harvest: str = "", cursor: Mapping[str, str] | None = None
) -> Report:
    """Take one batch into the record in one transaction, with the cursor of the harvest that brought it."""
    with transaction.atomic():
        store.lock_log()
        work = _Batch(now)
        for item in _with_matches(items, work):
            work.take(item)
        work.write()
        if cursor is not None:
            Harvest.objects.filter(source=harvest).update(cursor=dict(cursor))
    return work.report


def recognise(papers: Sequence[PaperData]) -> list[int | None]:
    """Tell which paper of the record each of these is, as an import would find it; None for one that is not here.

    One that names two papers is none. Nothing is written.
    """
    work = _Batch(wall_clock())
    work.load(papers)
    return [work.number_of(paper) for paper in papers]


def _with_matches(items: Sequence[Item], work: "_Batch") -> Iterator[Item]:
    """Load what the record knows of a batch's papers before the first of them is decided on."""
    papers = [item for item in items if isinstance(item, PaperData)]
    work.load(papers)
    yield from items


@dataclass
class _Batch:
    """A batch while it is decided on: what is known of its papers, kept up to date, and the rows to be written."""

    now: datetime
    report: Report = field(default_factory=Report)
    known: dict[int, Known] = field(default_factory=dict)
    by_name: dict[str, int] = field(default_factory=dict)
    by_title: dict[str, list[int]] = field(default_factory=dict)
    by_hash: dict[str, int] = field(default_factory=dict)
    inserted: dict[int, PaperData] = field(default_factory=dict)
    revised: dict[int, tuple[Revise, ...]] = field(default_factory=dict)
    sightings: dict[tuple[int, str], PaperData] = field(default_factory=dict)
    rejected: dict[str, Rejected] = field(default_factory=dict)
    next_id: int = 0

    def load(self, papers: Sequence[PaperData]) -> None:
        """Find what the record knows: by hash, by identifier, by title."""
        self.next_id = (Paper.objects.aggregate(last=Max("id"))["last"] or 0) + 1
        hashes = [paper.raw_hash for paper in papers if paper.raw_hash]
        for raw_hash, number in store.lookup(Sighting, "raw_hash", hashes):
            self.by_hash[raw_hash] = number
        fresh = [paper for paper in papers if paper.raw_hash not in self.by_hash]
        for name, number in store.lookup(Named, "name", [str(name) for paper in fresh for name in paper.identifiers]):
            self.by_name[name] = number
        for key, number in store.lookup(Paper, "title_key", [short_title_key(paper.title) for paper in fresh], "id"):
            self.by_title.setdefault(key, []).append(number)
        numbers = {*self.by_name.values(), *(number for group in self.by_title.values() for number in group)}
        self.known.update(store.known(numbers))

    def take(self, item: Item) -> None:
        """Decide on one item and note the rows that follow."""
        self.report.seen += 1
        if isinstance(item, Rejected):
            self.reject(item)
            return
        seen = self.by_hash.get(item.raw_hash) if item.raw_hash else None
        if seen is not None:
            self.report.same += 1
            return
        paper = self.with_own_names(item)
        self.apply(paper, decide(self.matches(paper), paper))

    def with_own_names(self, paper: PaperData) -> PaperData:
        """Leave out names that cannot be the paper's own: too long to keep, or another paper's."""
        kept = tuple(
            name
            for name in paper.identifiers
            if len(name.value) <= LONGEST_NAME and (name.scheme == "arxiv" or not self.is_anothers(name, paper))
        )
        return paper if len(kept) == len(paper.identifiers) else replace(paper, identifiers=kept)

    def is_anothers(self, name: Identifier, paper: PaperData) -> bool:
        """Tell whether a name that is known is that of another paper.

        The two parts of one article share its DOI and have an arXiv id each. An address may be that of a whole
        conference; it names a paper only where the titles agree.
        """
        number = self.by_name.get(str(name))
        if number is None:
            return False
        known = self.known[number].data
        if have_two_arxiv_ids(known, paper):
            return True
        return name.scheme == "url" and short_title_key(known.title) != short_title_key(paper.title)

    def number_of(self, paper: PaperData) -> int | None:
        """The number of the one paper it is, where the record has it."""
        if paper.raw_hash in self.by_hash:
            return self.by_hash[paper.raw_hash]
        found = self.matches(self.with_own_names(paper))
        return found[0].id if len(found) == 1 else None

    def matches(self, paper: PaperData) -> list[Known]:
        """The papers its identifiers name, else the one its title and text make it."""
        named = dict.fromkeys(self.by_name[str(name)] for name in paper.identifiers if str(name) in self.by_name)
        if named:
            return [self.known[number] for number in named]
        candidates = self.by_title.get(short_title_key(paper.title), []) if paper.title else []
        return [known for number in candidates if same_paper((known := self.known[number]).data, paper)][:1]

    def apply(self, item: PaperData, decision: Decision) -> None:
        """Note what follows from a decision."""
        match decision:
            case Conflict(reason):
                subject = str(item.identifiers[0]) if item.identifiers else item.title[:80]
                self.reject(Rejected(item.source, subject, reason, _as_bytes(item)))
            case Insert(fresh):
                self.report.new += 1
                data = store.named(fresh)
                number, self.next_id = self.next_id, self.next_id + 1
                self.inserted[number] = data
                self.remember(number, data, item)
            case Same(known):
                self.report.same += 1
                self.remember(known.id, replace(known.data, raw_hash=item.raw_hash), item)
            case Revise(known, data):
                if decision.kind == "link":
                    self.report.linked += 1
                else:
                    self.report.revised += 1
                if known.id in self.inserted:
                    self.inserted[known.id] = data
                else:
                    self.revised[known.id] = (*self.revised.get(known.id, ()), decision)
                self.remember(known.id, data, item)

    def remember(self, number: int, data: PaperData, item: PaperData) -> None:
        """Let later items of the batch find the paper as it is now."""
        seen = self.known[number].seen if number in self.known else frozenset()
        self.known[number] = Known(number, data, seen | {item.raw_hash})
        for one in _as_seen(item):
            self.sightings[number, one.source] = one
            if one.raw_hash:
                self.by_hash[one.raw_hash] = number
        for name in data.identifiers:
            self.by_name[str(name)] = number
        titled = self.by_title.setdefault(short_title_key(data.title), [])
        if number not in titled:
            titled.append(number)

    def reject(self, item: Rejected) -> None:
        """Keep an item aside; the same one again is kept once."""
        self.report.quarantined += 1
        digest = sha256(f"{item.source}\0{item.subject}\0{item.reason}\0".encode(errors="replace") + item.raw)
        self.rejected[digest.hexdigest()[:32]] = item

    def write(self) -> None:
        """Write the rows of the batch."""
        store.insert_papers(self.inserted, self.now)
        for revisions in self.revised.values():
            store.revise_paper(revisions)
        entries = [store.LogEntry(number, "insert", data.source) for number, data in self.inserted.items()]
        entries += [store.log_entry(revision) for revisions in self.revised.values() for revision in revisions]
        store.append_log(entries, self.now)
        store.record_sightings(self.sightings, self.now)
        store.quarantine(self.rejected, self.now)


def _as_seen(item: PaperData) -> tuple[PaperData, ...]:
    """Give what each source said of it: of a copy from another Broadsheet what they said there."""
    if not item.sightings:
        return (item,)
    return tuple(
        replace(item, source=one.source, raw_hash=one.raw_hash, datestamp=one.datestamp, signals=one.signals)
        for one in item.sightings
    )


def _as_bytes(item: PaperData) -> bytes:
    return json.dumps(asdict(item), default=str, ensure_ascii=False).encode(errors="replace")
