"""`broadsheet bench`: measure, on this machine, what the documentation claims."""

import argparse
from pathlib import Path

from broadsheet.bench.report import BENCHES, CannotMeasure, run_bench
from broadsheet.cli import DONE, CommandFailed
from broadsheet.commands import output
from broadsheet.lib.progress import watched

HELP = "Measure, on this machine, what the documentation claims."
EXAMPLE = "broadsheet bench search --json"
# Which benches take what.
GIVEN = {
    "readers": ("foryou",),
    "papers": ("foryou",),
    "size": ("scale", "engines", "import"),
    "shards": ("scale",),
    "kills": ("cluster",),
}


def arguments(parser: argparse.ArgumentParser) -> None:
    """Take the name of a bench."""
    parser.add_argument("name", choices=BENCHES, metavar="NAME", help=", ".join(BENCHES))
    parser.add_argument("--save", action="store_true", help="keep the result under bench/results, with its date")
    parser.add_argument("--readers", type=Path, metavar="FILE", help="foryou: measure these readers (JSON lines)")
    parser.add_argument("--papers", type=Path, metavar="FILE", help="foryou: the papers that the readers name")
    parser.add_argument("--size", type=_number, nargs="+", metavar="N", help=f"{_benches('size')}: how many papers")
    parser.add_argument("--shards", type=_number, metavar="N", help=f"{_benches('shards')}: among how many shards")
    parser.add_argument("--kills", type=_number, metavar="N", help=f"{_benches('kills')}: how many kills")
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


def _benches(option: str) -> str:
    return ", ".join(GIVEN[option])


def _number(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("numbers are from 1 on")
    return number


def _given(options: argparse.Namespace) -> dict[str, object]:
    """Give what is to be measured instead of a bench's own data and sizes."""
    given: dict[str, object] = {name: value for name in GIVEN if (value := getattr(options, name))}
    for name in given:
        if options.name not in GIVEN[name]:
            raise CommandFailed(f"--{name} is for `broadsheet bench {_benches(name)}`; {options.name} does not take it")
    files = {"readers", "papers"} & set(given)
    if len(files) == 1:
        raise CommandFailed("--readers and --papers go together: give both files")
    if files and options.save:
        raise CommandFailed("--save keeps results of the project's own data; without it, --json prints yours")
    return given
