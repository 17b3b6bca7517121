"""What this room keeps of a reader: places and what was sent there. Secrets and tokens stay out of an export."""

from broadsheet.delivery.masked import masked
from broadsheet.delivery.models import Delivery, Hook
from broadsheet.readers import belongings
from broadsheet.readers.models import Reader


def register() -> None:
    """Register the part."""
    belongings.register(belongings.Part("deliveries", _export, _erase))


def _export(reader: Reader) -> object:
    return [_hook(hook) for hook in Hook.objects.filter(reader=reader).order_by("pk")]


def _hook(hook: Hook) -> dict[str, object]:
    plain = {name: getattr(hook, name) for name in ("kind", "name", "key", "rhythm", "least", "most", "state", "says")}
    sent = [_delivery(delivery) for delivery in hook.deliveries.order_by("made", "position")]
    return {**plain, "target": masked(hook.target), "made": hook.made.isoformat(), "sent": sent}


def _delivery(delivery: Delivery) -> dict[str, object]:
    told = {"id": str(delivery.id), "papers": delivery.papers, "state": delivery.state, "says": delivery.says}
    return {**told, "tries": delivery.tries, "status": delivery.status, "made": delivery.made.isoformat()}


def _erase(reader: Reader) -> None:
    Hook.objects.filter(reader=reader).delete()
