"""What is well with the site, down to the rooms below, and with its digests."""

from datetime import datetime, timedelta
from typing import Final

from django.db.models import Count, Min, Q

from broadsheet.delivery import health as delivery
from broadsheet.digest import progress, run
from broadsheet.digest.models import AT_ONCE, Bounced, Digest, Mail, Subscription
from broadsheet.lib.clock import now as wall_clock
from broadsheet.papers.health import Check

# Digests are chosen every minute and their mails sent at once; after so long something stands still.
PATIENCE: Final = timedelta(minutes=30)
WEEK: Final = timedelta(days=7)
# Few mails bounce where every address was confirmed. Of complaints, the large mail services take three in a thousand.
MOST_BOUNCES: Final = 0.05
FEW_BOUNCES: Final = 5
MOST_COMPLAINTS: Final = 0.003
FEW_COMPLAINTS: Final = 2
DESK: Final = "/desk/digests"


def checks(now: datetime | None = None) -> list[Check]:
    """Look at everything, the rooms below included. Nothing here asks the network."""
    moment = now or wall_clock()
    return [*delivery.checks(moment), *own(moment)]


def own(now: datetime) -> list[Check]:
    """Look at digests."""
    return [subscriptions_check(), queue_check(now), bounces_check(now), doubtful_check()]


def subscriptions_check() -> Check:
    """Can digests leave that readers asked for?"""
    states = dict(Subscription.objects.values_list("state").annotate(count=Count("pk")).order_by())
    active = states.get("active", 0)
    says = f"{active:,} subscriptions, {states.get('asked', 0):,} not confirmed, {states.get('suppressed', 0):,} ended"
    if run.is_on():
        return Check("digests", True, says)
    if active:
        return Check("digests", False, f"{says}; no mail can leave", "set mail_url and mail_from")
    return Check("digests", True, "no mail server is set, so nobody is offered digests")


def queue_check(now: datetime) -> Check:
    """Is what is due chosen, and does it leave?"""
    if not run.is_on():
        return Check("digest queue", True, "nothing is sent")
    do = "see that the worker runs: `broadsheet run`, or run `broadsheet digest send`"
    if late := _overlooked(now):
        return Check("digest queue", False, f"{late:,} digests are due and nobody chose them", do)
    waits = progress.overdue(now - PATIENCE).aggregate(count=Count("pk"), oldest=Min("next_try"))
    if not waits["count"]:
        return Check("digest queue", True, "every digest that is due was chosen, and no mail waits")
    since = f"{waits['oldest']:%Y-%m-%d %H:%M} UTC"
    if progress.moves(now):
        return Check("digest queue", True, f"{waits['count']:,} mails wait, the first since {since}; the queue moves")
    return Check("digest queue", False, f"{waits['count']:,} mails wait since {since}, and none leaves", do)


def _overlooked(now: datetime) -> int:
    """Count the subscriptions that should have been looked at long ago."""
    late = Q(next_look__gt=AT_ONCE, next_look__lt=now - PATIENCE)
    if not Digest.objects.exists():
        # Nobody looked at any yet, unless they are new.
        late |= Q(next_look=AT_ONCE, confirmed__lt=now - PATIENCE)
    has_reader = Q(reader=None) | Q(reader__state="active")
    return Subscription.objects.filter(has_reader, late, state="active").count()


def bounces_check(now: datetime) -> Check:
    """Do most mails arrive, and do readers want them?"""
    kinds = dict(Bounced.objects.filter(at__gte=now - WEEK).values_list("kind").annotate(count=Count("pk")).order_by())
    if not kinds:
        return Check("bounces", True, "none in the last seven days")
    hard, complaints, unknown = (kinds.get(kind, 0) for kind in ("hard", "complaint", "unknown"))
    says = f"in seven days {hard:,} for good, {kinds.get('soft', 0):,} for now, {complaints:,} complaints"
    says += f", {unknown:,} not understood" if unknown else ""
    do = f"look at them at {DESK}" if unknown else ""
    if hard < FEW_BOUNCES and complaints < FEW_COMPLAINTS:
        return Check("bounces", True, says, do)
    sent = Mail.objects.filter(state="sent", next_try__gte=now - WEEK).count()
    if complaints >= FEW_COMPLAINTS and complaints > MOST_COMPLAINTS * sent:
        return Check("bounces", False, f"{says}, of {sent:,} mails", "ask whether readers know what they get, and why")
    if hard >= FEW_BOUNCES and hard > MOST_BOUNCES * sent:
        return Check("bounces", False, f"{says}, of {sent:,} mails", f"look at the reasons at {DESK}")
    return Check("bounces", True, f"{says}, of {sent:,} mails", do)


def doubtful_check() -> Check:
    """Are there mails of which nobody knows whether they were sent?"""
    count = progress.doubtful().count()
    if not count:
        return Check("doubtful mails", True, "none")
    do = f"decide at {DESK}, or with `broadsheet digest retry`"
    return Check("doubtful mails", False, f"{count:,} mails may have been sent, or not", do)
