"""How often one reader may act by programs: what costs work or other people's patience.

What a reader may give in a day is for the community's own rules; these rates keep a program from hammering them, and
arXiv behind them. Counts live in the memory of each process, so that counting never writes to the record.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.utils.translation import gettext as _

from broadsheet.api.errors import ApiError
from broadsheet.readers import windows
from broadsheet.readers.models import Reader


@dataclass(frozen=True, slots=True)
class Rate:
    """At most `times` in a window of `seconds`."""

    times: int
    seconds: int


MINUTE: Final = 60
HOUR: Final = 3600
RATES: Final = {
    "vote": Rate(60, MINUTE),
    "save": Rate(60, MINUTE),
    "comment": Rate(10, MINUTE),
    "submit": Rate(20, 10 * MINUTE),
    "claim": Rate(30, HOUR),
    "link": Rate(30, HOUR),
}


def must_be_few(action: str, reader: Reader, now: datetime) -> None:
    """Count one act of a reader. Raises ApiError 429 with Retry-After once the rate of the action is used up."""
    rate = RATES[action]
    acts, left = windows.count(f"acts:{action}:{reader.pk}", rate.seconds, now.timestamp())
    if acts > rate.times:
        says = _("That was a lot in a short time: at most %(times)d in %(minutes)d min. Go on in %(left)d seconds.")
        words = {"times": rate.times, "minutes": rate.seconds // MINUTE, "left": left}
        raise ApiError(429, says % words, {"Retry-After": str(left)})
