"""Counting in windows of time, in the memory of each process, so that counting never writes to the record."""

from django.core.cache import caches


def count(name: str, seconds: int, at: float) -> tuple[int, int]:
    """Count one more of a name in its window; give how many there are, and the seconds until the window ends.

    at: in Unix seconds; windows begin at whole multiples of their length.
    """
    window, into = divmod(int(at), seconds)
    counts, key = caches["memory"], f"count:{name}:{window}"
    # Kept a little longer than its window, so that it never ends between these two lines.
    counts.add(key, 0, 2 * seconds)
    return counts.incr(key), seconds - into
