"""What templates need of digests: whether to offer them, and to whom."""

from collections.abc import Mapping
from typing import Any

from django import template

from broadsheet.digest import run
from broadsheet.digest.models import Subscription
from broadsheet.readers.models import Reader

register = template.Library()


@register.simple_tag(takes_context=True)
def digest_offer(context: Mapping[str, Any]) -> str:
    """Give "reader" or "stranger" for whom digests are offered to; "" for who has them, and where no mail goes."""
    me = context.get("me")
    if not run.is_on():
        return ""
    if not isinstance(me, Reader) or not me.is_authenticated:
        return "stranger"
    return "" if Subscription.objects.filter(reader=me).exclude(state="stopped").exists() else "reader"
