"""What all parts of the bench of the cluster share: two nodes, a log that grows, and indexes in one process."""

import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from typing import Final

from broadsheet.bench.cluster_log import StoredLog
from broadsheet.bench.cluster_site import TwoNodes, settle
from broadsheet.bench.corpus import built_encoder
from broadsheet.bench.scale_papers import MadeLog, real_sample
from broadsheet.bench.search import made_queries
from broadsheet.search.catch_up import catch_up
from broadsheet.search.cluster.actors import Layout
from broadsheet.search.cluster.gateway import Gateway
from broadsheet.search.cluster.remote import Cluster
from broadsheet.search.dividing import catch_up_all
from broadsheet.search.types import Encoder, Filter, Mode, PaperToIndex

PAPERS: Final = 20_000
SHARDS: Final = 4
K: Final = 20
QUERIES: Final = 120
MODES: Final[tuple[Mode, ...]] = ("hybrid", "page")
# The papers that are there from the beginning; those of the filter stay as they are while others come in.
LAST_OLD: Final = date(2024, 12, 31)
OLD: Final = Filter(until=LAST_OLD)


@dataclass
class Bench:
    """What all parts share."""

    home: Path
    encoder: Encoder
    nodes: TwoNodes
    log: StoredLog
    made: MadeLog
    way: Gateway
    queries: Sequence[str]
    layout: Layout
    figures: dict[str, float] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    @property
    def opened(self) -> Callable[[], StoredLog]:
        """What opens the log in another process."""
        return partial(StoredLog, self.log.path)

    @property
    def one(self) -> Path:
        """Where the one shard of one process is."""
        return self.nodes.folder / "one"

    @property
    def four(self) -> Path:
        """Where the four shards of one process are."""
        return self.nodes.folder / "four"

    def cluster(self, layout: Layout) -> Cluster:
        """Give what searches by actors, as a web process does."""
        return Cluster(layout, self.encoder, asker=self.way)

    def follow(self) -> None:
        """Let the shards in process have every paper."""
        catch_up_all(self.four, SHARDS, self.log, self.encoder.id)

    def papers(self, ids: range) -> list[PaperToIndex]:
        """Make the papers of these numbers."""
        return sorted(self.made.papers(ids).values(), key=lambda paper: paper.id)


@contextmanager
def prepared(home: Path) -> Iterator[Bench]:
    """Make the log, the indexes in process and the two nodes; nothing is left running after the block."""
    sample = real_sample(home)
    made = MadeLog(sample, PAPERS)
    nodes = TwoNodes(home / "bench" / "cluster")
    shutil.rmtree(nodes.folder, ignore_errors=True)
    nodes.prepare(home / "encoders")
    log = StoredLog(nodes.folder / "log.sqlite3")
    first = [_first(paper) for paper in made.papers(range(1, PAPERS + 1)).values()]
    log.append(sorted(first, key=lambda paper: paper.id))
    encoder = built_encoder(home)
    layout = Layout("shard", SHARDS, 1, encoder.id)
    way = Gateway(nodes.address, nodes.home("a"))
    bench = Bench(home, encoder, nodes, log, made, way, made_queries(first, QUERIES), layout)
    catch_up(bench.one, log, encoder.id)
    bench.follow()
    try:
        nodes.start("a")
        nodes.start("b")
        way.bring_up(layout, bench.opened)
        settle(way, layout, bench.opened, log.head())
        yield bench
    finally:
        way.close()
        nodes.stop()
        shutil.rmtree(nodes.folder, ignore_errors=True)


def _first(paper: PaperToIndex) -> PaperToIndex:
    return replace(paper, day=min(paper.day or LAST_OLD, LAST_OLD))


def later(paper: PaperToIndex) -> PaperToIndex:
    """Give a paper the day of one that comes in later."""
    return replace(paper, day=LAST_OLD + timedelta(days=365))
