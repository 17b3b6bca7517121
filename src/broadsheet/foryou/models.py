"""What readers tell of their interests beside votes and saves, and what was learned from all of it.

Signals are rows that a reader gave and can take back. Profile and List are derived: thrown away, they come back.
Nothing here holds a paper's text.
"""

from django.db import models

from broadsheet.papers.models import Paper
from broadsheet.readers.models import Reader


class Seed(models.Model):
    """A paper that a reader named as one to learn from, without saving or voting for it.

    origin: ids, bibtex, zotero, author (a paper the reader wrote), orcid or map (a topic chosen on the map).
    """

    reader = models.ForeignKey(Reader, models.CASCADE, related_name="seeds")
    paper = models.ForeignKey(Paper, models.CASCADE, related_name="+")
    origin = models.CharField(max_length=10)
    at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["reader", "paper"], name="seed_once")]

    def __str__(self) -> str:
        return f"{self.reader} {self.paper}"


class Opinion(models.Model):
    """A reader wants more, or less, like a paper; the later opinion on a paper replaces the one before.

    origin: asked (an answer to a question of the program), list (on a page) or mail.
    """

    reader = models.ForeignKey(Reader, models.CASCADE, related_name="opinions")
    paper = models.ForeignKey(Paper, models.CASCADE, related_name="+")
    more = models.BooleanField()
    origin = models.CharField(max_length=10)
    at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["reader", "paper"], name="one_opinion_per_paper")]

    def __str__(self) -> str:
        return f"{'more' if self.more else 'less'} like {self.paper}"


class Opened(models.Model):
    """A reader opened a paper; kept only of readers who allowed it (`Taste.opens`)."""

    reader = models.ForeignKey(Reader, models.CASCADE, related_name="opened")
    paper = models.ForeignKey(Paper, models.CASCADE, related_name="+")
    at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["reader", "paper"], name="opened_once")]

    def __str__(self) -> str:
        return f"{self.reader} {self.paper}"


class Wish(models.Model):
    """An interest that a reader wrote down in words."""

    reader = models.ForeignKey(Reader, models.CASCADE, related_name="wishes")
    words = models.CharField(max_length=200)
    at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["reader", "words"], name="wished_once")]

    def __str__(self) -> str:
        return self.words


class Tuned(models.Model):
    """What a reader changed in the profile by hand.

    kind: paper (what follows from it weighs `weight`; 0 is "not this"), word (0: it pulls no paper up or down any more)
        or interest (the one that holds the paper `value`; `name` where the reader gave it one).
    value: the number of a paper, a term, the number of a paper. weight: 0 to 3, 1 is as it was learned.
    """

    reader = models.ForeignKey(Reader, models.CASCADE, related_name="tuned")
    kind = models.CharField(max_length=10)
    value = models.CharField(max_length=100)
    weight = models.FloatField(default=1.0)
    name = models.CharField(max_length=80, default="", blank=True)
    at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["reader", "kind", "value"], name="tuned_once")]

    def __str__(self) -> str:
        return f"{self.kind} {self.value}: {self.weight}"


class Taste(models.Model):
    """The knobs of a reader's list.

    mine: 0 (what is popular) to 1 (what is mine). width: 0 (the nearest to what I liked) to 1 (of everything).
    days: how many edition days back a paper may be. opens: opening a paper may be remembered and learned from.
    """

    reader = models.OneToOneField(Reader, models.CASCADE, related_name="taste")
    mine = models.FloatField(default=0.8)
    width = models.FloatField(default=0.3)
    days = models.IntegerField(default=7)
    opens = models.BooleanField(default=False)

    def __str__(self) -> str:
        return f"taste of {self.reader}"


class Background(models.Model):
    """What all papers of the record look like: vocabulary, spread of the vectors, a sample. Derived from the record.

    version: names its content; every profile says which one it was learned against. data: `learning.background`'s form.
    """

    version = models.CharField(max_length=40, primary_key=True)
    encoder = models.CharField(max_length=120, default="")
    papers = models.BigIntegerField()
    made = models.DateTimeField()
    data = models.BinaryField()

    def __str__(self) -> str:
        return self.version


class Profile(models.Model):
    """What was learned of a reader: `learning.profile`'s small versioned form. Derived from the signals.

    signals: digest of the signals and knobs it was learned from; another one of today means it is out of date.
    """

    reader = models.OneToOneField(Reader, models.CASCADE, related_name="profile")
    ranker = models.CharField(max_length=60)
    background = models.CharField(max_length=40)
    signals = models.CharField(max_length=40)
    data = models.BinaryField()
    made = models.DateTimeField()

    def __str__(self) -> str:
        return f"profile of {self.reader}"


class List(models.Model):
    """A reader's list of one edition day as it was last made, kept for audit.

    ranker: name and version of what ordered it, with the background. signals: as in Profile.
    picks: [{"id": number, "score": points, "why": [terms …], "arm": how a place of exploration was filled, or ""}].
    """

    reader = models.ForeignKey(Reader, models.CASCADE, related_name="lists")
    day = models.DateField()
    ranker = models.CharField(max_length=60)
    signals = models.CharField(max_length=40)
    picks = models.JSONField(default=list)
    made = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["reader", "day"], name="one_list_per_reader_and_day")]

    def __str__(self) -> str:
        return f"list of {self.reader} of {self.day}"


class Shown(models.Model):
    """A paper that a reader's list showed: not shown again after the day, and what exploration learns from.

    day: of the list. arm: how a place of exploration was filled; "" for the others.
    """

    reader = models.ForeignKey(Reader, models.CASCADE, related_name="shown", db_index=False)
    paper = models.ForeignKey(Paper, models.CASCADE, related_name="+")
    day = models.DateField()
    place = models.IntegerField()
    arm = models.CharField(max_length=12, default="", blank=True)
    at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["reader", "paper"], name="shown_once")]
        indexes = [models.Index(fields=["arm", "at"])]

    def __str__(self) -> str:
        return f"{self.reader} {self.paper}"
