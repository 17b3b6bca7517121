"""Who asks, for programs: a token in the Authorization header says it, never a cookie."""

from base64 import b64decode
from dataclasses import dataclass
from typing import Final

from django.http import HttpRequest
from django.utils.translation import gettext as _

from broadsheet.api.errors import ApiError
from broadsheet.lib.clock import now
from broadsheet.readers import alone, tokens
from broadsheet.readers.models import Reader, Token

# Longer than any header that holds a token of ours; nothing longer is looked at.
LONGEST_HEADER: Final = 1000
REALM: Final = 'Bearer realm="Broadsheet"'


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks.

    reader: whose own things the answer may tell; None for strangers and for tokens without the scope read.
    token: what was shown, where it is one of ours, whatever became of it.
    problem: "" | "expired" | "unknown": why a token that was shown counts for nothing.
    """

    reader: Reader | None
    token: Token | None
    problem: str


NOBODY: Final = Caller(None, None, "")


def caller_of(request: HttpRequest) -> Caller:
    """Say who asks. A token that counts for nothing makes a stranger, no error: reading is free for all.

    On a site for one person its owner asks, wherever no token of ours says otherwise.
    """
    kept: Caller | None = getattr(request, "_caller", None)
    if kept is None:
        kept = of_header(request.headers.get("Authorization", ""))
        if kept.token is None and getattr(request, "alone", False):
            kept = Caller(alone.the_reader(), None, kept.problem)
        request._caller = kept  # type: ignore[attr-defined]
    return kept


def of_header(authorization: str) -> Caller:
    """Say who asks by an Authorization header (RFC 6750, RFC 7617); "" for none."""
    if not authorization:
        return NOBODY
    moment, secret = now(), _secret(authorization)
    token = tokens.find(secret, now=moment) if secret else None
    if token is None:
        return Caller(None, None, "unknown")
    if tokens.has_expired(token, now=moment):
        return Caller(None, token, "expired")
    return Caller(token.reader if tokens.is_valid(token, "read", now=moment) else None, token, "")


def reader_for(request: HttpRequest, scope: str) -> Reader:
    """Give the reader in whose name a program acts. scope: read, write or feed.

    Reading what is one's own needs no token on a site for one person. Raises ApiError: 401 without a token that is
    valid, 403 where it may not do this or its reader may not.
    """
    caller = caller_of(request)
    if caller.token is None and caller.reader is not None and scope != "write":
        return caller.reader
    return allowed(caller, scope)


def allowed(caller: Caller, scope: str) -> Reader:
    """Give the reader of a token that may do this. Raises ApiError as `reader_for` does."""
    token = caller.token
    if token is None:
        raise _unauthorised(_unknown() if caller.problem else _missing(scope), invalid=bool(caller.problem))
    if caller.problem:
        raise _unauthorised(_expired(token), invalid=True)
    if not token.reader.is_active:
        raise ApiError(403, _("The account of this token is not active now, so it can read but not act."))
    if scope not in token.scopes:
        challenge = f'{REALM}, error="insufficient_scope", scope="{scope}"'
        says = _("This token may not do that: it needs the scope “%(scope)s”. Make one with it under /me/tokens.")
        raise ApiError(403, says % {"scope": scope}, {"WWW-Authenticate": challenge})
    return token.reader


def _unauthorised(says: str, *, invalid: bool) -> ApiError:
    return ApiError(401, says, {"WWW-Authenticate": f'{REALM}, error="invalid_token"' if invalid else REALM})


def _missing(scope: str) -> str:
    says = _("This needs a token with the scope “%(scope)s”: make one under /me/tokens and send it as a bearer token.")
    return says % {"scope": scope}


def _unknown() -> str:
    return _("Nobody here has that token; it may have been revoked, or be one of another site.")


def _expired(token: Token) -> str:
    assert token.expires is not None
    says = _("This token expired on %(day)s. Make a new one under /me/tokens.")
    return says % {"day": token.expires.date().isoformat()}


def _secret(authorization: str) -> str:
    """Take the secret out of a header; "" where it holds none."""
    scheme, _space, rest = authorization.partition(" ")
    if len(authorization) > LONGEST_HEADER:
        return ""
    match scheme.lower():
        case "bearer":
            return rest.strip()
        case "basic":
            return _password(rest.strip())
    return ""


def _password(encoded: str) -> str:
    """Take the token out of a user and password; the user may be anything, or the token where the password is empty."""
    try:
        name, _colon, password = b64decode(encoded, validate=True).decode().partition(":")
    except ValueError:
        return ""
    return password or name
