"""What other processes spend: CPU seconds and memory of a process and all below it, as the kernel counts them."""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Final

PROC: Final = Path("/proc")
_TICKS: Final = os.sysconf("SC_CLK_TCK")


def tree(root: int) -> list[int]:
    """Give a process and all that it started, directly or not, as far as they live."""
    parents = {int(place.name): parent for place in PROC.glob("[0-9]*") if (parent := _parent(place)) is not None}
    found, grown = {root} & parents.keys(), -1
    while len(found) != grown:
        grown = len(found)
        found |= {child for child, parent in parents.items() if parent in found}
    return sorted(found)


def _parent(place: Path) -> int | None:
    fields = _fields(place)
    return int(fields[1]) if fields else None


def _fields(place: Path) -> list[str]:
    """The fields of proc_pid_stat(5) from the third on; the name before them may hold anything, brackets too."""
    try:
        return (place / "stat").read_text().rpartition(")")[2].split()
    except (OSError, UnicodeDecodeError):
        return []


def cpu_seconds(roots: Iterable[int]) -> float:
    """Give the user and system time of process trees until now, of ended children too, to the clock's tick."""
    return sum(_spent(pid) for root in roots for pid in tree(root))


def _spent(pid: int) -> float:
    # The process's own and its ended children's, each as user and system time.
    return sum(int(field) for field in _fields(PROC / str(pid))[11:15]) / _TICKS


def memory_mb(root: int) -> float:
    """Give what a process tree holds in memory; of pages that several share, each has its part (PSS)."""
    return sum(_kib(pid, "smaps_rollup", "Pss") for pid in tree(root)) / 1024


def peak_mb(pid: int | str = "self") -> float:
    """Give the most that a process ever held at once, mapped files too."""
    # Not getrusage: that counts what the parent held when it was forked.
    return _kib(pid, "status", "VmHWM") / 1024


def resident_mb(pid: int | str = "self") -> float:
    """Give what a process holds in memory at this moment, mapped files too."""
    return _kib(pid, "status", "VmRSS") / 1024


def anonymous_mb(pid: int | str = "self") -> float:
    """Give what of it is no file."""
    return _kib(pid, "status", "RssAnon") / 1024


def _kib(pid: int | str, file: str, name: str) -> int:
    try:
        lines = (PROC / str(pid) / file).read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith(f"{name}:")), 0)
