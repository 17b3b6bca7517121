"""What readers do together. Counts on a paper are derived from these rows and can be counted anew at any time.

A `subject` names what a report or an act is about: comment:12, paper:2405.12345, reader:ada, link:7, claim:3.
"""

from django.db import models
from django.db.models import Q

from broadsheet.papers.models import Paper
from broadsheet.readers.models import Reader


class Vote(models.Model):
    """A reader's vote for a paper.

    day, nth: its UTC day, and the how manieth of the reader's votes of that day it is, from 1.
    origin: a keyed digest of the network it came from, blanked after a month; "" when not known.
    weight: what it counts, by `ranking.standing`; derived, and derived anew when its reader's standing changes.
    """

    reader = models.ForeignKey(Reader, models.CASCADE, related_name="votes")
    paper = models.ForeignKey(Paper, models.CASCADE, related_name="reader_votes")
    cast = models.DateTimeField(db_index=True)
    day = models.DateField()
    nth = models.IntegerField()
    origin = models.CharField(max_length=32, default="")
    weight = models.FloatField(default=0.0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["reader", "paper"], name="one_vote_per_reader")]
        indexes = [models.Index(fields=["reader", "day"])]

    def __str__(self) -> str:
        return f"{self.reader} {self.paper}"


class Finding(models.Model):
    """What the search for steered votes found, with the evidence that moderators see.

    kind: ring, burst or origin. key: a digest of kind and members, so that the same finding is kept once.
    state: new (its discount is in force), confirmed (stays in force) or cleared (weight given back for good).
    discount: the share of their weight that the members' votes lose, 0 to 1.
    papers: None in a ring, whose members lose weight everywhere; else only votes on that paper lose it.
    """

    key = models.CharField(max_length=32, unique=True)
    kind = models.CharField(max_length=10)
    state = models.CharField(max_length=10, default="new")
    discount = models.FloatField()
    members = models.ManyToManyField(Reader, related_name="findings")
    paper = models.ForeignKey(Paper, models.CASCADE, null=True, related_name="findings")
    evidence = models.JSONField(default=dict)
    found = models.DateTimeField()
    decided_by = models.ForeignKey(Reader, models.SET_NULL, null=True, related_name="+")
    decided = models.DateTimeField(null=True)
    reason = models.TextField(default="")

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"


class Comment(models.Model):
    """A comment on a paper.

    text: Markdown as written; html: what was made of it, safe to show.
    state: shown, deleted (by its author) or removed (by a moderator, who may restore it).
    """

    paper = models.ForeignKey(Paper, models.CASCADE, related_name="discussion")
    author = models.ForeignKey(Reader, models.SET_NULL, null=True, related_name="comments")
    parent = models.ForeignKey("self", models.CASCADE, null=True, related_name="replies")
    text = models.TextField()
    html = models.TextField()
    written = models.DateTimeField()
    edited = models.DateTimeField(null=True)
    state = models.CharField(max_length=10, default="shown")

    class Meta:
        indexes = [models.Index(fields=["paper", "written"]), models.Index(fields=["author", "-written"])]

    def __str__(self) -> str:
        return f"comment {self.pk}"


class Wording(models.Model):
    """What a comment said before it was edited."""

    comment = models.ForeignKey(Comment, models.CASCADE, related_name="history")
    text = models.TextField()
    html = models.TextField()
    until = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.comment} until {self.until}"


class Freeze(models.Model):
    """A discussion in which nobody writes for now."""

    paper = models.OneToOneField(Paper, models.CASCADE, primary_key=True, related_name="freeze")
    by = models.ForeignKey(Reader, models.SET_NULL, null=True, related_name="+")
    at = models.DateTimeField()
    reason = models.TextField()

    def __str__(self) -> str:
        return f"freeze of {self.paper}"


class Submission(models.Model):
    """A paper that a reader brought in.

    given: what the reader typed. data: what it was read as (`record.wire`); title: of it.
    name: the paper's identifier, or its title's key, so that one paper waits once.
    paper: set once it is in the record: from the start where it was there before, else when it is accepted.
    state: waiting, accepted, declined or taken-back. day: the edition it was placed in.
    """

    reader = models.ForeignKey(Reader, models.SET_NULL, null=True, related_name="submissions")
    paper = models.ForeignKey(Paper, models.CASCADE, null=True, related_name="submissions")
    given = models.TextField()
    data = models.JSONField(default=dict)
    name = models.CharField(max_length=500)
    title = models.TextField()
    note = models.TextField(default="", blank=True)
    state = models.CharField(max_length=10, default="waiting")
    at = models.DateTimeField()
    decided_by = models.ForeignKey(Reader, models.SET_NULL, null=True, related_name="+")
    decided = models.DateTimeField(null=True)
    reason = models.TextField(default="")
    day = models.DateField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["name"], condition=Q(state="waiting"), name="one_waiting_submission")
        ]
        indexes = [models.Index(fields=["state", "at"])]

    def __str__(self) -> str:
        return f"submission {self.pk}"


class Claim(models.Model):
    """A reader says: this paper is mine.

    position: the author's place on the paper that is claimed, from 0.
    state: waiting, confirmed, declined, revoked or taken-back.
    proof: orcid, email or curator once it is confirmed. evidence: what the proof rests on, in a sentence's terms.
    contested: another reader claims the same place with a proof as good; a curator has to look.
    """

    reader = models.ForeignKey(Reader, models.CASCADE, related_name="claims")
    paper = models.ForeignKey(Paper, models.CASCADE, related_name="claims")
    position = models.IntegerField()
    state = models.CharField(max_length=10, default="waiting")
    proof = models.CharField(max_length=10, default="")
    evidence = models.JSONField(default=dict)
    says = models.TextField(default="", blank=True)
    contested = models.BooleanField(default=False)
    at = models.DateTimeField()
    decided_by = models.ForeignKey(Reader, models.SET_NULL, null=True, related_name="+")
    decided = models.DateTimeField(null=True)
    reason = models.TextField(default="")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["reader", "paper"], name="one_claim_per_reader")]
        indexes = [models.Index(fields=["state", "at"]), models.Index(fields=["paper", "position"])]

    def __str__(self) -> str:
        return f"claim {self.pk}"


class AddedLink(models.Model):
    """A link that a reader added to a paper. kind as in record.paper.Link. state: shown or removed."""

    paper = models.ForeignKey(Paper, models.CASCADE, related_name="added_links")
    reader = models.ForeignKey(Reader, models.SET_NULL, null=True, related_name="added_links")
    kind = models.CharField(max_length=10)
    url = models.CharField(max_length=500)
    at = models.DateTimeField()
    state = models.CharField(max_length=10, default="shown")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["paper", "url"], name="one_link_per_url")]

    def __str__(self) -> str:
        return self.url


class Organisation(models.Model):
    """A group that papers come from. domains: of its mail addresses, as curators confirmed them."""

    slug = models.CharField(max_length=60, unique=True)
    name = models.CharField(max_length=120)
    url = models.CharField(max_length=500, default="", blank=True)
    about = models.TextField(default="", blank=True)
    domains = models.JSONField(default=list, blank=True)
    made_by = models.ForeignKey(Reader, models.SET_NULL, null=True, related_name="+")
    made = models.DateTimeField()
    papers = models.ManyToManyField(Paper, related_name="organisations", through="Affiliation")

    def __str__(self) -> str:
        return self.slug


class Membership(models.Model):
    """A reader belongs to an organisation. state: waiting or confirmed. admin: may confirm others and add papers."""

    organisation = models.ForeignKey(Organisation, models.CASCADE, related_name="memberships")
    reader = models.ForeignKey(Reader, models.CASCADE, related_name="memberships")
    state = models.CharField(max_length=10, default="waiting")
    admin = models.BooleanField(default=False)
    at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organisation", "reader"], name="one_membership")]

    def __str__(self) -> str:
        return f"{self.reader} of {self.organisation}"


class Affiliation(models.Model):
    """A paper comes from an organisation, as a member or a curator said."""

    paper = models.ForeignKey(Paper, models.CASCADE, related_name="affiliations")
    organisation = models.ForeignKey(Organisation, models.CASCADE, related_name="affiliations")
    by = models.ForeignKey(Reader, models.SET_NULL, null=True, related_name="+")
    at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["paper", "organisation"], name="one_affiliation")]

    def __str__(self) -> str:
        return f"{self.paper} of {self.organisation}"


class Report(models.Model):
    """A reader reports a subject. state: open, upheld or dismissed."""

    reader = models.ForeignKey(Reader, models.SET_NULL, null=True, related_name="reports")
    subject = models.CharField(max_length=220)
    cause = models.CharField(max_length=20)
    says = models.TextField(default="", blank=True)
    at = models.DateTimeField()
    state = models.CharField(max_length=10, default="open")
    decided_by = models.ForeignKey(Reader, models.SET_NULL, null=True, related_name="+")
    decided = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["reader", "subject"], condition=Q(state="open"), name="one_open_report_per_reader"
            )
        ]
        indexes = [models.Index(fields=["state", "subject"])]

    def __str__(self) -> str:
        return f"report of {self.subject}"


class Act(models.Model):
    """One line of the public moderation log. Nothing is done to what a reader gave that does not stand here.

    did: remove, restore, hide, show, freeze, thaw, suspend, reinstate, dismiss, accept, decline, place, confirm,
        revoke, discount, give-back or role. about: the subject's title at that time, for reading.
    affected: the reader concerned; public by handle, forgotten when that reader is erased.
    """

    at = models.DateTimeField(db_index=True)
    by = models.ForeignKey(Reader, models.SET_NULL, null=True, related_name="acts")
    did = models.CharField(max_length=12)
    subject = models.CharField(max_length=220)
    about = models.CharField(max_length=300, default="")
    reason = models.TextField(default="")
    affected = models.ForeignKey(Reader, models.SET_NULL, null=True, related_name="+")

    class Meta:
        indexes = [models.Index(fields=["subject"])]

    def __str__(self) -> str:
        return f"{self.did} {self.subject}"
