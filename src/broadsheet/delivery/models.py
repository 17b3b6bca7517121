"""Places that lists are sent to, what is on its way to them, and which papers each was told of."""

import uuid
from typing import Final

from django.db import models

from broadsheet.papers.models import Paper
from broadsheet.readers.models import Reader

KINDS: Final = ("webhook", "chat")
RHYTHMS: Final = ("at-once", "daily", "weekly")


class Hook(models.Model):
    """A place to which one list goes: a web hook, or a chat by its Apprise address.

    key: of the list (`editions.named`). target: the address; it may hold tokens, so pages show it masked.
    secret: signs what goes to a web hook (whsec_…); before: the one until `rotated`, which still signs for a day.
    rhythm: at-once (as papers come), daily (once an edition day) or weekly. least: fewer papers wait for more;
    most: papers in one message.
    state: active, paused (by the reader) or failing (by us; `says` tells why).
    since: papers that came before are the past. day: the edition day of the last regular message.
    looked, change: when the list was last looked at, and the number of the record's last change then.
    failures: messages in a row that never arrived; next_try: nothing is sent before; slow: it took long the last time;
    busy_until: somebody is sending to it.
    """

    reader = models.ForeignKey(Reader, models.CASCADE, related_name="hooks")
    kind = models.CharField(max_length=10, choices=[(kind, kind) for kind in KINDS])
    name = models.CharField(max_length=80)
    target = models.TextField()
    secret = models.CharField(max_length=100, default="", blank=True)
    before = models.CharField(max_length=100, default="", blank=True)
    rotated = models.DateTimeField(null=True)
    key = models.CharField(max_length=300)
    rhythm = models.CharField(max_length=10, choices=[(rhythm, rhythm) for rhythm in RHYTHMS])
    least = models.IntegerField(default=1)
    most = models.IntegerField(default=20)
    state = models.CharField(max_length=10, default="active")
    says = models.TextField(default="", blank=True)
    made = models.DateTimeField()
    since = models.DateTimeField()
    day = models.DateField(null=True)
    looked = models.DateTimeField()
    change = models.BigIntegerField(default=0)
    failures = models.IntegerField(default=0)
    next_try = models.DateTimeField(null=True)
    slow = models.BooleanField(default=False)
    busy_until = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["state", "looked"])]

    def __str__(self) -> str:
        return f"hook {self.pk}"


class Delivery(models.Model):
    """One message to one place. Its number is the same in every try, so that a receiver can drop a repeat.

    papers: the keys of what it holds. payload: what is sent, as JSON.
    state: waiting, sending (on its way, or its sender was killed), sent or failed.
    tries, first_try: how often and since when it was tried. status: of the last HTTP answer, 0 without one.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    hook = models.ForeignKey(Hook, models.CASCADE, related_name="deliveries")
    papers = models.JSONField(default=list)
    payload = models.JSONField(default=dict)
    state = models.CharField(max_length=10, default="waiting")
    tries = models.IntegerField(default=0)
    first_try = models.DateTimeField(null=True)
    status = models.IntegerField(default=0)
    says = models.TextField(default="", blank=True)
    made = models.DateTimeField()
    position = models.IntegerField(default=0)
    at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["hook", "state"]), models.Index(fields=["state"])]
        verbose_name_plural = "deliveries"

    def __str__(self) -> str:
        return str(self.id)


class Told(models.Model):
    """The ledger: a place was told of a paper, or passed over for it (`delivery` is empty), and is never told again.

    Kept when old deliveries are deleted.
    """

    hook = models.ForeignKey(Hook, models.CASCADE, related_name="told")
    paper = models.ForeignKey(Paper, models.CASCADE, related_name="told_to")
    delivery = models.ForeignKey(Delivery, models.SET_NULL, null=True)
    at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["hook", "paper"], name="told_once")]
        verbose_name_plural = "told"

    def __str__(self) -> str:
        return f"{self.hook} {self.paper}"


class Pinged(models.Model):
    """Up to which change of the record a WebSub hub was told that there is something new."""

    hub = models.CharField(max_length=300, primary_key=True)
    change = models.BigIntegerField(default=0)

    def __str__(self) -> str:
        return self.hub
