"""`broadsheet reader`: accounts and what belongs to them."""

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

from allauth.account.forms import default_token_generator
from allauth.account.utils import user_pk_to_url_str
from django.urls import reverse

from broadsheet.cli import DONE, CommandFailed
from broadsheet.commands import output, pushing_zotero
from broadsheet.community import moderation, standing
from broadsheet.lib.clock import now
from broadsheet.lib.files import write_whole
from broadsheet.papers.database import migrate
from broadsheet.readers import accounts, belongings, invitations, tokens
from broadsheet.readers.models import ROLES, Reader, Token
from broadsheet.readers.network import site_address
from broadsheet.readers.refused import Refused

HELP = "Accounts: add and invite people, list them, give programs tokens, take out or erase what is theirs."
EXAMPLE = "broadsheet reader invite --role curator --days 3"
WHO: Final = "HANDLE|EMAIL"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Take what to do, and to whom."""
    what = parser.add_subparsers(dest="what", metavar="WHAT", required=True)
    _adding(what.add_parser("add", help="make an account; prints a link to set its password"))
    output.json_option(_with(what.add_parser("list", help="list all readers"), listing))
    taking = _with(what.add_parser("export", help="print everything a reader gave, as JSON"), export)
    taking.add_argument("who", metavar=WHO)
    taking.add_argument("--output", type=Path, metavar="FILE", help="write it there, readable by you alone")
    erasing = _with(what.add_parser("erase", help="erase a reader and everything they gave"), erase)
    erasing.add_argument("who", metavar=WHO)
    erasing.add_argument("--yes", action="store_true", help="really do it; nothing brings it back")
    changing = _with(what.add_parser("role", help="give a reader a role"), role)
    changing.add_argument("who", metavar=WHO)
    changing.add_argument("role", choices=ROLES)
    letting = _with(what.add_parser("approve", help="let in someone who waits"), approve)
    letting.add_argument("who", metavar=WHO)
    _inviting(what.add_parser("invite", help="print a link by which people join"))
    _making_tokens(what.add_parser("token", help="make a token for a reader's program; prints its secret"))
    showing = _with(what.add_parser("tokens", help="list a reader's tokens"), list_tokens)
    showing.add_argument("who", metavar=WHO)
    output.json_option(showing)
    ending = _with(what.add_parser("revoke", help="end a reader's token at once"), revoke)
    ending.add_argument("who", metavar=WHO)
    ending.add_argument("token", metavar="TOKEN", help="its name, or its number in `broadsheet reader tokens`")
    pushing_zotero.arguments(_with(what.add_parser("push-zotero", help=pushing_zotero.HELP), pushing_zotero.push))


def _with(parser: argparse.ArgumentParser, act: Callable[[argparse.Namespace], None]) -> argparse.ArgumentParser:
    parser.set_defaults(act=act)
    return parser


def _adding(parser: argparse.ArgumentParser) -> None:
    _with(parser, add)
    parser.add_argument("email", metavar="EMAIL")
    parser.add_argument("--handle", metavar="H", help="the public name; asked for where a terminal is there")
    parser.add_argument("--name", metavar="N", help="the name as it is shown (default: the handle)")
    parser.add_argument("--role", choices=ROLES, default="reader")


def _inviting(parser: argparse.ArgumentParser) -> None:
    _with(parser, invite)
    parser.add_argument("--role", choices=ROLES, default="reader")
    parser.add_argument("--uses", type=output.at_least_one, default=1, metavar="N", help="how many may join by it")
    parser.add_argument("--days", type=output.at_least_one, default=14, metavar="N", help="how long it is good")


def _making_tokens(parser: argparse.ArgumentParser) -> None:
    _with(parser, token)
    parser.add_argument("who", metavar=WHO)
    parser.add_argument("--name", metavar="N", default="command line", help="what it will be known by")
    parser.add_argument(
        "--scope",
        action="append",
        choices=tokens.SCOPES,
        help="what it may do: read what is the reader's, write in their name, open their feeds; again for more "
        "(default: read)",
    )
    parser.add_argument("--days", type=_lifetime, default=90, metavar="N|never", help="how long it lives (default: 90)")
    output.json_option(parser)


def _lifetime(text: str) -> int | None:
    return None if text == "never" else output.at_least_one(text)


def run(options: argparse.Namespace) -> int:
    """Do it; what is refused is said in one line."""
    migrate()
    try:
        options.act(options)
    except Refused as refused:
        raise CommandFailed(str(refused)) from refused
    return DONE


def add(options: argparse.Namespace) -> None:
    """Make an account, and print a link, good once and for three days, with which its password is set."""
    handle = options.handle or _ask("Handle (a to z, 0 to 9 and hyphens): ")
    name = options.name or handle
    reader = accounts.create(options.email, handle, name, role=options.role, now=now())
    key = f"{user_pk_to_url_str(reader)}-{default_token_generator.make_token(reader)}"
    uid, token = key.split("-", 1)
    place = reverse("account_reset_password_from_key", kwargs={"uidb36": uid, "key": token})
    output.print_lines(
        [
            f"@{reader.handle} is a {reader.role} now. This link sets the password, once, within 3 days:",
            f"{site_address().rstrip('/')}{place}",
        ]
    )


def listing(options: argparse.Namespace) -> None:
    """List all readers, those who came first before the others."""
    readers = list(Reader.objects.select_related("invited_by").order_by("joined", "pk"))
    if options.json:
        output.print_json({"readers": [_shown(reader) for reader in readers]})
    elif readers:
        rows = [("HANDLE", "EMAIL", "ROLE", "STATE", "JOINED", "NAME")]
        output.print_table(rows + [_line(reader) for reader in readers])
    else:
        output.print_lines(["Nobody has an account yet; `broadsheet run` prints a link that makes its user the owner."])


def export(options: argparse.Namespace) -> None:
    """Give everything a reader gave, as JSON."""
    given = belongings.export(_found(options.who))
    if not options.output:
        output.print_json(given)
        return
    text = json.dumps(given, ensure_ascii=False, indent=2, default=str)
    try:
        write_whole(options.output, text.encode(), mode=0o600)
    except OSError as problem:
        raise CommandFailed(f"cannot write {options.output}: {problem.strerror}") from problem
    output.print_lines([f"Written to {options.output}"])


def erase(options: argparse.Namespace) -> None:
    """Erase a reader and everything they gave."""
    reader = _found(options.who)
    if not options.yes:
        raise CommandFailed(f"nothing brings @{reader.handle} back; add --yes to erase them, after an export perhaps")
    handle = reader.handle
    belongings.erase(reader)
    output.print_lines([f"@{handle} is erased, with everything they gave."])


def role(options: argparse.Namespace) -> None:
    """Give a reader a role; it stands in the moderation log like any other act."""
    reader = _found(options.who)
    before, moment = reader.role, now()
    accounts.set_role(reader, options.role)
    if reader.role != before:
        about = f"@{reader.handle}: {before} → {reader.role}"
        why = "Decided on the console of the site."
        moderation.note(None, "role", f"reader:{reader.handle}", about=about, reason=why, affected=reader, now=moment)
        standing.assess([reader.pk], moment)
    output.print_lines([f"@{reader.handle} is a {reader.role} now."])


def approve(options: argparse.Namespace) -> None:
    """Let in someone who waits."""
    reader = _found(options.who)
    accounts.approve(None, reader, now=now())
    output.print_lines([f"@{reader.handle} is let in."])


def invite(options: argparse.Namespace) -> None:
    """Make an invitation, and print its link, which is shown only this once."""
    made, code = invitations.invite(None, role=options.role, uses=options.uses, days=options.days, now=now())
    people = "one person" if made.uses_left == 1 else f"{made.uses_left} people"
    output.print_lines(
        [
            f"Good for {people} until {made.expires:%Y-%m-%d %H:%M} UTC, as {made.role}:",
            f"{site_address().rstrip('/')}/join/{code}",
        ]
    )


def token(options: argparse.Namespace) -> None:
    """Make a token for a reader, and print its secret, which is shown only this once."""
    scopes = options.scope or ["read"]
    made, secret = tokens.make(_found(options.who), options.name, scopes, days=options.days, now=now())
    if options.json:
        output.print_json({**_token_shown(made), "secret": secret})
        return
    ends = f"until {made.expires:%Y-%m-%d}" if made.expires else "for ever"
    lines = [f"“{made.name}” may {', '.join(made.scopes)} {ends}. This is shown once; keep it as a password:", secret]
    output.print_lines(lines)


def list_tokens(options: argparse.Namespace) -> None:
    """List a reader's tokens, the newest first."""
    reader = _found(options.who)
    rows = list(tokens.of(reader))
    if options.json:
        output.print_json({"tokens": [_token_shown(row) for row in rows]})
    elif rows:
        heading = ("NUMBER", "SCOPES", "MADE", "USED", "EXPIRES", "NAME")
        output.print_table([heading, *(_token_line(row) for row in rows)])
    else:
        output.print_lines([f"@{reader.handle} has no tokens."])


def revoke(options: argparse.Namespace) -> None:
    """End a reader's token, given by its number or its name."""
    reader = _found(options.who)
    rows = list(tokens.of(reader))
    chosen = [row for row in rows if options.token in (str(row.pk), row.name)]
    if len(chosen) != 1:
        problem = "several tokens" if chosen else "no token"
        raise CommandFailed(f"@{reader.handle} has {problem} {options.token}; `broadsheet reader tokens` lists them")
    tokens.revoke(reader, chosen[0].pk)
    output.print_lines([f"“{chosen[0].name}” is revoked."])


def _token_shown(row: Token) -> dict[str, object]:
    return {
        "number": row.pk,
        "name": row.name,
        "scopes": row.scopes,
        "made": row.made.isoformat(),
        "used": row.used.isoformat() if row.used else None,
        "expires": row.expires.isoformat() if row.expires else None,
    }


def _token_line(row: Token) -> tuple[str, ...]:
    used, ends = row.used or "never", f"{row.expires:%Y-%m-%d}" if row.expires else "never"
    return str(row.pk), ",".join(row.scopes), f"{row.made:%Y-%m-%d}", str(used), ends, row.name


def _found(who: str) -> Reader:
    reader = accounts.named(who)
    if reader is None:
        raise CommandFailed(f"nobody here is called {who}; `broadsheet reader list` names everyone")
    return reader


def _ask(question: str) -> str:
    if not sys.stdin.isatty():
        raise CommandFailed("please give the public name too: --handle H")
    sys.stderr.write(question)
    sys.stderr.flush()
    return sys.stdin.readline().strip()


def _line(reader: Reader) -> tuple[str, ...]:
    return reader.handle, reader.email, reader.role, reader.state, f"{reader.joined:%Y-%m-%d}", reader.name


def _shown(reader: Reader) -> dict[str, object]:
    return {
        "handle": reader.handle,
        "name": reader.name,
        "email": reader.email,
        "role": reader.role,
        "state": reader.state,
        "joined": reader.joined.isoformat(),
        "invited_by": reader.invited_by.handle if reader.invited_by else None,
        "orcid": reader.orcid,
        "standing": reader.standing,
    }
