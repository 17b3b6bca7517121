"""What digests cost: choosing and composing 10,000 personal ones over 50,000 papers and a week of 1,000 of them.

Delivery is measured by `bench.digest_delivery`, and its figures stand beside these.
"""

import importlib
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any, Final

from broadsheet.bench.report import CannotMeasure, Measured, shared_data
from broadsheet.lib.progress import Progress

if TYPE_CHECKING:
    from broadsheet.digest.models import Digest, Subscription
    from broadsheet.papers.models import Paper

SAMPLE: Final = "arxiv/sample_50k.jsonl.gz"
DELIVERY: Final = "broadsheet.bench.digest_delivery"
READERS: Final = 10_000
WEEK: Final = 1_000
# One core of a machine that others use too: of several parts of the run the median counts.
BATCH: Final = 500
IDLE: Final = 100_000
# An invented week, Monday to Friday, and a moment at which digests of it are due everywhere.
DAYS: Final = tuple(date(2026, 11, 16) + timedelta(days=day) for day in range(5))
NOW: Final = datetime(2026, 11, 20, 21, tzinfo=UTC)
COMPILED: Final = 10


def measure(progress: Progress) -> Measured:
    """Choose, write and compose in a process and a home of their own, on one core. Raises CannotMeasure.

    Figures per CPU second; `composed_per_cpu_s` is all of it: choosing, writing the ledger, reading it and composing.
    """
    from django.conf import settings

    from broadsheet.bench.corpus import built_encoder, sample_papers, vectors_of

    home, sample = Path(settings.CONFIG.home), shared_data(SAMPLE)
    built_encoder(home)
    vectors_of(sample_papers(), home, progress)
    with tempfile.TemporaryDirectory(prefix="broadsheet-bench-") as scratch:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("BROADSHEET_")}
        environment |= {"BROADSHEET_HOME": scratch, "DJANGO_SETTINGS_MODULE": "broadsheet.settings"}
        environment |= {"BROADSHEET_PUBLIC_URL": "https://papers.example"}
        (Path(scratch) / "encoders").symlink_to(home / "encoders")
        command = [sys.executable, "-m", "broadsheet.bench.digest", str(sample), str(home)]
        done = subprocess.run(command, env=environment, check=False, capture_output=True, text=True)
    if done.returncode:
        raise CannotMeasure(f"the measured process ended early: {done.stderr.strip().splitlines()[-1:]}")
    told: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    each, week = told["papers_each"], told["week"]
    notes = [f"{told['digests']:,.0f} digests of {each:.1f} papers out of a week of {week:,.0f}, one thread"]
    ratios = {"mjml_per_message_to_composed": told["mjml_per_message_cpu_ms"] / told["compose_cpu_ms"]}
    return _with_delivery(Measured(told, ratios, notes), progress)


def _with_delivery(chosen: Measured, progress: Progress) -> Measured:
    if importlib.util.find_spec(DELIVERY) is None:
        return chosen
    sent: Measured = importlib.import_module(DELIVERY).measure(progress)
    return Measured(chosen.figures | sent.figures, chosen.ratios | sent.ratios, chosen.notes + sent.notes)


def in_this_process(sample: Path, bench_home: Path) -> dict[str, float]:
    """Build the site in the home of this process, choose and compose; one core throughout."""
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    from broadsheet.bench import api

    api.build(sample, bench_home)
    return in_this_site()


def in_this_site() -> dict[str, float]:
    """Let the readers of a site that is there subscribe, then choose and compose."""
    from broadsheet.digest.prepare import prepare

    invent_week()
    pool_ms = 1000 * _cpu(_read_pool)
    subscribe(READERS)
    chosen_s = _cpu(lambda: prepare(NOW, BATCH, seconds=1e9))
    compose_s, digests, papers, kib = _compose_all()
    idle_ms = 1000 * _idle()
    return {
        "composed_per_cpu_s": digests / (chosen_s + compose_s),
        "chosen_per_cpu_s": digests / chosen_s,
        "choose_cpu_ms": 1000 * chosen_s / digests,
        "compose_cpu_ms": 1000 * compose_s / digests,
        "pool_cpu_ms": pool_ms,
        "nothing_due_cpu_ms": idle_ms,
        "mjml_per_message_cpu_ms": 1000 * compose_s / digests + _compile_ms(),
        "digests": digests,
        "papers_each": papers / digests,
        "html_kib": kib,
        "week": WEEK,
    }


def _cpu(work: Callable[[], object]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began


def _read_pool() -> None:
    from broadsheet.digest import pool

    pool.read(DAYS[0], DAYS[-1])


def invent_week() -> None:
    """Move a thousand papers of the record into one week, as many each day, and give them votes."""
    from broadsheet.papers import finding
    from broadsheet.papers.models import Paper

    draw = Random(5)
    wanted = Paper.objects.filter(withdrawn=False).order_by("-id").values_list("id", flat=True)[: 2 * WEEK]
    numbers = draw.sample(list(wanted), WEEK)
    papers = list(Paper.objects.filter(id__in=numbers).order_by("id").only("id"))
    for place, paper in enumerate(papers):
        paper.announced = DAYS[place * len(DAYS) // len(papers)]
        paper.votes_outside = int(draw.paretovariate(1.2)) - 1
    Paper.objects.bulk_update(papers, ["announced", "votes_outside"], batch_size=500)
    finding.index()


def subscribe(readers: int) -> None:
    """Let so many readers wish varied lists, daily or weekly; half of them got a digest of Monday's papers before."""
    from broadsheet.digest.models import Digest, Subscription, Told

    draw, kinds = Random(6), _lists()
    wishes = [_subscription(number, draw, kinds) for number in range(readers)]
    made = Subscription.objects.bulk_create(wishes, batch_size=1000)
    monday = _papers_of(DAYS[0])
    earlier = Digest.objects.bulk_create(
        [Digest(subscription=one, first=DAYS[0], last=DAYS[0], state="composed", made=NOW) for one in made[::2]]
    )
    rows = [
        Told(subscription_id=digest.subscription_id, paper_id=number, digest=digest)
        for digest in earlier
        for number in draw.sample(monday, 5)
    ]
    Told.objects.bulk_create(rows, batch_size=5000)


def _papers_of(day: date) -> list[int]:
    from broadsheet.papers.models import Paper

    return list(Paper.objects.filter(announced=day).order_by("id").values_list("id", flat=True))


def _lists() -> dict[str, list[str]]:
    """Give keys of lists by kind, as readers would wish them: mostly such as hold something."""
    from broadsheet.papers.models import Authorship, Paper

    week = Paper.objects.filter(announced__in=DAYS)
    codes = sorted({code for found in week.values_list("categories", flat=True) for code in found.split()})
    names = Authorship.objects.filter(paper__announced__in=DAYS).order_by("paper", "position")
    return {
        "category": [f"category/{code}" for code in codes],
        "author": [f"author/{name}" for name in names.values_list("name", flat=True)[:2000]],
        "search": [f"search/{words}" for words in ("graph", "speech", "robot", "neural network", "privacy", "games")],
        "whole": ["trending", "edition"],
    }


def _subscription(number: int, draw: Random, kinds: dict[str, list[str]]) -> "Subscription":
    from broadsheet.digest.models import Subscription

    lists = draw.sample(kinds["category"], draw.randint(1, 4)) + draw.sample(kinds["author"], draw.randint(0, 3))
    lists += draw.sample(kinds["search"], draw.randint(0, 1))
    # Nobody's lists are empty by chance.
    lists += draw.sample(kinds["whole"], 1) if draw.random() < 0.5 else ["category/cs.LG"]
    return Subscription(
        address=f"reader{number}@host{number % 40}.example",
        state="active",
        lists=list(dict.fromkeys(lists)),
        rhythm=draw.choice(("daily", "weekly")),
        weekday=4,
        hour=draw.randint(5, 12),
        time_zone=draw.choice(("UTC", "Europe/Berlin", "America/New_York", "Asia/Tokyo", "Asia/Kolkata")),
        length=draw.choice((5, 10, 10, 10, 15, 20)),
        asked=NOW - timedelta(days=30),
        confirmed=NOW - timedelta(days=30),
    )


@dataclass
class _Desk:
    """Composes batches of digests as they come from the ledger."""

    bytes: int = 0
    papers: int = 0
    mails: int = 0

    def compose(self, digests: Sequence["Digest"], papers: dict[int, "Paper"], galleys: Any) -> None:  # noqa: ANN401
        from broadsheet.digest.compose import compose
        from broadsheet.digest.links import link

        for digest in digests:
            made = compose(digest, digest.subscription, papers, links=link, now=NOW, galleys=galleys)
            self.bytes += len(made.html)
            self.papers += len(digest.picks)
            self.mails += 1


def _compose_all() -> tuple[float, int, int, float]:
    """Compose all that was chosen; give CPU seconds, mails, papers in them and KiB of HTML in each."""
    from broadsheet.digest.galleys import Galleys
    from broadsheet.papers.models import Paper

    desk = _Desk()

    def work() -> None:
        papers = {paper.pk: paper for paper in Paper.objects.filter(announced__in=DAYS)}
        galleys = Galleys.of(papers)
        for digests in _batches():
            desk.compose(digests, papers, galleys)

    spent = _cpu(work)
    return spent, desk.mails, desk.papers, desk.bytes / 1024 / max(desk.mails, 1)


def _batches() -> Iterator[list["Digest"]]:
    from broadsheet.digest.models import Digest

    above = 0
    waiting = Digest.objects.filter(mail__state="queued").select_related("subscription").order_by("pk")
    while found := list(waiting.filter(pk__gt=above)[:BATCH]):
        above = found[-1].pk
        yield found


def _compile_ms() -> float:
    """Give the CPU milliseconds in which the template of a digest is compiled out of MJML."""
    from broadsheet.digest.typeset import typeset

    fresh = typeset.__wrapped__
    return 1000 * _cpu(lambda: [fresh("digest") for _again in range(COMPILED)]) / COMPILED


def _idle() -> float:
    """Give the CPU seconds of a look at a hundred thousand subscriptions of which none is due."""
    from broadsheet.digest.models import Subscription
    from broadsheet.digest.prepare import prepare

    later = NOW + timedelta(days=1)
    more = [
        Subscription(address=f"idle{number}@host.example", state="active", asked=NOW, confirmed=NOW, next_look=later)
        for number in range(IDLE - READERS)
    ]
    Subscription.objects.bulk_create(more, batch_size=5000)
    prepare(NOW)
    return _cpu(lambda: prepare(NOW))


if __name__ == "__main__":
    sys.stdout.write("\n" + json.dumps(in_this_process(Path(sys.argv[1]), Path(sys.argv[2]))))
