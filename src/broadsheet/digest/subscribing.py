"""Subscriptions: asked for, confirmed from the mailbox they are for, changed, paused, stopped, erased.

Strangers can make a site write to anyone who has not confirmed, so what they can ask for is little: one confirmation a
day, few in a month, none to an address that bounced or whose owner wants no mail, and none of it holds their words.
What the asking page says never tells whether an address is known here.
"""

from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final

from allauth.account.models import EmailAddress
from django.core.cache import caches
from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet
from django.db.models.functions import Lower
from django.utils.translation import gettext as _

from broadsheet.community import origins
from broadsheet.digest import addresses, confirming, wishes
from broadsheet.digest.links import Signed
from broadsheet.digest.models import Bounced, Mail, Subscription
from broadsheet.digest.wishes import Wish
from broadsheet.papers.database import overwrite_deleted
from broadsheet.readers import letters
from broadsheet.readers.models import Reader
from broadsheet.readers.refused import Refused

DAY: Final = timedelta(days=1)
# Confirmations to one mailbox in a day, and to one that never answered in a month.
MOST_A_DAY: Final = 3
MOST_UNANSWERED: Final = 5
UNANSWERED_FOR: Final = timedelta(days=30)
# What one network may ask for: a lecture hall may, a machine that tries addresses may not.
NETWORK_HOUR: Final = 12
NETWORK_DAY: Final = 40
# An address that bounced may be alive again after that long; one whose owner complained is not asked again.
BOUNCED_FOR: Final = timedelta(days=90)
UNWANTED: Final = "Its owner wants no mail from here."


def ask(address: str, wish: Wish, *, now: datetime, origin: str) -> None:
    """Ask for digests to an address: nothing is sent to it but one confirmation, and that not always.

    origin: the IP address of whoever asks. Raises Refused for what is no address, for a wish that cannot be had and
    where a network asks a lot; never for what is known of the address.
    """
    address = addresses.written(address)
    wish = wishes.checked(wish, has_account=False, today=now.date())
    _count_network(origin, now)
    with transaction.atomic():
        found = _locked(address) or _made(address, wish, now)
        if _is_silent(found, now):
            return
        if found.state in ("asked", "stopped") and found.reader_id is None:
            # The latest wish counts, and none does before it is confirmed.
            wishes.put(found, wish)
            found.asked = now
        if found.state == "suppressed":
            found.state, found.asked = "asked", now
        found.save()
        _ask_mailbox(found, address, now)


def confirm(signed: Signed, *, now: datetime) -> Subscription:
    """Do what a link of purpose "confirm" says: begin, or go to a new address. Twice is as once. Raises Refused."""
    try:
        return _confirm(signed, now)
    except IntegrityError:
        # Somebody asked for digests to that address in the same moment.
        raise Refused(_("Please press the button once more.")) from None


def _confirm(signed: Signed, now: datetime) -> Subscription:
    with transaction.atomic():
        found = _held(signed.subscription)
        if found.epoch != signed.subscription.epoch:
            raise Refused(_("This link was ended. Take the one of a newer mail."))
        if signed.address and signed.address != found.address:
            _move(found, signed.address)
        elif found.state != "active" and found.ended and signed.made < found.ended.replace(microsecond=0):
            raise Refused(_("This link is older than the day it was stopped. Ask for a new one."))
        if found.state != "active":
            found.state, found.confirmed, found.ended, found.says, found.soft_bounces = "active", now, None, "", 0
        found.save()
    return found


def change(subscription: Subscription, wish: Wish, *, now: datetime) -> Subscription:
    """Let a subscription want something else. Raises Refused."""
    has_account = subscription.reader_id is not None
    wish = wishes.checked(wish, has_account=has_account, today=now.date(), kept=subscription.lists)
    with transaction.atomic():
        found = _held(subscription)
        wishes.put(found, wish)
        found.save()
    return found


def stop(subscription: Subscription, *, now: datetime) -> Subscription:
    """Send no more. Whoever stops what was never confirmed wants no mail from here, whoever asks for it."""
    with transaction.atomic():
        found = _held(subscription)
        if found.state in ("stopped", "suppressed"):
            return found
        wanted = found.state == "active" or found.confirmed is not None
        found.state, found.ended = ("stopped", now) if wanted else ("suppressed", now)
        found.says = "" if wanted else UNWANTED
        found.save()
        _drop_waiting(found, now)
    return found


def resume(subscription: Subscription, *, now: datetime) -> Subscription:
    """Begin again what was stopped; what bounced, or was complained of, once it is confirmed anew. Raises Refused."""
    with transaction.atomic():
        found = _held(subscription)
        if found.state == "stopped" and found.confirmed:
            found.state, found.ended, found.says, found.soft_bounces = "active", None, "", 0
        elif found.state != "active":
            found.state, found.asked = "asked", now
            _ask_mailbox(found, found.address, now)
        found.save()
    return found


def move(subscription: Subscription, address: str, *, now: datetime) -> str:
    """Ask a new address whether digests may go there instead; give it as it is written here. Raises Refused."""
    address = addresses.written(address)
    if address == subscription.address:
        raise Refused(_("They go to that address already."))
    asked = subscription.mails.filter(kind="confirm", queued__gt=now - DAY).exclude(address=subscription.address)
    with transaction.atomic():
        found = _held(subscription)
        if asked.values("address").distinct().count() >= MOST_A_DAY:
            raise Refused(_("You asked for several addresses today. Please try again tomorrow."))
        owner = _of_address(address).first()
        if owner is None or not _is_silent(owner, now):
            _ask_mailbox(found, address, now)
    return address


def moving_to(subscription: Subscription, *, now: datetime) -> str:
    """Give the address that was asked last and did not answer yet; "" without."""
    asked = subscription.mails.filter(kind="confirm", queued__gt=now - 7 * DAY).order_by("-queued", "-pk").first()
    return asked.address if asked and asked.address != subscription.address else ""


def end_links(subscription: Subscription) -> Subscription:
    """End every link that was given so far."""
    with transaction.atomic():
        found = _held(subscription)
        found.epoch += 1
        found.save(update_fields=["epoch"])
    return found


def erase(subscription: Subscription) -> None:
    """Delete a subscription with all that is kept of it, its bounces and what a dry run wrote among them."""
    overwrite_deleted()
    with transaction.atomic():
        of_it = Q(subscription=subscription) | Q(mail__subscription=subscription)
        Bounced.objects.filter(of_it | Q(address__iexact=subscription.address)).delete()
        Subscription.objects.filter(pk=subscription.pk).delete()
    letters.forget([subscription.address])


def of_reader(reader: Reader) -> Subscription | None:
    """Give the subscription of an account: its own, or the one of its proved address that has no account yet."""
    own = Subscription.objects.filter(reader=reader).order_by("pk").first()
    proved = proved_address(reader)
    if own or not proved:
        return own
    return _of_address(proved).filter(reader=None).exclude(state="asked").first()


def proved_address(reader: Reader) -> str:
    """Give the address that an account proved to be its own, its first one before others; "" without."""
    found = EmailAddress.objects.filter(user=reader, verified=True).order_by("-primary", "pk").first()
    return found.email.lower() if found else ""


def begin(reader: Reader, wish: Wish, *, address: str = "", now: datetime) -> Subscription:
    """Begin the digests of an account, or change them: at once to its proved address, else once it is confirmed.

    address: where they should go, where the account has no proved address. Raises Refused.
    """
    proved = proved_address(reader)
    address = addresses.written(proved or address)
    wish = wishes.checked(wish, has_account=True, today=now.date())
    with transaction.atomic():
        found = _locked(address) or _made(address, wish, now)
        _take(found, reader, is_proved=bool(proved))
        wishes.put(found, wish)
        if proved and found.state in ("asked", "stopped"):
            found.state, found.confirmed, found.ended = "active", now, None
        elif found.state != "active":
            found.state, found.asked = "asked", now
            _ask_mailbox(found, address, now)
        found.save()
    return found


def tidy(now: datetime) -> int:
    """Forget who was asked and did not answer for a month; give how many. What was suppressed before is so again."""
    silent = Subscription.objects.filter(state="asked", asked__lt=now - UNANSWERED_FOR)
    again = silent.filter(ended__isnull=False).update(state="suppressed")
    unanswered = silent.filter(ended=None, confirmed=None, reader=None)
    return again + unanswered.delete()[1].get("digest.Subscription", 0)


def _take(found: Subscription, reader: Reader, *, is_proved: bool) -> None:
    others = found.reader_id not in (None, reader.pk)
    confirmed = found.confirmed is not None or found.state != "asked"
    if others or (not is_proved and found.reader_id is None and confirmed):
        raise Refused(_("Digests go to that address already. Their mails say how to change or stop them."))
    found.reader = reader


def _of_address(address: str) -> QuerySet[Subscription]:
    # As the unique index has it.
    return Subscription.objects.alias(lower=Lower("address")).filter(lower=address.lower())


def _locked(address: str) -> Subscription | None:
    return _of_address(address).select_for_update(of=("self",)).first()


def _held(subscription: Subscription) -> Subscription:
    found = Subscription.objects.select_for_update(of=("self",)).filter(pk=subscription.pk).first()
    if found is None:
        raise Refused(_("This subscription is gone, and all that was kept of it."))
    return found


def _made(address: str, wish: Wish, now: datetime) -> Subscription:
    """Make a subscription that waits for its confirmation; where another request was first, give that one."""
    fresh = Subscription(address=address, asked=now)
    wishes.put(fresh, wish)
    try:
        with transaction.atomic():
            fresh.save()
    except IntegrityError:
        return _of_address(address).select_for_update(of=("self",)).get()
    return fresh


def _is_silent(subscription: Subscription, now: datetime) -> bool:
    """Whether nobody but its owner can have a mail sent there."""
    if subscription.state != "suppressed":
        return False
    complained = subscription.bounces.filter(kind="complaint").exists()
    unwanted = complained or subscription.confirmed is None
    return unwanted or subscription.ended is None or now < subscription.ended + BOUNCED_FOR


def _ask_mailbox(subscription: Subscription, address: str, now: datetime) -> None:
    """Queue a confirmation: one a day for a subscription and address, and not more than a mailbox should get."""
    to_it = Mail.objects.filter(_same_mailbox(address), kind="confirm")
    if to_it.filter(queued__gt=now - DAY).count() >= MOST_A_DAY:
        return
    unanswered = to_it.filter(queued__gt=now - UNANSWERED_FOR, subscription__confirmed=None)
    if subscription.confirmed is None and unanswered.count() >= MOST_UNANSWERED:
        return
    if not to_it.filter(subscription=subscription, address=address, queued__gt=now - DAY).exists():
        confirming.queue(subscription, address, now=now)


def _same_mailbox(address: str) -> Q:
    """What goes to an address, and to those that its host may take for it: ada+news@… is ada@…."""
    local, _at, host = address.rpartition("@")
    plain = local.partition("+")[0] or local
    return Q(address=f"{plain}@{host}") | Q(address__startswith=f"{plain}+", address__endswith=f"@{host}")


def _move(found: Subscription, address: str) -> None:
    """Send to a confirmed new address; links that went to the old one end. What only waits there makes room."""
    other = _of_address(address).exclude(pk=found.pk).select_for_update(of=("self",)).first()
    if other is not None and (other.confirmed or other.reader_id or other.state != "asked"):
        raise Refused(_("That address gets digests already. Stop and erase those first, by the links in their mails."))
    if other is not None:
        erase(other)
    found.address = address
    found.epoch += 1
    found.mails.filter(state="queued", kind="digest").update(address=address, domain=addresses.host_of(address))


def _drop_waiting(subscription: Subscription, now: datetime) -> None:
    """What was not taken by a sender yet does not go out. Only that: a sender may hold the others."""
    subscription.mails.filter(state="queued").update(state="suppressed", ended=now, reply="stopped by its owner")


def _count_network(origin: str, now: datetime) -> None:
    """Count one more request of a network. Raises Refused once it asked a lot."""
    counts = caches["default"]
    network = origins.digest(origin, now) or sha256(origin.encode()).hexdigest()[:32]
    hour, day = f"digest-ask:{now:%Y-%m-%dT%H}:{network}", f"digest-ask:{now:%Y-%m-%d}:{network}"
    asked = counts.get_many((hour, day))
    if asked.get(hour, 0) >= NETWORK_HOUR or asked.get(day, 0) >= NETWORK_DAY:
        raise Refused(_("Many digests were asked for from your network. Please try again later."))
    counts.set(hour, asked.get(hour, 0) + 1, 3600)
    counts.set(day, asked.get(day, 0) + 1, 86400)
