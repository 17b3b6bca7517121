"""Tokens: what programs show instead of a reader."""

import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from broadsheet.readers.models import Reader, Token
from broadsheet.readers.refused import Refused

PREFIX: Final = "bs_"
SCOPES: Final = ("read", "write", "feed")
MOST: Final = 30
LONGEST_NAME: Final = 80
LONGEST: Final = 3650
# A secret is 256 random bits: guessing it is hopeless, so a plain digest keeps it as well as a slow one would.
_SECRET_BYTES: Final = 32


def make(reader: Reader, name: str, scopes: Iterable[str], *, days: int | None, now: datetime) -> tuple[Token, str]:
    """Make a token and give it with its secret, which is told this once. days: until it expires; None for never.

    Raises Refused.
    """
    wanted, called = tuple(dict.fromkeys(scopes)), " ".join(name.split())
    if not reader.is_active:
        raise Refused(_("Your account may not make tokens at the moment."))
    if not wanted or not set(wanted) <= set(SCOPES):
        raise Refused(_("Choose what the token may do: read, write or feed."))
    if not called or len(called) > LONGEST_NAME or not called.isprintable():
        raise Refused(_("Give the token a name of 1 to %(most)d characters.") % {"most": LONGEST_NAME})
    if days is not None and not 1 <= days <= LONGEST:
        raise Refused(_("A token lives for 1 to %(most)d days.") % {"most": LONGEST})
    if reader.tokens.count() >= MOST:
        raise Refused(_("You have %(most)d tokens already; revoke one that you do not use.") % {"most": MOST})
    secret = PREFIX + secrets.token_urlsafe(_SECRET_BYTES)
    token = Token.objects.create(
        reader=reader,
        digest=_digest(secret),
        name=called,
        scopes=list(wanted),
        made=now,
        expires=now + timedelta(days=days) if days else None,
    )
    return token, secret


def find(secret: str, *, now: datetime) -> Token | None:
    """Find the token of a secret, expired or not, with its reader; None for one that is not ours."""
    if not secret.startswith(PREFIX) or len(secret) > 100 or not secret.isascii():
        return None
    token = Token.objects.select_related("reader").filter(digest=_digest(secret)).first()
    if token and token.used != now.date():
        Token.objects.filter(pk=token.pk).update(used=now.date())
    return token


def is_valid(token: Token, scope: str, *, now: datetime) -> bool:
    """Whether a token may be used for a scope now."""
    return token.reader.is_active and scope in token.scopes and not has_expired(token, now=now)


def has_expired(token: Token, *, now: datetime) -> bool:
    """Whether a token is over."""
    return token.expires is not None and token.expires <= now


def of(reader: Reader) -> QuerySet[Token]:
    """Give a reader's tokens, the newest first."""
    return reader.tokens.order_by("-made", "-pk")


def revoke(reader: Reader, number: int) -> None:
    """Revoke a reader's token; it ends at once. One that is not there is revoked already."""
    reader.tokens.filter(pk=number).delete()


def _digest(secret: str) -> str:
    return sha256(secret.encode()).hexdigest()
