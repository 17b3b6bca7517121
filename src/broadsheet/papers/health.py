"""What is healthy, what is late, what is misconfigured: for `broadsheet doctor`, the health page and monitors."""

import shutil
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.db.models import Max

from broadsheet.lib.clock import now as wall_clock
from broadsheet.papers import completeness, encoder_change, encoder_setup, finding
from broadsheet.papers.completeness import DayHealth
from broadsheet.papers.database import size_on_disk
from broadsheet.papers.models import Change, Harvest, Paper, Quarantined
from broadsheet.search.cluster.node import ClusterError
from broadsheet.sources.holidays import is_listed

# Less than this and a harvest, a merge of the index or a backup may fail.
LEAST_FREE: Final = 2**30
MOST_BEHIND: Final = 1000
# Seconds that the cluster is given for each of two questions.
CLUSTER_PATIENCE: Final = 6.0
UNTOLD: Final = "not all shards of the cluster tell what they hold"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing looked at: whether it is well, what was found, and what to do where it is not.

    vital: readers are not served as they should be while this is not well. A source that does not answer is not vital.
    """

    name: str
    ok: bool
    says: str
    do: str = ""
    vital: bool = False

    def to_json(self) -> dict[str, object]:
        """The check in the form that scripts rely on."""
        return asdict(self)


def checks(now: datetime | None = None) -> list[Check]:
    """Look at everything."""
    moment = now or wall_clock()
    return [
        papers_check(),
        *source_checks(moment),
        completeness_check(moment),
        quarantine_check(moment),
        encoder_check(),
        index_check(),
        *cluster_checks(),
        disk_check(),
        contact_check(),
        calendar_check(moment),
    ]


def papers_check() -> Check:
    """Are there papers, and are they real ones of now?"""
    if not Paper.objects.exists():
        return Check("papers", True, "none is here yet", "run `broadsheet harvest`, or leave it to the worker")
    if not Paper.objects.exclude(source="sample").exists():
        return Check("papers", True, "only the sample is here", "run `broadsheet harvest` where there is a network")
    newest = Paper.objects.aggregate(newest=Max("announced"))["newest"]
    return Check("papers", True, f"{Paper.objects.count():,} papers, the newest of {newest}")


def source_checks(now: datetime) -> list[Check]:
    """Did each source answer lately?"""
    rows = {row.source: row for row in Harvest.objects.all()}
    return [_source_check(name, rows.get(name), now) for name in settings.CONFIG.sources]


def _source_check(name: str, row: Harvest | None, now: datetime) -> Check:
    title = f"source {name}"
    if row is None or row.started is None:
        return Check(title, True, "not harvested yet", f"run `broadsheet harvest {name}`, or leave it to the worker")
    if row.state == "failed":
        do = "see that this machine reaches it; it is tried again by itself"
        return Check(title, False, f"{row.says} (last success: {row.succeeded or 'never'})", do)
    grace = timedelta(minutes=settings.CONFIG.harvest_every) * 3
    if row.succeeded and now - row.succeeded > max(grace, timedelta(hours=6)):
        return Check(title, False, f"last success {row.succeeded}", "see that the worker runs: `broadsheet run`")
    return Check(title, True, f"{row.state}, last success {row.succeeded or 'never'}")


def recent_days(count: int = 14, now: datetime | None = None) -> list[DayHealth]:
    """Tell of the last days, newest first."""
    return completeness.recent_days(now or wall_clock(), settings.CONFIG.sources, count)


def completeness_check(now: datetime) -> Check:
    """Did everything come that was expected in the last week?"""
    if not Harvest.objects.exists():
        return Check("completeness", True, "nothing was harvested yet")
    wrong = [day for day in recent_days(7, now) if day.state in ("failed", "partial")]
    if wrong:
        told = ", ".join(f"{day.day} {day.state}" for day in wrong)
        return Check("completeness", False, told, "see /health; late papers join their day when they come")
    return Check("completeness", True, "nothing is missing from the last seven days")


def quarantine_check(now: datetime) -> Check:
    """How much could not be read?"""
    total = Quarantined.objects.count()
    lately = Quarantined.objects.filter(at__gte=now - timedelta(days=1)).count()
    do = "see /health for the reasons; the bytes are kept" if total else ""
    return Check(
        "kept aside",
        lately == 0 or lately * 20 < Paper.objects.count(),
        f"{total:,} {'item' if total == 1 else 'items'}, {lately:,} since yesterday",
        do,
    )


def encoder_check() -> Check:
    """Is there search by meaning?"""
    if settings.CONFIG.encoder == "none":
        return Check("encoder", True, "none is wanted: search goes by words alone")
    if not encoder_setup.is_built():
        return Check("encoder", False, "not built: search goes by words alone", "run `broadsheet encoder build`")
    # By the index, which knows at once what counting in a record of millions takes seconds to tell.
    state = finding.reader().state
    if state is None and settings.CONFIG.cluster:
        return Check("encoder", True, f"built; {UNTOLD}")
    if state is None:
        return Check(
            "encoder", True, "built; nothing is indexed yet", "run `broadsheet index`, or leave it to the worker"
        )
    told = [f"{state.encoded:,} of {state.papers:,} indexed papers encoded"]
    told += [f"{one.name} is coming: {one.encoded:,} of {one.papers:,}" for one in encoder_change.coming()]
    return Check("encoder", True, "; ".join(told), "" if state.encoded == state.papers else "the worker goes on")


def index_lag() -> int:
    """How many changes of the record the index has not seen."""
    head = int(Change.objects.aggregate(last=Max("seq"))["last"] or 0)
    return head - finding.indexed_up_to()


def index_check() -> Check:
    """Does the index follow the record?"""
    if settings.CONFIG.cluster and not finding.indexed_up_to():
        return Check("index", False, UNTOLD, "see the cluster", vital=True)
    lag = index_lag()
    return Check("index", lag <= MOST_BEHIND, f"{lag:,} changes behind", "run `broadsheet index`" if lag else "", True)


def cluster_checks() -> list[Check]:
    """Do all shards of the cluster answer, where there is one?"""
    return [_cluster_check()] if settings.CONFIG.cluster else []


def _cluster_check() -> Check:
    do = "see `broadsheet cluster status`, and that `broadsheet cluster up` runs on each host"
    try:
        way = finding.gateway()
        nodes = sum(bool(node["alive"]) for node in way.nodes(CLUSTER_PATIENCE))
        seen = [one for one in way.standings(CLUSTER_PATIENCE) if finding.layout().parse(one.name)]
    except ClusterError as problem:
        # The head may be away while its shards answer.
        whole = finding.indexed_up_to() > 0
        says = f"{problem}; searches go on" if whole else str(problem)
        return Check("cluster", False, says, do, vital=not whole)
    wanted = settings.CONFIG.shards * settings.CONFIG.replicas
    following = [one for one in seen if one.state == "following"]
    behind = int(Change.objects.aggregate(last=Max("seq"))["last"] or 0) - min(
        (one.seq for one in following), default=0
    )
    whole = {one.shard for one in following} == set(range(settings.CONFIG.shards))
    well = len(following) >= wanted and behind <= MOST_BEHIND
    says = f"{nodes} nodes, {len(following)} of {wanted} shards and replicas answer, {behind:,} changes behind"
    return Check("cluster", well, says, "" if well else do, vital=not whole)


def disk_check() -> Check:
    """Is there room?"""
    free = shutil.disk_usage(settings.CONFIG.home).free
    says = f"{free / 2**30:.1f} GiB free; the record takes {size_on_disk() / 2**20:.0f} MiB"
    do = "" if free >= LEAST_FREE else "make room: less than 1 GiB is left"
    return Check("disk", free >= LEAST_FREE, says, do, vital=True)


def contact_check() -> Check:
    """Do the sources know whom to write to?"""
    if settings.CONFIG.contact:
        # Not which one: this is shown to everybody.
        return Check("contact", True, "it is set, and told to the sources with each request")
    return Check("contact", True, "no contact is set", "set `contact` to your mail address: arXiv asks robots for one")


def calendar_check(now: datetime) -> Check:
    """Are arXiv's holidays known for the days that come?"""
    year = (now + timedelta(days=14)).year
    if is_listed(year) or any(day.year == year for day in settings.CONFIG.holidays):
        return Check("calendar", True, f"the holidays of {year} are known")
    do = "update Broadsheet, or list them under `holidays`; until then days off count as missed"
    return Check("calendar", True, f"no holidays of {year} are known", do)


def quarantine(limit: int = 20) -> list[Quarantined]:
    """Give the newest items that were kept aside."""
    return list(Quarantined.objects.order_by("-at", "digest").defer("raw")[:limit])


def summary() -> dict[str, object]:
    """Give the figures of the site at a glance."""
    return {
        "papers": Paper.objects.count(),
        "newest": Paper.objects.aggregate(newest=Max("announced"))["newest"],
        "quarantined": Quarantined.objects.count(),
        # By the name that `broadsheet encoder list` gives it.
        "encoder": finding.encoder_name() if finding.query_encoder() else "",
        "index_lag": index_lag(),
    }
