"""What time has made useless: ended sessions, old wrong passwords, counts of rates, invitations long over."""

from datetime import datetime, timedelta
from typing import Final

from axes.models import AccessAttempt
from django.conf import settings
from django.contrib.sessions.models import Session

from broadsheet.readers.models import Cached, Invitation

# How long an invitation that is over stays to be seen by whoever made it.
SEEN_FOR: Final = timedelta(days=90)


def tidy(now: datetime) -> int:
    """Delete what is over; give how many rows went. Running it twice changes nothing."""
    over = (
        Session.objects.filter(expire_date__lt=now),
        AccessAttempt.objects.filter(attempt_time__lt=now - settings.AXES_COOLOFF_TIME),
        Cached.objects.filter(expires__lt=now),
        Invitation.objects.filter(expires__lt=now - SEEN_FOR),
    )
    return sum(rows.delete()[0] for rows in over)
