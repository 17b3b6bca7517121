"""Who may join, and as what: by invitation, by approval, or everyone. The same whichever way people sign in."""

from datetime import datetime

from allauth.account.models import EmailAddress
from django.conf import settings
from django.db import IntegrityError, transaction
from django.http import HttpRequest
from django.utils.translation import gettext as _

from broadsheet.lib.clock import now as wall_clock
from broadsheet.readers import invitations
from broadsheet.readers.accounts import LOCAL, can_sign_in
from broadsheet.readers.models import Invitation, Reader
from broadsheet.readers.refused import Refused


def invitation_of(request: HttpRequest) -> Invitation | None:
    """Give the invitation with which a person came, while it is good."""
    code = request.session.get(invitations.SESSION_KEY)
    return invitations.find(code, wall_clock()) if isinstance(code, str) else None


def is_open(request: HttpRequest) -> bool:
    """Whether the person may join now."""
    return settings.CONFIG.registration in ("approval", "open") or invitation_of(request) is not None


def let_in(request: HttpRequest, reader: Reader, *, now: datetime) -> None:
    """Save a new reader: active and in the invitation's role with one, waiting where a moderator approves, else active.

    The invitation is used in the same transaction, so that one for one person lets one in. Who joins by the first link
    of a site takes over what its owner did there before, when nobody had to sign in. Raises Refused.
    """
    invitation = invitation_of(request)
    if invitation is None and settings.CONFIG.registration == "invitation":
        raise Refused(_("This invitation is used up or too old. Please ask for a new one."))
    reader.joined, reader.state = now, "waiting" if settings.CONFIG.registration == "approval" else "active"
    try:
        with transaction.atomic():
            if invitation is not None:
                if invitations.is_first_owners(invitation):
                    _take_over(reader)
                invitations.use(invitation, reader, now)
            else:
                reader.save()
    except IntegrityError as problem:
        raise Refused(_("Someone took this handle or address a moment ago. Please choose another.")) from problem
    request.session.pop(invitations.SESSION_KEY, None)


def _take_over(reader: Reader) -> None:
    local = Reader.objects.select_for_update().filter(handle=LOCAL).first()
    if local is None or can_sign_in(local):
        return
    given = ("email", "handle", "name", "password")
    for field in Reader._meta.concrete_fields:
        if field.attname not in given:
            setattr(reader, field.attname, getattr(local, field.attname))
    reader._state.adding = False
    # Pages about addresses keep a row of the one that stood there; the reader's own takes its place.
    EmailAddress.objects.filter(user=local).delete()
