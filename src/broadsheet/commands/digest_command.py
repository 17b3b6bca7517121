"""`broadsheet digest`: a look at digests, a run by hand, how they stand, and the keys that sign them."""

import argparse
import webbrowser
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from django.conf import settings
from django.db.models import Max

from broadsheet.cli import DONE, CommandFailed
from broadsheet.commands import digest_bounce, digest_keys, digest_sending, output
from broadsheet.digest import deciding, preview, progress
from broadsheet.digest.models import Subscription
from broadsheet.digest.preview import Preview
from broadsheet.digest.progress import Progress
from broadsheet.editions.lists import shown
from broadsheet.lib.clock import now
from broadsheet.lib.files import write_whole
from broadsheet.mail.messages import Unsendable
from broadsheet.papers.database import migrate
from broadsheet.readers import accounts
from broadsheet.readers.models import Reader

HELP = "The mail for each reader: look at one, send what is due, see how it stands, read bounces, make keys."
EXAMPLE = "broadsheet digest preview --open"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Take what to do."""
    what = parser.add_subparsers(dest="what", metavar="WHAT", required=True)
    _looking(_command(what, "preview", show, "broadsheet digest preview --address ada@lab.example --text"))
    digest_sending.arguments(_command(what, "send", digest_sending.send, "broadsheet digest send --dry-run"))
    output.json_option(_command(what, "status", status, "broadsheet digest status"))
    retrying = _command(what, "retry", retry, "broadsheet digest retry --doubtful")
    retrying.add_argument("number", type=output.at_least_one, nargs="*", metavar="ID", help="of a mail, as in status")
    retrying.add_argument("--doubtful", action="store_true", help="all that may have been sent, or not")
    digest_bounce.arguments(_command(what, "bounce", digest_bounce.run, digest_bounce.EXAMPLE))
    digest_keys.arguments(_command(what, "dkim-key", digest_keys.make, "broadsheet digest dkim-key"))


SAYS: Final = {
    "preview": "Show a digest as it would be now. Nothing is written, and its links do nothing.",
    "send": "Choose what is due and send it: one run of what the worker does every minute.",
    "status": "Say how the digests of the last 24 hours stand.",
    "retry": "Try mails once more that failed or are in doubt, under the same Message-ID.",
    "bounce": digest_bounce.HELP,
    "dkim-key": "Make a key that signs mails, or show the one that is there, with its record for the DNS.",
}


def _command(
    what: "argparse._SubParsersAction[argparse.ArgumentParser]",
    name: str,
    act: Callable[[argparse.Namespace], int],
    example: str,
) -> argparse.ArgumentParser:
    made = what.add_parser(
        name,
        help=SAYS[name],
        description=SAYS[name],
        epilog=f"example:\n  {example}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    made.set_defaults(act=act)
    return made


def _looking(parser: argparse.ArgumentParser) -> None:
    whose = parser.add_mutually_exclusive_group()
    whose.add_argument("--reader", metavar="HANDLE", help="of a reader, by handle or address (default: the only one)")
    whose.add_argument("--address", metavar="A", help="of a subscription, or as a new one at this address would get")
    parser.add_argument("--open", action="store_true", help="open it in a browser")
    parser.add_argument("--text", action="store_true", help="print the plain text (as it does without --open or --eml)")
    parser.add_argument("--eml", type=Path, metavar="FILE", help="write it as a mail, for a mail program to open")
    parser.add_argument("--date", type=output.day_of, metavar="D", help="of this edition (default: the latest)")


def run(options: argparse.Namespace) -> int:
    """Do it."""
    # A mail server waits for that one, and has to be told to come again where the record cannot be opened.
    if options.act is not digest_bounce.run:
        migrate()
    return int(options.act(options))


def show(options: argparse.Namespace) -> int:
    """Show a digest, and what is wrong with its mail."""
    moment = now()
    seen = preview.preview(_wanted(options, moment), moment, options.date)
    if seen.mail is None:
        output.print_lines([f"There is no digest of {seen.digest.last}: {seen.says or 'nothing was worth sending.'}"])
        newest = None if options.date else shown().aggregate(newest=Max("announced"))["newest"]
        if newest and newest < seen.digest.last:
            output.print_lines([f"The newest papers here are of {newest}: --date {newest} shows a digest of them."])
        return DONE
    if options.text or not (options.open or options.eml):
        output.print_lines([f"Subject: {seen.mail.subject}", "", seen.mail.text.rstrip()])
    if options.eml:
        _written(options.eml, _eml(seen, moment))
    if options.open:
        _opened(seen)
    output.print_lines(["", *_findings(seen)])
    return DONE


def _wanted(options: argparse.Namespace, moment: datetime) -> Subscription:
    reader: Reader | None = None
    if options.reader:
        reader = accounts.named(options.reader)
        if reader is None:
            raise CommandFailed(f"nobody here is called {options.reader}; `broadsheet reader list` names everyone")
    elif options.address is None:
        reader = _only_reader()
    elif "@" not in options.address:
        raise CommandFailed(f"{options.address!r} is no mail address")
    return preview.wished_by(reader, options.address or "", moment)


def _only_reader() -> Reader | None:
    """Give the reader of a site for one person; None where nobody has opened it yet."""
    found = list(Reader.objects.order_by("pk")[:2])
    if len(found) > 1:
        raise CommandFailed(
            "there are several readers; say whose by --reader HANDLE or --address A (`broadsheet reader list`)"
        )
    return found[0] if found else None


def _eml(seen: Preview, moment: datetime) -> bytes:
    try:
        return seen.eml(moment)
    except Unsendable as problem:
        raise CommandFailed(f"no mail can be made of it: {problem}") from problem


def _written(place: Path, data: bytes) -> None:
    try:
        write_whole(place, data, mode=0o600)
    except OSError as problem:
        raise CommandFailed(f"cannot write {place}: {problem.strerror}") from problem
    output.print_lines([f"Written to {place}"])


def _opened(seen: Preview) -> None:
    mail = seen.mail
    place = settings.CONFIG.home / "preview" / ("digest.html" if mail and mail.html else "digest.txt")
    _written(place, (mail.html or mail.text).encode() if mail else b"")
    if not webbrowser.open(place.as_uri()):
        output.print_lines(["No browser could be started here; open the file yourself."])


def _findings(seen: Preview) -> Iterator[str]:
    made = "It is in the ledger already, and is shown as it was made." if seen.made else ""
    kept = "" if seen.subscription.pk else "There is no subscription: these are the wishes of a new one."
    yield from filter(None, (made, kept))
    yield from (f"WRONG  {finding}" for finding in seen.wrong)
    if not seen.wrong:
        yield "Nothing is wrong with it, as far as the checks for mail programs know."


def status(options: argparse.Namespace) -> int:
    """Say how today's digests stand."""
    stands = progress.today(now())
    if options.json:
        output.print_json(stands.to_json())
    else:
        output.print_lines(_told(stands))
    return DONE


def _told(stands: Progress) -> Iterator[str]:
    yield f"Since {stands.since.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
    yield f"  to choose for now  {stands.due:,}"
    yield f"  digests            {stands.composed:,} with papers, {stands.nothing:,} without"
    states = ", ".join(f"{count:,} {state}" for state, count in stands.states.items() if count)
    yield f"  mails              {states or 'none'}"
    waits = f"; one is due since {_moment(stands.oldest)}" if stands.oldest else ""
    yield f"  queue              {stands.per_minute:g} a minute in the last quarter of an hour{waits}"
    for one in stands.domains:
        again = f", next try {_moment(one.next_try)}" if one.next_try else ""
        yield f"  {one.name}: {one.put_off:,} put off, {one.failed:,} failed{again}; {one.says}".rstrip("; ")
    if stands.doubtful:
        yield "May have been sent, or not; `broadsheet digest retry ID` tries once more:"
    for mail in stands.doubtful:
        yield f"  {mail.pk}  {mail.address}  queued {_moment(mail.queued)}  {mail.message_id}"


def _moment(moment: datetime | None) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC" if moment else "never"


def retry(options: argparse.Namespace) -> int:
    """Try mails once more."""
    if bool(options.number) == options.doubtful:
        raise CommandFailed("name mails by their numbers, or say --doubtful; `broadsheet digest status` lists them")
    numbers = list(progress.doubtful().values_list("pk", flat=True)) if options.doubtful else options.number
    done = deciding.again(numbers, who="the console", now=now())
    if done < len(numbers) and not options.doubtful:
        missing = "none of these mails failed or is in doubt" if not done else f"only {done} of them failed"
        raise CommandFailed(f"{missing}; `broadsheet digest status` lists those in doubt")
    output.print_lines([f"{output.counted(done, 'mail is', 'mails are')} in the queue again."])
    return DONE
