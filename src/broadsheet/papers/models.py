"""The record: every paper, what it is called elsewhere, who said what of it, and the numbered log of changes.

Rows are written by `papers.ingest` and `papers.vectors` alone; everybody else reads, through `papers.queries`.
"""

from django.db import models
from django.db.models import F

LISTED = ("withdrawn", "hidden", "placed", "categories", "votes_outside", "stars", "vote_weight")


class Paper(models.Model):
    """A paper as the record knows it now. Its number is given by `ingest`, so that it is the same on every database.

    key: the public id: the arXiv id where there is one, else one of our own ("b" and twelve hexadecimal digits).
    announced: the edition day; `announced_by` says how it is known (see PaperData).
    id_month: the month in an arXiv id, YYYY-MM: the month of first announcement.
    text_hash: of title and abstract; a vector belongs to it, not to the paper.
    title_key: the title without case and punctuation, for linking papers that share no identifier.
    listing: what a daily list elsewhere tells of it (`record.wire.listing_to_json`); {} where none does.
    votes_outside, comments_outside, stars: the newest counts of the sources that keep any, derived from Signal.
    votes_here, comments_here: what readers of this site gave, derived from their votes and comments.
    votes, comments: both together, as a page shows them.
    vote_weight, commenters: the same votes and those who comment, each weighed by the standing of the reader.
    placed: the edition day in which a curator placed it, beside its own; hidden: taken off the lists by a moderator.
    """

    id = models.BigIntegerField(primary_key=True)
    key = models.CharField(max_length=200, unique=True)
    title = models.TextField()
    abstract = models.TextField()
    authors = models.JSONField(default=list)
    categories = models.CharField(max_length=400, default="")
    submitted = models.DateTimeField(null=True)
    announced = models.DateField(null=True)
    announced_by = models.CharField(max_length=10, default="")
    datestamp = models.DateField(null=True)
    id_month = models.CharField(max_length=7, default="")
    version = models.IntegerField(default=0)
    withdrawn = models.BooleanField(default=False)
    remarks = models.TextField(default="")
    journal_ref = models.TextField(default="")
    licence = models.CharField(max_length=200, default="")
    source = models.CharField(max_length=20)
    text_hash = models.CharField(max_length=32)
    title_key = models.CharField(max_length=32)
    links = models.JSONField(default=list)
    listing = models.JSONField(default=dict, db_default={})
    facts = models.JSONField(default=dict)
    has_code = models.BooleanField(default=False)
    votes_outside = models.IntegerField(default=0, db_default=0)
    comments_outside = models.IntegerField(default=0, db_default=0)
    stars = models.IntegerField(default=0, db_default=0)
    votes_here = models.IntegerField(default=0, db_default=0)
    comments_here = models.IntegerField(default=0, db_default=0)
    votes = models.GeneratedField(
        expression=F("votes_outside") + F("votes_here"), output_field=models.IntegerField(), db_persist=True
    )
    comments = models.GeneratedField(
        expression=F("comments_outside") + F("comments_here"), output_field=models.IntegerField(), db_persist=True
    )
    vote_weight = models.FloatField(default=0.0, db_default=0.0)
    commenters = models.FloatField(default=0.0, db_default=0.0)
    placed = models.DateField(null=True, db_index=True)
    hidden = models.BooleanField(default=False, db_default=False)
    first_seen = models.DateTimeField()

    class Meta:
        indexes = [
            # All that it takes to tell which papers of some days are shown and supported, without reading the papers.
            models.Index(fields=["announced", *LISTED], name="papers_listed_idx"),
            models.Index(fields=["title_key"]),
            models.Index(fields=["text_hash"]),
        ]

    def __str__(self) -> str:
        return self.key

    @property
    def category_list(self) -> list[str]:
        """The categories, the primary one first."""
        return self.categories.split()

    @property
    def is_shown(self) -> bool:
        """Whether lists show it: neither withdrawn by its authors nor hidden by a moderator."""
        return not (self.withdrawn or self.hidden)


class Identifier(models.Model):
    """A name that a scheme gives to a paper, written scheme:value."""

    name = models.CharField(max_length=500, primary_key=True)
    paper = models.ForeignKey(Paper, models.CASCADE, related_name="identifiers")

    def __str__(self) -> str:
        return self.name


class Version(models.Model):
    """One version of a paper, as far as a source told of it."""

    paper = models.ForeignKey(Paper, models.CASCADE, related_name="versions")
    number = models.IntegerField()
    submitted = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["paper", "number"], name="one_row_per_version")]

    def __str__(self) -> str:
        return f"v{self.number}"


class Authorship(models.Model):
    """An author's place on a paper. `name_key` is the folded name, by which an author's papers are found."""

    paper = models.ForeignKey(Paper, models.CASCADE, related_name="authorships", db_index=False)
    position = models.IntegerField()
    name = models.CharField(max_length=300)
    name_key = models.CharField(max_length=300)
    affiliation = models.TextField(default="")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["paper", "position"], name="one_author_per_place")]
        indexes = [models.Index(fields=["name_key"])]

    def __str__(self) -> str:
        return self.name


class Tag(models.Model):
    """A topic of a paper: a keyword that a list gave it, or a benchmark that its abstract names.

    key: the name as it stands in addresses, `store.tag_key`.
    """

    paper = models.ForeignKey(Paper, models.CASCADE, related_name="tags", db_index=False)
    key = models.CharField(max_length=80)
    name = models.CharField(max_length=80)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["paper", "key"], name="one_tag_per_paper")]
        indexes = [models.Index(fields=["key"])]

    def __str__(self) -> str:
        return self.name


class InCategory(models.Model):
    """A category of a paper that lists show, with the day it stands at: of its announcement, else where it was placed.

    Derived from the paper, so that the newest papers of a category, and their number, are at hand among millions.
    """

    paper = models.ForeignKey(Paper, models.CASCADE, related_name="in_categories", db_index=False)
    code = models.CharField(max_length=80)
    day = models.DateField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["paper", "code"], name="one_row_per_category")]
        indexes = [models.Index(fields=["code", "-day", "paper"], name="papers_inca_code_day_idx")]

    def __str__(self) -> str:
        return self.code


class Sighting(models.Model):
    """What a source last gave of a paper, by the hash of its bytes: the same bytes need not be decided on again."""

    paper = models.ForeignKey(Paper, models.CASCADE, related_name="sightings", db_index=False)
    source = models.CharField(max_length=20)
    raw_hash = models.CharField(max_length=64)
    datestamp = models.DateField(null=True)
    seen = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["paper", "source"], name="one_sighting_per_source")]
        indexes = [models.Index(fields=["raw_hash"])]

    def __str__(self) -> str:
        return f"{self.source} {self.raw_hash}"


class Signal(models.Model):
    """A count that a source keeps of a paper, such as upvotes, with the moment it was read."""

    paper = models.ForeignKey(Paper, models.CASCADE, related_name="signals", db_index=False)
    source = models.CharField(max_length=20)
    name = models.CharField(max_length=20)
    value = models.BigIntegerField()
    observed = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["paper", "source", "name"], name="one_count_per_source")]

    def __str__(self) -> str:
        return f"{self.name} {self.value}"


class Change(models.Model):
    """One entry of the change log. Everything derived (shard, editions) follows it by its number.

    kind: insert, revise, withdraw, restore or vector.
    old: what the changed fields held before, so that nothing a source once said is lost.
    """

    seq = models.BigIntegerField(primary_key=True)
    paper = models.ForeignKey(Paper, models.CASCADE, related_name="changes")
    kind = models.CharField(max_length=10)
    source = models.CharField(max_length=20, default="")
    at = models.DateTimeField()
    old = models.JSONField(default=dict)

    def __str__(self) -> str:
        return f"{self.seq} {self.kind}"


class Vector(models.Model):
    """What an encoder made of a text: float16, little-endian. Kept by text, so that nothing is encoded twice."""

    encoder = models.CharField(max_length=120)
    text_hash = models.CharField(max_length=32)
    data = models.BinaryField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["encoder", "text_hash"], name="one_vector_per_text")]

    def __str__(self) -> str:
        return self.text_hash


class Quarantined(models.Model):
    """An item that could not be taken in: its bytes, where it stood and why."""

    digest = models.CharField(max_length=32, primary_key=True)
    source = models.CharField(max_length=20)
    subject = models.CharField(max_length=200)
    reason = models.CharField(max_length=500)
    raw = models.BinaryField()
    at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["source", "at"])]

    def __str__(self) -> str:
        return f"{self.subject}: {self.reason}"


class Harvest(models.Model):
    """Where the harvest of a source stands: its cursor, who holds it, and how the last run ended.

    cursor: what the source gave to go on from; written in the same transaction as the papers it follows.
    state: never, running, done or failed.
    """

    source = models.CharField(max_length=20, primary_key=True)
    cursor = models.JSONField(default=dict)
    state = models.CharField(max_length=10, default="never")
    says = models.TextField(default="")
    first_started = models.DateTimeField(null=True)
    started = models.DateTimeField(null=True)
    finished = models.DateTimeField(null=True)
    succeeded = models.DateTimeField(null=True)
    held_until = models.DateTimeField(null=True)
    failures = models.IntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.source} {self.state}"


class SourceDay(models.Model):
    """What a source was expected to give for an edition day, and what came.

    state: waiting, complete, partial, late, holiday or failed.
    """

    source = models.CharField(max_length=20)
    day = models.DateField()
    part = models.CharField(max_length=40, default="")
    state = models.CharField(max_length=10)
    expected = models.IntegerField(null=True)
    came = models.IntegerField(default=0)
    says = models.TextField(default="")
    checked = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["source", "day", "part"], name="one_row_per_day_and_part")]

    def __str__(self) -> str:
        return f"{self.source} {self.day} {self.part} {self.state}"
