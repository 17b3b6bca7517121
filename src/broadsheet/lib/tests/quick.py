"""How long hostile input may keep a reader of it: a bound that a slow machine keeps and a repetition does not."""

import time
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Fail where what is done takes more of this thread's own processor time.

    Give at least ten times what it needs: what these tests look for, work that grows faster than its text,
    takes minutes.
    """
    begun = time.thread_time()
    yield
    spent = time.thread_time() - begun
    assert spent < seconds, f"took {spent:.1f} s of a processor"
