"""`broadsheet bench`: measure, on this machine, what the documentation claims."""

import argparse
from pathlib import Path

from broadsheet.bench.report import BENCHES, CannotMeasure, run_bench
from broadsheet.cli import DONE, CommandFailed
from broadsheet.commands import output
from broadsheet.lib.progress import watched

HELP = "Measure, on this machine, what the documentation claims."
EXAMPLE = "broadsheet bench search --json"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Take the name of a bench."""
    parser.add_argument("name", choices=BENCHES, metavar="NAME", help=", ".join(BENCHES))
    parser.add_argument("--save", action="store_true", help="keep the result under bench/results, with its date")
    parser.add_argument("--readers", type=Path, metavar="FILE", help="foryou: measure these readers (JSON lines)")
    parser.add_argument("--papers", type=Path, metavar="FILE", help="foryou: the papers that the readers name")
    parser.add_argument("--size", type=int, nargs="+", metavar="N", help="scale: how many papers; several, one by one")
    parser.add_argument("--shards", type=int, metavar="N", help="scale: among how many shards they are divided")
    output.json_option(parser)


def run(options: argparse.Namespace) -> int:
    """Measure, and print."""
    try:
        report = run_bench(options.name, watched(options.name), save=options.save, **_given(options))
    except CannotMeasure as problem:
        raise CommandFailed(str(problem)) from problem
    if options.json:
        output.print_json(report)
    else:
        output.print_table(
            [(name, f"{value:,.4g}") for name, value in {**report["figures"], **report["ratios"]}.items()]
        )
        output.print_lines(report["notes"])
    return DONE


def _given(options: argparse.Namespace) -> dict[str, object]:
    """Give the files or sizes that are to be measured; only one bench measures files, and only one has sizes."""
    sizes = {name: value for name in ("size", "shards") if (value := getattr(options, name))}
    if sizes and options.name != "scale":
        raise CommandFailed(f"--size and --shards are for `broadsheet bench scale`; {options.name} has one size")
    if any(number < 1 for number in (*sizes.get("size", ()), sizes.get("shards", 1))):
        raise CommandFailed("--size and --shards take numbers from 1 on")
    return sizes or _files(options)


def _files(options: argparse.Namespace) -> dict[str, object]:
    given: dict[str, object] = {name: place for name in ("readers", "papers") if (place := getattr(options, name))}
    if given and options.name != "foryou":
        raise CommandFailed(f"--readers and --papers are for `broadsheet bench foryou`; {options.name} takes no files")
    if len(given) == 1:
        raise CommandFailed("--readers and --papers go together: give both files")
    if given and options.save:
        raise CommandFailed("--save keeps results of the project's own data; without it, --json prints yours")
    return given
