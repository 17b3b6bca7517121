"""A reader's profile: learned from what they told, kept while that is of today."""

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import lru_cache
from threading import Lock
from typing import Final

from django.db import IntegrityError, transaction

from broadsheet.foryou import features as known
from broadsheet.foryou import models, signals
from broadsheet.foryou.signals import Signals
from broadsheet.learning.background import Background
from broadsheet.learning.features import LearningError, join
from broadsheet.learning.profile import RANKER, Example, Profile, Trained, learn
from broadsheet.lib.clock import now as wall_clock
from broadsheet.readers.models import Reader

# Learned profiles with all that they were learned from, which a process remembers: about a megabyte each.
REMEMBERED: Final = 24
# Parsed profiles that a process remembers: about 100 kB each.
PARSED: Final = 128
# The worker looks after readers whose list was made in this time, and learns so many anew in one round.
ACTIVE: Final = timedelta(days=14)
AT_ONCE: Final = 500

_trained: OrderedDict[tuple[int, str, str], Trained] = OrderedDict()
_lock = Lock()


def trained(reader: Reader, told: Signals | None = None) -> Trained | None:
    """Give what was learned of a reader, with all that it was learned from; None where there is nothing to learn from.

    It is learned in this process, where it is not remembered. told: the reader's signals, where they were read already.
    """
    background = known.background()
    if background is None:
        return None
    told = told or signals.gather(reader)
    key = reader.pk, told.digest, background.version
    with _lock:
        if key in _trained:
            _trained.move_to_end(key)
            return _trained[key]
    found = learned(told, background)
    if found is not None:
        with _lock:
            _trained[key] = found
            while len(_trained) > REMEMBERED:
                _trained.popitem(last=False)
    return found


def learned(told: Signals, background: Background) -> Trained | None:
    """Learn from signals; None where they teach nothing."""
    if not told.teach:
        return None
    wished = [Example(one.number, True, one.weight, one.pull, sure=True) for one in told.wished]
    numbers = [example.paper for example in told.examples]
    parts = [known.features_of(numbers, background)] if numbers else []
    for one in told.wished:
        parts.append(known.marked(one.mark, background) if one.mark else known.wished(one.words, background))
    prepared = background.prepare(join(parts))
    examples = (*told.examples, *wished)
    found = learn(examples, prepared, background, muted=told.muted)
    if all(weight == 1 for _number, weight in told.interests):
        return found
    changed = _with_interests(examples, found, told.interests)
    kept = [row for row, example in enumerate(changed) if example.pull > 0]
    if not any(changed[row].liked for row in kept):
        return None
    return learn([changed[row] for row in kept], prepared.take(kept), background, muted=told.muted)


def _with_interests(
    examples: Sequence[Example], found: Trained, wanted: Sequence[tuple[int, float]]
) -> tuple[Example, ...]:
    """Give the examples with the pull of those interests changed that hold the papers that were named."""
    weights: dict[int, float] = {}
    for anchor, weight in wanted:
        for interest in found.interests:
            if anchor in interest.papers:
                weights.update(dict.fromkeys(interest.papers, weight))
    return tuple(replace(one, pull=one.pull * weights.get(one.paper, 1.0)) for one in examples)


def profile(reader: Reader, told: Signals | None = None) -> Profile | None:
    """Give a reader's profile: the kept one where signals and background are of today, else learned anew and kept."""
    background = known.background()
    if background is None:
        return None
    told = told or signals.gather(reader)
    kept = _kept(reader, told, background)
    return kept if kept is not None else _anew(reader, told, background)


def _kept(reader: Reader, told: Signals, background: Background) -> Profile | None:
    row = models.Profile.objects.filter(
        reader=reader, ranker=RANKER, background=background.version, signals=told.digest
    ).first()
    return _parse(bytes(row.data)) if row else None


def _parse(data: bytes) -> Profile | None:
    try:
        return _parsed(data)
    except LearningError:
        # It is derived: it is learned again.
        return None


@lru_cache(maxsize=PARSED)
def _parsed(data: bytes) -> Profile:
    return Profile.from_bytes(data)


def _anew(reader: Reader, told: Signals, background: Background) -> Profile | None:
    found = trained(reader, told)
    if found is None:
        models.Profile.objects.filter(reader=reader).delete()
        return None
    keep(reader, told, background, found.profile)
    return found.profile


def keep(reader: Reader, told: Signals, background: Background, found: Profile, now: datetime | None = None) -> None:
    """Keep a profile in place of the one before. Of a reader who left meanwhile nothing is kept."""
    row = models.Profile(
        reader=reader,
        ranker=RANKER,
        background=background.version,
        signals=told.digest,
        data=found.to_bytes(),
        made=now or wall_clock(),
    )
    changed = ["ranker", "background", "signals", "data", "made"]
    try:
        with transaction.atomic():
            if Reader.objects.filter(pk=reader.pk).exists():
                models.Profile.objects.bulk_create(
                    [row], update_conflicts=True, unique_fields=["reader"], update_fields=changed
                )
    except IntegrityError:
        # The reader was erased at this moment.
        return


def many(readers: Iterable[Reader]) -> dict[int, Profile]:
    """Give the profiles of readers who have one, by their numbers: kept ones in one query, the others learned anew."""
    background, wanted = known.background(), {reader.pk: reader for reader in readers}
    if background is None or not wanted:
        return {}
    told = {pk: one for pk, one in signals.gather_many(wanted.values()).items() if one.teach}
    rows = models.Profile.objects.filter(reader__in=list(told), ranker=RANKER, background=background.version)
    kept = {row.reader_id: row for row in rows} if told else {}
    found = {}
    for pk, one in told.items():
        row = kept.get(pk)
        fresh = _parse(bytes(row.data)) if row is not None and row.signals == one.digest else None
        profile = fresh if fresh is not None else _anew(wanted[pk], one, background)
        if profile is not None:
            found[pk] = profile
    return found


def relearn(now: datetime) -> int:
    """Learn the profiles anew that are out of date, of readers whose list was made lately; give how many."""
    background = known.background()
    if background is None:
        return 0
    active = models.List.objects.filter(made__gte=now - ACTIVE).values_list("reader_id", flat=True).distinct()
    numbers = sorted(active)
    done = 0
    for start in range(0, len(numbers), signals.READERS_AT_ONCE):
        if done >= AT_ONCE:
            break
        done += _relearn(numbers[start : start + signals.READERS_AT_ONCE], background, now)
    return done


def _relearn(numbers: Sequence[int], background: Background, now: datetime) -> int:
    readers = list(Reader.objects.filter(pk__in=numbers))
    told = signals.gather_many(readers)
    rows = models.Profile.objects.filter(reader__in=numbers, ranker=RANKER, background=background.version)
    fresh = set(rows.values_list("reader_id", "signals"))
    done = 0
    for reader in readers:
        mine = told[reader.pk]
        if not mine.teach or (reader.pk, mine.digest) in fresh:
            continue
        found = learned(mine, background)
        if found is not None:
            keep(reader, mine, background, found.profile, now)
            done += 1
    return done
