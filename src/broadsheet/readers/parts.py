"""What this room keeps of a reader: the account, ways to sign in, sessions, invitations, the library, notifications."""

from collections.abc import Mapping
from datetime import date

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from allauth.usersessions.models import UserSession
from axes.models import AccessAttempt, AccessFailureLog, AccessLog
from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.contrib.sessions.models import Session
from django.db.models import Model, Prefetch, Q

from broadsheet.readers import belongings, letters
from broadsheet.readers.models import Follow, Notification, Reader, Saved, SavedTag, Token

# What is the site's and not the reader's to take along: a password's hash helps nobody but who guesses.
KEPT_BACK = frozenset({"id", "password", "digest", "session_key", "reader", "user", "made_by"})


def register() -> None:
    """Register the parts, in the order of an export."""
    for part in (
        belongings.Part("account", _account, _forget_account),
        belongings.Part("sign_in", _sign_in, _forget_sign_in),
        belongings.Part("sessions", _sessions, _end_sessions),
        belongings.Part("invitations", _invitations, _forget_invitations),
        belongings.Part("library", _library, _forget_library),
        belongings.Part("follows", _follows, _forget_follows),
        belongings.Part("tokens", _tokens, _forget_tokens),
        belongings.Part("notifications", _notifications, _forget_notifications),
    ):
        belongings.register(part)


def row(instance: Model, **more: object) -> dict[str, object]:
    """Give a row in JSON's terms, without what is kept back; readers by handle."""
    shown = {field.name: field.value_from_object(instance) for field in instance._meta.concrete_fields}
    return {name: plain(value) for name, value in (shown | more).items() if name not in KEPT_BACK}


def plain(value: object) -> object:
    """Give a column's value in JSON's terms."""
    return value.isoformat() if isinstance(value, date) else value


def _account(reader: Reader) -> Mapping[str, object]:
    people = {"invited_by": reader.invited_by, "approved_by": reader.approved_by}
    return row(reader, **{name: other.handle if other else None for name, other in people.items()})


def _forget_account(reader: Reader) -> None:
    """Forget what names the person besides the row itself, which goes last."""
    addresses = {reader.email, *EmailAddress.objects.filter(user=reader).values_list("email", flat=True)}
    for log in (AccessAttempt, AccessFailureLog, AccessLog):
        log.objects.filter(username__in=addresses).delete()
    letters.forget(addresses)
    # What an owner did to this reader in the admin names them too.
    here = ContentType.objects.get_for_model(Reader)
    LogEntry.objects.filter(Q(user=reader) | Q(content_type=here, object_id=str(reader.pk))).delete()


def _sign_in(reader: Reader) -> Mapping[str, object]:
    return {
        "addresses": [row(address) for address in EmailAddress.objects.filter(user=reader).order_by("pk")],
        "elsewhere": [row(account) for account in SocialAccount.objects.filter(user=reader).order_by("pk")],
        # Their secrets are kept back: an export lies about in a folder of downloads.
        "second_factors": [
            {"type": each.type, "made": plain(each.created_at), "used": plain(each.last_used_at)}
            for each in Authenticator.objects.filter(user=reader).order_by("pk")
        ],
    }


def _forget_sign_in(reader: Reader) -> None:
    for model in (SocialAccount, Authenticator, EmailAddress):
        model.objects.filter(user=reader).delete()


def _sessions(reader: Reader) -> list[dict[str, object]]:
    return [row(session) for session in UserSession.objects.filter(user=reader).order_by("pk")]


def _end_sessions(reader: Reader) -> None:
    own = UserSession.objects.filter(user=reader)
    Session.objects.filter(session_key__in=list(own.values_list("session_key", flat=True))).delete()
    own.delete()


def _invitations(reader: Reader) -> Mapping[str, object]:
    return {
        "made": [row(invitation) for invitation in reader.invitations.order_by("pk")],
        "came": list(reader.invited.order_by("pk").values_list("handle", flat=True)),
    }


def _forget_invitations(reader: Reader) -> None:
    reader.invitations.all().delete()
    reader.invited.update(invited_by=None)
    reader.approved.update(approved_by=None)


def _library(reader: Reader) -> list[dict[str, object]]:
    saved = Saved.objects.filter(reader=reader).select_related("paper").order_by("at", "pk")
    saved = saved.prefetch_related(Prefetch("tags", SavedTag.objects.order_by("pk")))
    return [
        {
            "paper": each.paper.key,
            "title": each.paper.title,
            "at": plain(each.at),
            "state": each.state,
            "tags": [tag.name for tag in each.tags.all()],
            "note": each.note,
        }
        for each in saved
    ]


def _forget_library(reader: Reader) -> None:
    Saved.objects.filter(reader=reader).delete()


def _follows(reader: Reader) -> list[dict[str, object]]:
    return [row(each) for each in Follow.objects.filter(reader=reader).order_by("at", "pk")]


def _forget_follows(reader: Reader) -> None:
    Follow.objects.filter(reader=reader).delete()


def _tokens(reader: Reader) -> list[dict[str, object]]:
    return [row(each) for each in Token.objects.filter(reader=reader).order_by("made", "pk")]


def _forget_tokens(reader: Reader) -> None:
    Token.objects.filter(reader=reader).delete()


def _notifications(reader: Reader) -> list[dict[str, object]]:
    return [row(each) for each in Notification.objects.filter(reader=reader).order_by("pk")]


def _forget_notifications(reader: Reader) -> None:
    Notification.objects.filter(reader=reader).delete()
    # What others were told of the reader stays told, by nobody in particular.
    for told in Notification.objects.filter(data__by=reader.handle):
        told.data = {key: value for key, value in told.data.items() if key != "by"}
        told.save(update_fields=["data"])
