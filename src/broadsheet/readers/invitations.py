"""Invitations: links by which people join. The code in a link is known to nobody but those who have it."""

import hashlib
import secrets
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction
from django.db.models import F, QuerySet, Sum
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from broadsheet.readers import accounts
from broadsheet.readers.models import ROLES, Invitation, Reader
from broadsheet.readers.refused import Refused

# The page that an invitation leads to keeps its code in the session under this key; joining takes it from there.
SESSION_KEY: Final = "invitation"
MOST_USES: Final = 1000
MOST_DAYS: Final = 365
LONGEST_NOTE: Final = 200
OWNER_DAYS: Final = 7
LONGEST_CODE: Final = 200


def invite(
    by: Reader | None, *, role: str = "reader", uses: int = 1, days: int = 14, note: str = "", now: datetime
) -> tuple[Invitation, str]:
    """Make an invitation; give it and the code of its link, which is told only this once.

    by: None for the console. uses: how many people may join by it. Raises Refused for what `by` may not give.
    """
    _check(role, uses, days, note)
    with transaction.atomic():
        if by is not None:
            _check_allowed(by, role, uses, now)
        code = secrets.token_urlsafe(24)
        made = Invitation.objects.create(
            digest=digest(code),
            role=role,
            made_by=by,
            made=now,
            expires=now + timedelta(days=days),
            uses_left=uses,
            note=note.strip(),
        )
    return made, code


def find(code: str, now: datetime) -> Invitation | None:
    """Give the invitation of a code while it is good; None for any other code."""
    if not code or len(code) > LONGEST_CODE:
        return None
    found = _good(now).select_related("made_by").filter(digest=digest(code)).first()
    if found is None or (found.made_by is not None and not found.made_by.is_active):
        return None
    return None if is_first_owners(found) and accounts.has_owner() else found


def use(invitation: Invitation, reader: Reader, now: datetime) -> None:
    """Take one of its uses for a reader: they are let in, with its role. Raises Refused where it is used up or too old.

    The reader is saved. Who has a higher role already keeps it.
    """
    with transaction.atomic():
        if is_first_owners(invitation) and accounts.has_owner():
            raise Refused(_("This site has its owner already."))
        if not _good(now).filter(pk=invitation.pk).update(uses_left=F("uses_left") - 1):
            raise Refused(_("This invitation is used up or too old. Please ask for a new one."))
        reader.role = max(reader.role, invitation.role, key=ROLES.index)
        reader.invited_by = reader.invited_by or invitation.made_by
        reader.state = "active"
        reader.save()


def take_back(by: Reader, invitation: Invitation) -> None:
    """End an invitation: whoever made it may, and moderators. Raises Refused for others."""
    if invitation.made_by_id != by.pk and not by.may("moderator"):
        raise Refused(_("You can take back your own invitations only."))
    Invitation.objects.filter(pk=invitation.pk).update(uses_left=0)


def of(reader: Reader) -> QuerySet[Invitation]:
    """Give the invitations that a reader made, the newest first."""
    return reader.invitations.order_by("-made", "-pk")


def left(reader: Reader, now: datetime) -> int | None:
    """Give how many more people a reader may invite; None for as many as they like.

    Those who came count, and those who still may come by an invitation that is open; one that ended unused does not.
    """
    from django.conf import settings

    if reader.may("curator"):
        return None
    open_uses = _good(now).filter(made_by=reader).aggregate(all=Sum("uses_left"))["all"] or 0
    return max(0, int(settings.CONFIG.invitations_per_reader - reader.invited.count() - open_uses))


def owner_code(now: datetime) -> str | None:
    """Give the code of a link that makes its user the owner, good once and for a week; None where there is an owner.

    Earlier ones end: only the link that was printed last is good.
    """
    with transaction.atomic():
        if accounts.has_owner():
            return None
        Invitation.objects.filter(role="owner", made_by=None).update(uses_left=0)
        return invite(None, role="owner", days=OWNER_DAYS, now=now)[1]


def is_first_owners(invitation: Invitation) -> bool:
    """Whether it is the first link of a site, which is good only while there is no owner."""
    return invitation.role == "owner" and invitation.made_by_id is None


def digest(code: str) -> str:
    """Give what is kept of a code: its SHA-256, in hexadecimal. A code has 192 random bits, so no salt is needed."""
    return hashlib.sha256(code.encode("utf-8", "surrogatepass")).hexdigest()


def _good(now: datetime) -> QuerySet[Invitation]:
    return Invitation.objects.filter(uses_left__gt=0, expires__gt=now)


def _check(role: str, uses: int, days: int, note: str) -> None:
    if role not in ROLES:
        raise Refused(_("There is no such role; there are %(roles)s.") % {"roles": ", ".join(ROLES)})
    if not 1 <= uses <= MOST_USES or not 1 <= days <= MOST_DAYS:
        raise Refused(_("An invitation is for 1 to 1000 people and lasts 1 to 365 days."))
    if len(note) > LONGEST_NOTE or not note.replace("\n", " ").replace("\r", " ").isprintable():
        raise Refused(_("A note has at most 200 characters."))


def _check_allowed(by: Reader, role: str, uses: int, now: datetime) -> None:
    # The row is held so that two requests at once cannot both use up what is left.
    by = Reader.objects.select_for_update().get(pk=by.pk)
    if not by.is_active:
        raise Refused(_("Your account is not active now, so you cannot invite."))
    if role != "reader" and not (by.may("moderator") and by.may(role)):
        raise Refused(_("You can invite people as readers only."))
    allowed = left(by, now)
    if allowed is not None and uses > allowed:
        says = ngettext("You can invite %(left)d more person.", "You can invite %(left)d more people.", allowed)
        raise Refused(says % {"left": allowed})
