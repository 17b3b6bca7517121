"""`broadsheet digest send`: one run by hand, for real or into files."""

import argparse
from dataclasses import asdict, replace
from datetime import datetime

from django.conf import settings

from broadsheet.cli import DONE, FAILED, CommandFailed
from broadsheet.commands import output
from broadsheet.digest import deliver, dry, prepare, records, transport
from broadsheet.digest.deliver import Delivered
from broadsheet.digest.transport import Transport
from broadsheet.lib.clock import now


def arguments(parser: argparse.ArgumentParser) -> None:
    """Take how."""
    parser.add_argument("--dry-run", action="store_true", help="write what is due to files, and send nothing")
    parser.add_argument("--limit", type=output.at_least_one, metavar="N", help="send or write this many mails at most")
    parser.add_argument("--yes", action="store_true", help="send the first mails though the checks find them wanting")
    output.json_option(parser)


def send(options: argparse.Namespace) -> int:
    """Do one run, and print what it did."""
    moment = now()
    if options.dry_run:
        return _dry(options, moment)
    way = _way()
    if not options.yes:
        _look_before_the_first()
    chosen = 0
    while did := prepare.prepare(moment):
        chosen += did
    try:
        deliver.tidy_up(moment, deliver.accept_log())
        rules = replace(deliver.rules(), most=options.limit or 0, seconds=float("inf"))
        done = deliver.deliver(now(), way, rules)
    finally:
        way.close()
    _print(options, chosen, done)
    return FAILED if done.stopped else DONE


def _way() -> Transport:
    try:
        way = transport.chosen()
    except ValueError as problem:
        raise CommandFailed(str(problem)) from problem
    if way is None:
        raise CommandFailed("no mail server is set; set mail_url and mail_from, or say --dry-run")
    return way


def _print(options: argparse.Namespace, chosen: int, done: Delivered) -> None:
    if options.json:
        output.print_json({"chosen": chosen, **asdict(done)})
        return
    counts = {name: count for name, count in asdict(done).items() if name != "stopped" and count}
    told = ", ".join(f"{count:,} {name.replace('_', ' ')}" for name, count in counts.items())
    output.print_lines([f"{chosen:,} digests chosen; mails: {told or 'none'}."])
    if done.stopped:
        output.print_lines([f"Stopped: {done.stopped}. The rest is tried again later."])


def _dry(options: argparse.Namespace, moment: datetime) -> int:
    folder = settings.CONFIG.home / "dry-run" / f"{moment:%Y-%m-%dT%H%M%S}"
    try:
        written, nothing = dry.run(moment, folder, options.limit)
    except (OSError, ValueError) as problem:
        raise CommandFailed(f"no dry run into {folder}: {problem}") from problem
    if options.json:
        output.print_json({"written": written, "nothing": nothing, "folder": str(folder)})
    else:
        where = f" in {folder}" if written else ""
        output.print_lines([f"{written:,} mails written{where}; {nothing:,} digests had nothing worth sending."])
    return DONE


def _look_before_the_first() -> None:
    """Before the first real digest leaves, say what would keep it from arriving. Raises CommandFailed."""
    wrong = records.before_the_first()
    if not wrong:
        return
    told = [f"  {check.name}: {check.says}; {check.do}" for check in wrong]
    output.print_lines(["These would be the first digests, and they may not arrive:", *told])
    raise CommandFailed("nothing was sent; mend this, see `broadsheet doctor --mail`, or say --yes")
