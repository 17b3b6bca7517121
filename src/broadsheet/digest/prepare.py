"""Digests that are due are chosen and written into the ledger: nothing here sends, nothing is lost or made twice.

Choosing needs no lock. What was chosen is written in one transaction a batch, for those subscriptions alone that nobody
else wrote for, and nobody changed, since they were read: their next look tells. A process killed anywhere leaves whole
batches; the next run goes on with what is still due.
"""

import base64
import secrets
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from email.utils import parseaddr
from typing import Final

import numpy as np
from django.conf import settings
from django.db import transaction
from django.utils import translation

from broadsheet.digest import due as dues
from broadsheet.digest import reasons
from broadsheet.digest.choose import Chosen, Pool, Wish, choose
from broadsheet.digest.due import BATCH, Due
from broadsheet.digest.models import Digest, Mail, Subscription, Told
from broadsheet.digest.pool import Pools
from broadsheet.digest.ranker import TRENDING, Ranker, rankers_for
from broadsheet.editions.holding import canonical
from broadsheet.papers import rows
from broadsheet.readers.models import Follow

FOLLOWS: Final = "follows"
# Of the numbers of a pool, the part that is asked for one by one: papers of long ago, placed in an edition of today.
FEW: Final = 50
TOKEN_CHARS: Final = 20


@dataclass(frozen=True, slots=True)
class Made:
    """What was chosen for a subscription, before it is written."""

    due: Due
    chosen: Chosen
    ranker: Ranker

    @property
    def is_kept(self) -> bool:
        """Whether there is a digest; who wants one of at least so many papers gets none of fewer, and waits on."""
        return bool(self.chosen.picks) or self.due.subscription.rhythm != "when"


def prepare(now: datetime, batch: int = BATCH, seconds: float = 20.0) -> int:
    """Choose and write the digests that are due; give how many.

    Nothing new is begun after so many seconds: whoever calls comes again while there is something to do.
    """
    pools, began, done = Pools(now), time.monotonic(), 0
    for found in dues.due(now, batch):
        done += write(choose_all(found, pools), now)
        if time.monotonic() - began > seconds:
            break
    return done


def choose_all(found: Sequence[Due], pools: Pools) -> list[Made]:
    """Choose for a batch of subscriptions."""
    wished = _wished_lists(found)
    spans: dict[int, Pool] = {}
    for one in found:
        pk = one.subscription.pk
        spans[pk] = pools.of(one.first, one.last, wished[pk])
    told = _told(list(spans), {id(pool): pool for pool in spans.values()}.values())
    rankers = rankers_for({one.subscription.reader for one in found if one.subscription.reader})
    return [
        _chosen(one, spans[pk], wished[pk], told.get(pk, ()), rankers.get(one.subscription.reader_id or 0, TRENDING))
        for one in found
        for pk in [one.subscription.pk]
    ]


def _chosen(due: Due, pool: Pool, wished: tuple[str, ...], told: Iterable[int], ranker: Ranker) -> Made:
    subscription = due.subscription
    least = subscription.least if subscription.rhythm == "when" else 1
    wish = Wish(wished, subscription.length, least, frozenset(told), ranker)
    with translation.override(subscription.language or settings.LANGUAGE_CODE):
        chosen = choose(pool, wish)
        if due.partial and not len(pool):
            chosen = Chosen((), reasons.nothing("late"))
    return Made(due, chosen, ranker)


def _wished_lists(found: Sequence[Due]) -> dict[int, tuple[str, ...]]:
    """Give the lists each subscription wishes, as pools know them; for what a reader follows, those lists."""
    readers = {one.subscription.reader_id for one in found if FOLLOWS in one.subscription.lists}
    followed: dict[int | None, list[str]] = {}
    chosen = Follow.objects.filter(reader__in=readers - {None}, in_digest=True)
    for reader, key in chosen.values_list("reader_id", "key"):
        followed.setdefault(reader, []).append(key)
    wished = {}
    for one in found:
        keys = list(one.subscription.lists)
        if FOLLOWS in keys:
            keys += followed.get(one.subscription.reader_id, [])
        wished[one.subscription.pk] = tuple(dict.fromkeys(canonical(key) for key in keys if key != FOLLOWS))
    return wished


def _told(subscriptions: Sequence[int], pools: Iterable[Pool]) -> dict[int, list[int]]:
    """Give which papers of the pools each subscription was told of."""
    numbers = np.unique(np.concatenate([pool.numbers for pool in pools]))
    if not len(numbers):
        return {}
    # Papers are numbered as they come: asked from a number on, a ledger of years is a short look.
    low = int(numbers[len(numbers) // FEW])
    told = Told.objects.filter(subscription__in=subscriptions).values_list("subscription_id", "paper_id")
    found: dict[int, list[int]] = {}
    few = numbers[: len(numbers) // FEW].tolist()
    for subscription, paper in [*told.filter(paper__gte=low), *(told.filter(paper__in=few) if few else ())]:
        found.setdefault(subscription, []).append(paper)
    return found


def write(made: Sequence[Made], now: datetime) -> int:
    """Write digests, what they tell, and their mails in one transaction; give how many digests."""
    with transaction.atomic():
        mine = _unwritten(_held(made))
        kept = [one for one in mine if one.is_kept]
        digests = Digest.objects.bulk_create([digest_of(one, now) for one in kept])
        pairs = list(zip(kept, digests, strict=True))
        told = [
            (one.due.subscription.pk, number, digest.pk)
            for one, digest in pairs
            for number in sorted({number for pick in one.chosen.picks for number in pick.told})
        ]
        rows.insert(Told, ("subscription", "paper", "digest"), told)
        Mail.objects.bulk_create([_mail(one, digest, now) for one, digest in pairs if digest.state == "composed"])
        dues.postpone([(one.due.subscription, _next(one, now)) for one in mine])
    return len(kept)


def _held(made: Sequence[Made]) -> list[Made]:
    """Hold the subscriptions that are as they were read, until the transaction ends."""
    wanted = [one.due.subscription.pk for one in made]
    active = Subscription.objects.select_for_update().filter(pk__in=wanted, state="active").order_by("pk")
    looks = dict(active.values_list("pk", "next_look"))
    return [one for one in made if looks.get(one.due.subscription.pk) == one.due.subscription.next_look]


def _unwritten(made: Sequence[Made]) -> list[Made]:
    wanted = [one.due.subscription.pk for one in made]
    days = {one.due.last for one in made}
    there = Digest.objects.filter(subscription__in=wanted, last__in=days).values_list("subscription_id", "last")
    known = set(there)
    return [one for one in made if (one.due.subscription.pk, one.due.last) not in known]


def _next(made: Made, now: datetime) -> datetime:
    return dues.next_look(dues.wish_of(made.due.subscription), made.due.last, now)


def digest_of(made: Made, now: datetime) -> Digest:
    """Give the row of what was chosen, not yet written."""
    return Digest(
        subscription=made.due.subscription,
        first=made.due.first,
        last=made.due.last,
        state="composed" if made.chosen.picks else "nothing",
        picks=[pick.to_json() for pick in made.chosen.picks],
        ranker=str(made.ranker)[:40],
        partial=made.due.partial,
        says=made.chosen.says[:300],
        made=now,
    )


def _mail(made: Made, digest: Digest, now: datetime) -> Mail:
    address = made.due.subscription.address
    return Mail(
        subscription=made.due.subscription,
        digest=digest,
        address=address,
        domain=address.rpartition("@")[2].lower(),
        message_id=message_id(digest),
        token=new_token(),
        next_try=now,
        queued=now,
    )


def message_id(digest: Digest) -> str:
    """Give the Message-ID of a digest's mail: the same however often it is made."""
    sender = parseaddr(settings.CONFIG.values.get("digest_from") or settings.DEFAULT_FROM_EMAIL)[1]
    host = sender.rpartition("@")[2].lower() or "localhost"
    return f"<d{digest.pk}.{digest.last.isoformat()}@{host}>"


def new_token() -> str:
    """Make up the token of a mail, 100 bits; in letters of one case, for the ways of mail do not keep it."""
    return base64.b32encode(secrets.token_bytes(13)).decode()[:TOKEN_CHARS].lower()
