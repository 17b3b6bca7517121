"""Work that several hosts share: what one has taken, the others leave, and whoever dies gives it back at once.

On PostgreSQL by its advisory locks, which belong to a connection and end with it. A record in SQLite has one host; its
workers are kept apart by conditional updates and its one writer, so that nothing is asked here.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from hashlib import sha256
from typing import Final

from django.core.cache import cache
from django.db import connection

# The first of the two numbers that name a lock: which kind of thing is held.
STEP: Final = 0x62737370
TEXT: Final = 0x62737478


def number(name: str) -> int:
    """Give the second number of a lock: a hash, from -2**31 to 2**31 - 1. Two names that share it share the lock."""
    return int.from_bytes(sha256(name.encode()).digest()[:4], "big", signed=True)


def among_hosts() -> bool:
    """Tell whether other hosts may work on this record."""
    return connection.vendor == "postgresql"


@contextmanager
def alone(name: str) -> Iterator[bool]:
    """Let one process of all hosts be in the block of a name; yields False, at once, to the others."""
    mine = _hold(STEP, [number(name)])
    try:
        yield bool(mine)
    finally:
        _release(STEP, mine)


@contextmanager
def in_turn(name: str) -> Iterator[None]:
    """Wait until no other process of any host is in the block of a name."""
    if not among_hosts():
        yield
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s, %s)", [STEP, number(name)])
    try:
        yield
    finally:
        _release(STEP, [number(name)])


@contextmanager
def turn(name: str, every: timedelta) -> Iterator[bool]:
    """The same as `alone`, and after one host was in the block the others rest as long as it does.

    That is noted at the end of the block: whoever is killed in it leaves the turn to the next at once.
    """
    if not among_hosts():
        yield True
        return
    with alone(f"turn {name}") as mine:
        if not mine or cache.get(_rests(name)):
            yield False
            return
        yield True
        cache.set(_rests(name), "taken", every.total_seconds())


def again(name: str) -> None:
    """Let the next turn come at once: there is more to do."""
    if among_hosts():
        cache.delete(_rests(name))


def _rests(name: str) -> str:
    # Names of steps have blanks, which keys must not.
    return f"turn:{name.replace(' ', '-')}"


@contextmanager
def holding(names: Sequence[str], most: int) -> Iterator[list[str]]:
    """Take up to so many of these that no other process holds, the first ones first; they are held in the block."""
    if not among_hosts():
        yield list(names[:most])
        return
    by_number = {number(name): name for name in reversed(names)}
    wanted = [number(name) for name in dict.fromkeys(names)]
    held: list[int] = []
    try:
        for start in range(0, len(wanted), most):
            if len(held) < most:
                held += _hold(TEXT, list(dict.fromkeys(wanted[start : start + most - len(held)])))
        yield [by_number[one] for one in held]
    finally:
        _release(TEXT, held)


def _hold(kind: int, numbers: Sequence[int]) -> list[int]:
    if not among_hosts():
        return list(numbers)
    with connection.cursor() as cursor:
        # Never in the WHERE of a look at a table: how many rows would be tried there is the planner's choice.
        cursor.execute("SELECT n, pg_try_advisory_lock(%s, n) FROM unnest(%s::int[]) AS n", [kind, list(numbers)])
        return [one for one, mine in cursor.fetchall() if mine]


def _release(kind: int, numbers: Sequence[int]) -> None:
    # A connection that was lost gave them back already.
    if numbers and among_hosts() and connection.connection and not connection.connection.closed:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s, n) FROM unnest(%s::int[]) AS n", [kind, list(numbers)])
