"""`broadsheet bench`: measure, on this machine, what the documentation claims."""

import argparse

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
    output.json_option(parser)


def run(options: argparse.Namespace) -> int:
    """Measure, and print."""
    try:
        report = run_bench(options.name, watched(options.name), save=options.save)
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
