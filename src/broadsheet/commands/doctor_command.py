"""`broadsheet doctor`: what is healthy, what is late, what is misconfigured."""

import argparse

from broadsheet.cli import DONE, FAILED
from broadsheet.commands import output
from broadsheet.digest import health
from broadsheet.papers.database import migrate
from broadsheet.papers.health import Check

HELP = "Say what is healthy, what is late and what is misconfigured."
EXAMPLE = "broadsheet doctor"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Take no more than the form of the answer."""
    output.json_option(parser)


def run(options: argparse.Namespace) -> int:
    """Look, and print; the exit status is 1 where something is not well."""
    migrate()
    checks = health.checks()
    ok = all(check.ok for check in checks)
    if options.json:
        output.print_json({"ok": ok, "checks": [check.to_json() for check in checks]})
    else:
        output.print_table([("well" if check.ok else "NOT WELL", check.name, _told(check)) for check in checks])
    return DONE if ok else FAILED


def _told(check: Check) -> str:
    return f"{check.says}; {check.do}" if check.do else check.says
