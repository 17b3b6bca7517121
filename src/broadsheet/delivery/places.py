"""The places a reader sends lists to: making one, pausing, changing its secret, trying it out."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID, uuid4

from django.db import transaction
from django.utils.translation import gettext as _

from broadsheet.delivery import chat, choose, hooks, message
from broadsheet.delivery.models import KINDS, RHYTHMS, Delivery, Hook
from broadsheet.delivery.sending import Message, Outcome
from broadsheet.editions import lists
from broadsheet.editions.named import LONGEST_KEY, NoSuchList
from broadsheet.lib.http import HttpError, read_url
from broadsheet.papers.models import Change
from broadsheet.readers.models import Reader
from broadsheet.readers.refused import Refused

MOST: Final = 10
MOST_PAPERS: Final = 50
LONGEST_NAME: Final = 80
LONGEST_TARGET: Final = 2000
# A receiver has that long to learn a new secret; until then both sign.
BOTH_SIGN: Final = timedelta(days=1)
TEST_SECONDS: Final = 9.0
Send = Callable[[Message], Outcome]
SENDERS: Final[Mapping[str, Send]] = {"webhook": hooks.send, "chat": chat.send}
# Somebody else's slow receiver must not hold up the threads that answer readers: one test at a time in a process.
_testing = threading.BoundedSemaphore(1)


@dataclass(frozen=True, slots=True)
class Preview:
    """What would go out: title and text as the place gets them, and what the place is."""

    service: str
    title: str
    text: str


def made(reader: Reader, values: Mapping[str, Any], *, now: datetime) -> Hook:
    """Make a place from what a form gave, without keeping it. Raises Refused."""
    key, target = " ".join(str(values["key"]).split()), str(values["target"]).strip()
    name = " ".join(str(values.get("name", "")).split())
    hook = Hook(
        reader=reader,
        kind=values["kind"],
        name=name,
        target=target,
        key=key,
        rhythm=values["rhythm"],
        least=values["least"],
        most=values["most"],
        made=now,
        since=now,
        looked=now,
    )
    check(hook)
    if hook.kind == "webhook":
        hook.secret = hooks.new_secret()
    return hook


def check(hook: Hook) -> None:
    """Look whether a place makes sense, without asking what its list holds. Raises Refused."""
    if hook.kind not in KINDS or hook.rhythm not in RHYTHMS:
        raise Refused(_("Choose a kind and a rhythm."))
    if len(hook.name) > LONGEST_NAME or not hook.name.isprintable():
        raise Refused(_("Give it a name of at most %(most)d characters.") % {"most": LONGEST_NAME})
    if not 1 <= hook.least <= MOST_PAPERS or not 1 <= hook.most <= MOST_PAPERS:
        raise Refused(_("A message holds 1 to %(most)d papers.") % {"most": MOST_PAPERS})
    if not hook.target or len(hook.target) > LONGEST_TARGET or not hook.target.isprintable():
        raise Refused(_("Give the address it should go to."))
    if len(hook.key) > LONGEST_KEY:
        raise Refused(_("There is no such list."))
    if hook.kind == "webhook":
        try:
            read_url(hook.target)
        except HttpError as error:
            raise Refused(f"{error}.") from error


def preview(hook: Hook, *, now: datetime) -> Preview:
    """Show what would go out with what stands in the list now. Raises Refused."""
    body = _example(hook, now, test=False)
    if hook.kind == "webhook":
        sample = Message("webhook", hook.target, body["id"], body, int(now.timestamp()))
        return Preview(hooks.place_of(hook.target), "", hooks.encoded(sample).decode())
    try:
        return Preview(**chat.look(hook.target, body))
    except chat.NoChat as problem:
        raise Refused(str(problem)) from problem


def _example(hook: Hook, now: datetime, *, test: bool) -> message.Payload:
    try:
        found, papers = choose.current(hook, now)
    except NoSuchList as wrong:
        raise Refused(str(wrong)) from wrong
    return message.payload(hook.kind, uuid4(), found, papers, 0, now, test=test)


def keep(hook: Hook, *, now: datetime) -> Hook:
    """Keep a place; it begins with what comes from now on. Raises Refused."""
    preview(hook, now=now)
    with transaction.atomic():
        owner = Reader.objects.select_for_update(no_key=True).get(pk=hook.reader_id)
        if not owner.is_active:
            raise Refused(_("Your account may not send lists at the moment."))
        if Hook.objects.filter(reader=owner).count() >= MOST:
            raise Refused(_("You send to %(most)d places already; remove one that you do not use.") % {"most": MOST})
        hook.save()
    begin(hook, now=now)
    return hook


def begin(hook: Hook, *, now: datetime) -> None:
    """Take all that is in the list by now for the past."""
    Hook.objects.filter(pk=hook.pk).update(
        since=now, looked=now, day=lists.latest_day(now), change=latest_change(), next_try=None
    )
    hook.refresh_from_db()
    try:
        _found, numbers = choose.fresh(hook, now)
    except NoSuchList:
        return
    choose.pass_over(hook, numbers, now)


def latest_change() -> int:
    """Give the number of the newest change of the record."""
    return Change.objects.order_by("-seq").values_list("seq", flat=True).first() or 0


def of(reader: Reader) -> list[Hook]:
    """Give a reader's places, the newest first."""
    return list(Hook.objects.filter(reader=reader).order_by("-made", "-pk"))


def pause(hook: Hook) -> None:
    """Send nothing there until it is resumed."""
    Hook.objects.filter(pk=hook.pk).update(state="paused", says="")


def resume(hook: Hook, *, now: datetime) -> None:
    """Send there again. What came while the reader had paused it is the past; what came while it failed is sent."""
    was_paused = hook.state == "paused"
    Hook.objects.filter(pk=hook.pk).update(state="active", says="", failures=0, next_try=None, slow=False)
    hook.refresh_from_db()
    if was_paused:
        begin(hook, now=now)


def rotate(hook: Hook, *, now: datetime) -> str:
    """Give a web hook a new secret; the old one signs beside it for a day."""
    fresh = hooks.new_secret()
    Hook.objects.filter(pk=hook.pk).update(before=hook.secret, secret=fresh, rotated=now)
    hook.refresh_from_db()
    return fresh


def retry(delivery: Delivery, *, now: datetime) -> None:
    """Send a message that failed once more, with the same number."""
    waiting = Delivery.objects.filter(pk=delivery.pk, state="failed")
    if waiting.update(state="waiting", tries=0, first_try=None, says="", at=now):
        if delivery.hook.state == "failing":
            resume(delivery.hook, now=now)
        Hook.objects.filter(pk=delivery.hook_id).update(next_try=None)


def parcel(hook: Hook, number: UUID, body: message.Payload, now: datetime, seconds: float = 0.0) -> Message:
    """Make a message ready to be carried."""
    keys: tuple[str, ...] = (hook.secret,) if hook.secret else ()
    if hook.before and hook.rotated and now < hook.rotated + BOTH_SIGN:
        keys += (hook.before,)
    return Message(hook.kind, hook.target, str(number), body, int(now.timestamp()), keys, seconds)


def test(hook: Hook, *, now: datetime) -> Outcome:
    """Send a message marked as a test now, with what stands in the list. Nothing is noted. Raises Refused."""
    body = _example(hook, now, test=True)
    if not _testing.acquire(blocking=False):
        raise Refused(_("Somebody else is trying a place out; try again in a moment."))
    try:
        return SENDERS[hook.kind](parcel(hook, UUID(body["id"]), body, now, TEST_SECONDS))
    finally:
        _testing.release()
