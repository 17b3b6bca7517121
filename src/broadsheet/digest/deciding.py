"""What a person decides of mails that no server speaks for: once more, or it arrived."""

import logging
from collections.abc import Sequence
from datetime import datetime

from broadsheet.digest import outbox
from broadsheet.digest.models import Mail

log = logging.getLogger(__name__)


def again(mails: Sequence[int], *, who: str, now: datetime) -> int:
    """Put mails that are in doubt or failed back into the queue, under the same Message-ID; give how many.

    who: decided it, for the log. A mail in doubt may come to its reader a second time; programs that know the
    Message-ID show it once.
    """
    done = outbox.again(mails, now, failed=True)
    if done:
        log.info("digests: %s has %d mails tried once more", who, done)
    return done


def arrived(mails: Sequence[int], *, who: str, now: datetime) -> int:
    """Note that mails in doubt were sent; give how many."""
    doubtful = Mail.objects.filter(pk__in=mails, state="doubtful").values_list("pk", flat=True)
    done = outbox.sent(list(doubtful), now, f"it arrived, says {who}")
    if done:
        log.info("digests: %s says that %d mails arrived", who, done)
    return done
