"""Accounts: how they come about, and how people are found by handle or address. Signing in is django-allauth's."""

from datetime import datetime
from typing import Final

from allauth.account.models import EmailAddress
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from broadsheet.readers.models import ROLES, Reader
from broadsheet.readers.names import check_handle, check_name
from broadsheet.readers.refused import Refused

__all__ = [
    "LOCAL",
    "LOCAL_ADDRESS",
    "approve",
    "by_email",
    "by_handle",
    "can_sign_in",
    "check_email",
    "check_handle",
    "check_name",
    "create",
    "has_owner",
    "is_free",
    "named",
    "set_role",
    "waiting",
]

# The one person of a site that needs no sign-in. No mail can be sent to that address (RFC 2606, section 2).
LOCAL: Final = "local"
LOCAL_ADDRESS: Final = "local@broadsheet.invalid"


def create(
    email: str,
    handle: str,
    name: str,
    *,
    role: str = "reader",
    invited_by: Reader | None = None,
    password: str | None = None,
    verified: bool = False,
    now: datetime,
) -> Reader:
    """Make an account. Raises Refused for a handle, name or address that cannot be had.

    password: None for an account that cannot sign in until one is set. verified: whether the address is proved.
    """
    reader = Reader(email=check_email(email), handle=check_handle(handle), name=check_name(name), joined=now)
    reader.role, reader.invited_by = role, invited_by
    reader.set_password(password)
    try:
        with transaction.atomic():
            reader.save()
            EmailAddress.objects.create(user=reader, email=reader.email, primary=True, verified=verified)
    except IntegrityError as problem:
        raise Refused(_("This handle or address is taken.")) from problem
    return reader


def check_email(text: str) -> str:
    """Give an address in lower case. Raises Refused where it is none."""
    email = text[:400].strip().lower()
    try:
        validate_email(email)
    except ValidationError as problem:
        raise Refused(_("This is no mail address.")) from problem
    if len(email) > 254 or email.endswith(".invalid"):
        raise Refused(_("This is no mail address."))
    return email


def by_handle(handle: str) -> Reader | None:
    """Find a reader by handle, in any case and with or without an @ before it."""
    return Reader.objects.filter(handle=_searchable(handle).removeprefix("@")).first()


def by_email(email: str) -> Reader | None:
    """Find a reader by address, in any case."""
    return Reader.objects.filter(email__iexact=_searchable(email)).first()


def named(text: str) -> Reader | None:
    """Find a reader by handle or by address."""
    return by_email(text) if "@" in text.strip().removeprefix("@") else by_handle(text)


def is_free(handle: str) -> bool:
    """Whether nobody has a handle."""
    return not Reader.objects.filter(handle=handle).exists()


def waiting() -> QuerySet[Reader]:
    """Give those who wait to be approved, the longest first."""
    return Reader.objects.filter(state="waiting").order_by("joined")


def approve(by: Reader | None, reader: Reader, *, now: datetime) -> None:
    """Let in someone who waits. `by` is None on the console. Raises Refused where nobody waits or by may not."""
    if by is not None and not by.may("moderator"):
        raise Refused(_("Only moderators let people in."))
    if not Reader.objects.filter(pk=reader.pk, state="waiting").update(state="active", approved_by=by):
        raise Refused(_("This person does not wait to be let in."))
    reader.refresh_from_db()
    # Importing it first would be a circle: notifications ask accounts who can be mailed.
    from broadsheet.readers import welcome

    welcome.tell(reader, now=now)


def set_role(reader: Reader, role: str) -> None:
    """Give a reader a role, as the console may; moderation has its own way, with a reason. Raises Refused."""
    if role not in ROLES:
        raise Refused(_("There is no such role; there are %(roles)s.") % {"roles": ", ".join(ROLES)})
    reader.role = role
    reader.save(update_fields=["role"])


def can_sign_in(reader: Reader) -> bool:
    """Whether the reader has something to sign in with: a password, a passkey or an account elsewhere."""
    from allauth.mfa.models import Authenticator
    from allauth.socialaccount.models import SocialAccount

    return (
        reader.has_usable_password()
        or SocialAccount.objects.filter(user=reader).exists()
        or Authenticator.objects.filter(user=reader, type=Authenticator.Type.WEBAUTHN).exists()
    )


def has_owner() -> bool:
    """Whether the site has an owner; the person of a site without sign-in counts once they could sign in."""
    others = Reader.objects.filter(role="owner").exclude(handle=LOCAL)
    if others.exists():
        return True
    local = Reader.objects.filter(Q(role="owner"), handle=LOCAL).first()
    return local is not None and can_sign_in(local)


def _searchable(text: str) -> str:
    # PostgreSQL refuses a NUL in a question, and no handle or address is longer than this.
    return text.replace("\0", "")[:400].strip().lower()
