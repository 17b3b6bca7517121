"""Labs and reading groups, who is in them, and what they read together."""

from django.db import models

from broadsheet.papers.models import Paper
from broadsheet.readers.models import Reader


class Group(models.Model):
    """A lab or a reading group. Only its members see it.

    slug: in addresses. made_by: None once that account is gone.
    """

    slug = models.CharField(max_length=60, unique=True)
    name = models.CharField(max_length=80)
    about = models.TextField(default="", blank=True)
    made_by = models.ForeignKey(Reader, models.SET_NULL, null=True, related_name="+")
    made = models.DateTimeField()

    def __str__(self) -> str:
        return self.slug


class Member(models.Model):
    """A reader in a group.

    state: asked (a keeper asked the reader to come in), in, or no (declined: not asked again for a while).
    keeper: may ask readers in, change and close the group.
    shares: what the reader likes counts in the group's profile and in "who knows this best".
    """

    group = models.ForeignKey(Group, models.CASCADE, related_name="members")
    reader = models.ForeignKey(Reader, models.CASCADE, related_name="in_groups")
    state = models.CharField(max_length=6, default="asked")
    keeper = models.BooleanField(default=False)
    shares = models.BooleanField(default=False)
    at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["group", "reader"], name="member_once")]

    def __str__(self) -> str:
        return f"{self.reader} in {self.group}"


class Shelved(models.Model):
    """A paper on a group's reading list.

    by: who put it there; None once that account is gone. note: why, in a line. due: the day it is talked about.
    done: it was read together.
    """

    group = models.ForeignKey(Group, models.CASCADE, related_name="shelf")
    paper = models.ForeignKey(Paper, models.CASCADE, related_name="+")
    by = models.ForeignKey(Reader, models.SET_NULL, null=True, related_name="+")
    note = models.CharField(max_length=300, default="", blank=True)
    due = models.DateField(null=True)
    done = models.BooleanField(default=False)
    at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["group", "paper"], name="shelved_once")]

    def __str__(self) -> str:
        return f"{self.group} {self.paper}"
