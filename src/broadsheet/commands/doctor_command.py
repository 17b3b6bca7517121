"""`broadsheet doctor`: what is healthy, what is late, what is misconfigured."""

import argparse
from ipaddress import ip_address

from broadsheet.cli import DONE, FAILED
from broadsheet.commands import output
from broadsheet.digest import health, records
from broadsheet.lib.clock import now
from broadsheet.moving.health import backup_check
from broadsheet.papers.database import migrate
from broadsheet.papers.health import Check

HELP = "Say what is healthy, what is late and what is misconfigured."
EXAMPLE = "broadsheet doctor"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Take how far to look."""
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--mail", action="store_true", help="look at mail alone: digests, and what the DNS says")
    how.add_argument("--offline", action="store_true", help="ask nobody; else the DNS is asked, for some seconds")
    parser.add_argument("--sends-from", type=_address, metavar="ADDRESS", help="that mails leave from")
    output.json_option(parser)


def _address(text: str) -> str:
    try:
        return str(ip_address(text))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no address such as 192.0.2.1") from None


def run(options: argparse.Namespace) -> int:
    """Look, and print; the exit status is 1 where something is not well."""
    migrate()
    checks = health.own(now()) if options.mail else [*health.checks(), backup_check(now())]
    if not options.offline:
        checks += records.checks(sends_from=options.sends_from or "")
    ok = all(check.ok for check in checks)
    if options.json:
        output.print_json({"ok": ok, "checks": [check.to_json() for check in checks]})
    else:
        output.print_table([("well" if check.ok else "NOT WELL", check.name, _told(check)) for check in checks])
    return DONE if ok else FAILED


def _told(check: Check) -> str:
    return f"{check.says}; {check.do}" if check.do else check.says
