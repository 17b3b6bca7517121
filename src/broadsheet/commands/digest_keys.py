"""`broadsheet digest dkim-key`: the keys that sign mails."""

import argparse
from collections.abc import Mapping
from email.utils import parseaddr
from pathlib import Path
from typing import Final

from django.conf import settings

from broadsheet.cli import DONE, CommandFailed
from broadsheet.commands import output
from broadsheet.lib.files import write_whole
from broadsheet.mail import dkim
from broadsheet.mail.messages import Unsendable, host

# By the kind of key: the settings that name its file and its selector.
SETTINGS: Final = {
    "rsa": ("dkim_key", "dkim_selector"),
    "ed25519": ("dkim_ed25519_key", "dkim_ed25519_selector"),
}


def arguments(parser: argparse.ArgumentParser) -> None:
    """Take for which domain, and which kind of key."""
    parser.add_argument("--domain", metavar="D", help="that mails are signed for (default: the one they come from)")
    parser.add_argument("--selector", metavar="S", help="the name of the key in the DNS")
    parser.add_argument("--algorithm", choices=("rsa", "ed25519"), default="rsa", help="rsa is what all receivers know")
    output.json_option(parser)


def make(options: argparse.Namespace) -> int:
    """Make a key in the home, or show the one that is there; print the record and the settings."""
    domain = _domain(options.domain)
    setting, named_by = SETTINGS[options.algorithm]
    selector = _selector(options)
    place = settings.CONFIG.home / "dkim" / f"{selector}.pem"
    made = not place.exists()
    try:
        if made:
            write_whole(place, dkim.make_key(domain, selector, algorithm=options.algorithm).pem, mode=0o600)
        record = dkim.record(domain, dkim.read_key(selector, place.read_bytes()))
    except (OSError, ValueError) as problem:
        raise CommandFailed(f"{place}: {problem}") from problem
    if options.json:
        told = {"file": str(place), "made": made, "setting": setting, "name": record.name, "text": record.text}
        output.print_json(told)
    else:
        _print(place, record, {setting: str(place.relative_to(settings.CONFIG.home)), named_by: selector}, made=made)
    return DONE


def _print(place: Path, record: dkim.Record, values: Mapping[str, str], *, made: bool) -> None:
    output.print_lines(
        [
            f"{'Made' if made else 'There already'}: {place}. Keep it to yourself.",
            "",
            "Add this record to the DNS:",
            f"  {record.zone_line()}",
            "",
            "Then these settings to broadsheet.toml, and see `broadsheet doctor`:",
            *(f'  {name} = "{value}"' for name, value in values.items()),
        ]
    )


def _domain(given: str | None) -> str:
    values = settings.CONFIG.values
    known = given or values["dkim_domain"] or values["mail_from"]
    if not known:
        raise CommandFailed("set mail_from first, or say --domain")
    try:
        return host(parseaddr(known)[1].rpartition("@")[2] if "@" in known else known)
    except Unsendable as problem:
        raise CommandFailed(str(problem)) from problem


def _selector(options: argparse.Namespace) -> str:
    selector = options.selector or settings.CONFIG.values[SETTINGS[options.algorithm][1]]
    if not dkim.SELECTOR.fullmatch(selector):
        raise CommandFailed(f"{selector!r} is no selector: letters, digits and hyphens, with dots between")
    return str(selector)
