"""What is well with the site, down to the rooms below, and with what it sends out."""

from datetime import datetime, timedelta
from typing import Final

from django.db.models import Count, Q

from broadsheet.community import health as community
from broadsheet.delivery.models import Delivery, Hook
from broadsheet.lib.clock import now as wall_clock
from broadsheet.papers.health import Check

# A round comes every half minute; what still waits after this is not looked at.
PATIENCE: Final = timedelta(minutes=30)
# One receiver that fails is its owner's matter; when most of several do, it is ours.
SEVERAL: Final = 3


def checks(now: datetime | None = None) -> list[Check]:
    """Look at everything, the rooms below included."""
    moment = now or wall_clock()
    return [*community.checks(moment), deliveries_check(moment)]


def deliveries_check(now: datetime) -> Check:
    """Do messages leave, and do they arrive?"""
    states = dict(Hook.objects.values_list("state").annotate(count=Count("id")).order_by())
    active, failing = states.get("active", 0), states.get("failing", 0)
    if not active and not failing:
        return Check("deliveries", True, "nobody sends lists anywhere")
    says = f"{active} places active, {failing} failing"
    free = Q(hook__next_try=None) | Q(hook__next_try__lt=now - PATIENCE)
    overdue = Delivery.objects.filter(free, state="waiting", at__lt=now - PATIENCE, hook__state="active")
    if waiting := overdue.filter(hook__reader__state="active").count():
        return Check("deliveries", False, f"{says}; messages that wait: {waiting}", "see that the worker runs")
    if failing >= SEVERAL and failing > active:
        return Check("deliveries", False, says, "see that this machine reaches the Internet")
    return Check("deliveries", True, says)
