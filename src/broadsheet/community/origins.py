"""Where votes come from, as far as it must be known: a keyed digest of the network, forgotten after a month."""

import hmac
from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta
from hashlib import sha256
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Final

from django.conf import settings
from django.db import transaction

from broadsheet.community.models import Vote
from broadsheet.community.rules import rules
from broadsheet.ranking.rules import Rules

KEPT: Final = timedelta(days=31)
# Stands where a digest was forgotten whose vote came after the first few of its network: nothing of the network is left
# in it, and the vote does not gain weight by growing old.
CROWDED: Final = "-"
AT_ONCE: Final = 2000


def digest(address: str, now: datetime) -> str:
    """Give 32 hexadecimal digits for the network of an address, other ones each month; "" where it says nothing.

    The network is a /24 of IPv4 or a /48 of IPv6: what one household or one rented machine has. An address that the
    internet does not route (loopback, a laboratory's own network, a proxy) says nothing.
    """
    try:
        found = ip_address(address.strip().partition("%")[0])
    except ValueError:
        return ""
    if isinstance(found, IPv6Address) and found.ipv4_mapped:
        found = found.ipv4_mapped
    if not found.is_global:
        return ""
    network = ip_network((found, 24 if found.version == 4 else 48), strict=False)
    key = f"broadsheet.origin {settings.SECRET_KEY}".encode()
    return hmac.new(key, f"{now:%Y-%m} {network}".encode(), sha256).hexdigest()[:32]


def is_crowded(origin: str, before: int, standing: float, rules: Rules) -> bool:
    """Say whether a vote weighs nothing because readers of low standing from its network voted for the paper before.

    before: how many did. Fewer weigh than make a finding by themselves.
    """
    if not origin or standing >= rules.low_standing:
        return False
    return origin == CROWDED or before >= rules.origin_voters - 1


def forget_old(now: datetime) -> int:
    """Forget digests older than a month, some thousands at a time; say how many."""
    old = Vote.objects.filter(cast__lt=now - KEPT).exclude(origin__in=("", CROWDED))
    numbers = list(old.order_by("cast").values_list("id", "paper_id")[:AT_ONCE])
    crowded = set(_crowded({paper for _vote, paper in numbers}))
    with transaction.atomic():
        for origin, chosen in (
            (CROWDED, [vote for vote, _paper in numbers if vote in crowded]),
            ("", [vote for vote, _paper in numbers if vote not in crowded]),
        ):
            for start in range(0, len(chosen), 900):
                Vote.objects.filter(id__in=chosen[start : start + 900]).update(origin=origin)
    return len(numbers)


def _crowded(papers: Iterable[int]) -> Iterable[int]:
    """Give the votes for these papers that weigh nothing by their origin."""
    chosen, in_force = sorted(papers), rules()
    for start in range(0, len(chosen), 900):
        rows = Vote.objects.filter(paper__in=chosen[start : start + 900]).exclude(origin="").order_by("id")
        before: Counter[tuple[int, str]] = Counter()
        for vote, paper, origin, standing in rows.values_list("id", "paper_id", "origin", "reader__standing"):
            if is_crowded(origin, before[paper, origin], standing, in_force):
                yield vote
            before[paper, origin] += standing < in_force.low_standing
