"""How fast papers come into the record: the 50,000 of the sample into an empty SQLite, on one core.

With sizes: files like arXiv's snapshot, as large as wanted, into SQLite and PostgreSQL (`bench.imports_at_scale`).
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Final

import django

from broadsheet.bench.report import Measured, shared_data
from broadsheet.lib.progress import Progress
from broadsheet.sources.files import open_items

RUNS: Final = 3


def measure(progress: Progress, size: Sequence[int] | None = None) -> Measured:
    """Import the sample three times, each in a process and a home of its own, and give the medians.

    size: import so many made papers instead, each size once. Raises CannotMeasure.
    """
    if size:
        from broadsheet.bench import imports_at_scale

        return imports_at_scale.measure(progress, size)
    sample = shared_data("arxiv/sample_50k.jsonl.gz")
    runs = []
    for number in range(RUNS):
        runs.append(_run(sample))
        progress(number + 1, RUNS)
    figures = {name: median(run[name] for run in runs) for name in runs[0]}
    note = (
        f"{figures['new']:,.0f} of {figures['seen']:,.0f} rows are papers; {figures['quarantined']:,.0f} have ids "
        "damaged by being read as numbers; they are kept aside, which is timed too; papers_per_s counts papers alone"
    )
    return Measured(figures, {"again_to_first": figures["again_s"] / figures["first_s"]}, [note])


def _run(sample: Path) -> dict[str, float]:
    with tempfile.TemporaryDirectory(prefix="broadsheet-bench-") as home:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("BROADSHEET_")}
        environment |= {"BROADSHEET_HOME": home, "DJANGO_SETTINGS_MODULE": "broadsheet.settings"}
        command = [sys.executable, "-m", "broadsheet.bench.imports", str(sample)]
        done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    found: dict[str, float] = json.loads(done.stdout)
    return found


def import_once(sample: Path) -> dict[str, float]:
    """Import the sample twice into the empty record of this process, on one core; give seconds and counts."""
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    django.setup()
    from broadsheet.papers.database import migrate
    from broadsheet.papers.ingest import ingest

    migrate()
    wall, cpu = time.perf_counter(), time.process_time()
    report = ingest(open_items(sample)[1])
    first, spent = time.perf_counter() - wall, time.process_time() - cpu
    wall = time.perf_counter()
    ingest(open_items(sample)[1])
    again = time.perf_counter() - wall
    return {
        "papers_per_s": report.new / first,
        "rows_per_s": report.seen / first,
        "papers_per_cpu_s": report.new / spent,
        "rows_per_s_again": report.seen / again,
        "first_s": first,
        "again_s": again,
        "seen": report.seen,
        "new": report.new,
        "quarantined": report.quarantined,
    }


if __name__ == "__main__":
    sys.stdout.write(json.dumps(import_once(Path(sys.argv[1]))))
