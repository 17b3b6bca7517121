"""One form for every benchmark: what was measured, on which machine, with which versions, kept with its date."""

import importlib
import json
import os
import platform
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from importlib import metadata
from pathlib import Path
from typing import Any, Final

from broadsheet import __version__
from broadsheet.lib.clock import now
from broadsheet.lib.progress import Progress

BENCHES: Final = (
    "import",
    "index",
    "encode",
    "search",
    "judged",
    "integrity",
    "api",
    "digest",
    "foryou",
    "groups",
    "scale",
    "engines",
    "cluster",
    "web",
)
RESULTS: Final = Path(__file__).resolve().parents[3] / "bench" / "results"
PACKAGES: Final = ("django", "tantivy", "numpy", "onnxruntime", "tokenizers")


@dataclass(frozen=True, slots=True)
class Measured:
    """What a bench found. Ratios compare two things of one run, so they travel better than figures."""

    figures: dict[str, float]
    ratios: dict[str, float] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


class CannotMeasure(Exception):
    """Something a bench needs is not there; the message says what and how to get it."""


def run_bench(name: str, progress: Progress, save: bool = False, **given: object) -> dict[str, Any]:
    """Run a bench and give its report; with `save` also keep it under bench/results. Raises CannotMeasure.

    given: what the bench is to measure instead of its own data or sizes.
    """
    moment = now()
    report = _report(name, _measure(name)(progress, **given), moment)
    if save:
        RESULTS.mkdir(parents=True, exist_ok=True)
        place = RESULTS / f"{moment:%Y-%m-%d}-{name}.json"
        place.write_text(json.dumps(report, indent=2, ensure_ascii=False) + "\n")
    return report


def _measure(name: str) -> Callable[..., Measured]:
    # One bench must not load what another needs.
    module = importlib.import_module(f"broadsheet.bench.{'imports' if name == 'import' else name}")
    measure: Callable[..., Measured] = module.measure
    return measure


def _report(name: str, measured: Measured, moment: datetime) -> dict[str, Any]:
    return {
        "bench": name,
        "date": moment.isoformat(timespec="seconds"),
        "machine": machine(),
        "versions": versions(),
        "figures": {key: _rounded(value) for key, value in measured.figures.items()},
        "ratios": {key: _rounded(value) for key, value in measured.ratios.items()},
        "notes": measured.notes,
    }


def _rounded(value: float) -> float:
    return float(f"{value:.5g}")


def machine() -> dict[str, Any]:
    """Say what machine this is, without saying which."""
    model = ""
    for line in Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else ():
        if line.startswith("model name"):
            model = line.split(":", 1)[1].strip()
            break
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "cpu": model or platform.processor(),
        "cores": os.cpu_count(),
        "memory_gib": round(memory / 2**30, 1),
        "system": f"{platform.system()} {platform.machine()}",
        "load": round(os.getloadavg()[0], 2),
    }


def versions() -> dict[str, str]:
    """Name the versions of what is measured."""
    found = {name: metadata.version(name) for name in PACKAGES}
    return {"broadsheet": __version__, "python": platform.python_version(), **found}


def shared_data(path: str) -> Path:
    """Find a file or folder of the benchmark data. Raises CannotMeasure where it is not there."""
    root = Path(os.environ.get("BROADSHEET_SHARED") or Path(__file__).resolve().parents[4] / "shared")
    place = root / "data" / path
    if not place.exists():
        raise CannotMeasure(
            f"the data of this bench is not at {place}; BROADSHEET_SHARED names the folder that holds data/"
        )
    return place
