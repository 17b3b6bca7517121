"""People and what belongs to them: readers, invitations, the library, notifications."""

from typing import ClassVar, Final

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower

from broadsheet.papers.models import Paper

# Every role may do what those before it may.
ROLES: Final = ("reader", "curator", "moderator", "owner")


class Readers(BaseUserManager["Reader"]):
    """Readers, found by the address they sign in with."""

    def get_by_natural_key(self, username: str | None) -> "Reader":
        """Find a reader by address; its case does not matter."""
        return self.get(email__iexact=username)


class Reader(AbstractBaseUser):
    """A person with an account.

    handle: the public name in addresses and mentions: a to z, 0 to 9 and hyphens, so that none can pass for another.
    name: as the reader writes it; shown with the handle beside it.
    role: reader, curator (places papers), moderator (and decides on reports), owner (and everything else).
    state: waiting (for approval), active or suspended.
    orcid: an ORCID iD proved by signing in there; "" without.
    standing: what a vote weighs, 0 to 1, by `ranking.standing`; standing_terms: how it came about.
    mailed: the kinds of notification that also go by mail.
    """

    email = models.EmailField(unique=True)
    handle = models.CharField(max_length=30, unique=True)
    name = models.CharField(max_length=80)
    about = models.TextField(default="", blank=True)
    role = models.CharField(max_length=10, default="reader", choices=[(role, role) for role in ROLES])
    state = models.CharField(
        max_length=10, default="active", choices=[(state, state) for state in ("waiting", "active", "suspended")]
    )
    joined = models.DateTimeField()
    invited_by = models.ForeignKey("self", models.SET_NULL, null=True, blank=True, related_name="invited")
    approved_by = models.ForeignKey("self", models.SET_NULL, null=True, blank=True, related_name="approved")
    orcid = models.CharField(max_length=19, default="", blank=True)
    standing = models.FloatField(default=0.0)
    standing_terms = models.JSONField(default=dict, blank=True)
    mailed = models.JSONField(default=list, blank=True)
    language = models.CharField(max_length=10, default="", blank=True)
    time_zone = models.CharField(max_length=60, default="UTC")

    objects: ClassVar[Readers] = Readers()
    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = ["handle", "name"]

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["orcid"], condition=~Q(orcid=""), name="one_reader_per_orcid"),
            models.UniqueConstraint(Lower("email"), name="one_reader_per_address"),
        ]

    def __str__(self) -> str:
        return self.handle

    def may(self, role: str) -> bool:
        """Whether the reader may do what that role may."""
        return self.is_active and ROLES.index(self.role) >= ROLES.index(role)

    @property
    def is_active(self) -> bool:  # type: ignore[override]
        """Whether the reader may sign in and act; Django asks for it by this name."""
        return self.state == "active"

    @property
    def is_staff(self) -> bool:
        """Whether the reader may open Django's admin."""
        return self.may("owner")

    def has_perm(self, perm: str, obj: object = None) -> bool:
        """Whether Django's admin may be used for that; the owner may do everything."""
        return self.may("owner")

    def has_module_perms(self, app_label: str) -> bool:
        """Whether Django's admin shows a room."""
        return self.may("owner")


class Invitation(models.Model):
    """A link by which people join. Only a digest of its code is kept.

    role: what those who use it become. uses_left: 0 when it is used up or was taken back.
    made_by: None for the first link of a site, which `broadsheet run` prints.
    """

    digest = models.CharField(max_length=64, unique=True)
    role = models.CharField(max_length=10, default="reader")
    made_by = models.ForeignKey(Reader, models.CASCADE, null=True, related_name="invitations")
    made = models.DateTimeField()
    expires = models.DateTimeField()
    uses_left = models.IntegerField(default=1)
    note = models.CharField(max_length=200, default="", blank=True)

    def __str__(self) -> str:
        return f"invitation {self.pk}"


class Saved(models.Model):
    """A paper in a reader's library.

    state: "" (kept), to-read, reading or read: the reading list holds the second and the third.
    note: what the reader wrote to it, in Markdown; nobody else sees it.
    brought: fingerprints of the notes that were brought along from elsewhere, so that none is appended twice.
    """

    reader = models.ForeignKey(Reader, models.CASCADE, related_name="library")
    paper = models.ForeignKey(Paper, models.CASCADE, related_name="saved_by")
    at = models.DateTimeField()
    state = models.CharField(max_length=10, default="", blank=True, db_default="")
    note = models.TextField(default="", blank=True, db_default="")
    brought = models.JSONField(default=list, blank=True, db_default=[])

    class Meta:
        constraints = [models.UniqueConstraint(fields=["reader", "paper"], name="saved_once")]

    def __str__(self) -> str:
        return f"{self.reader} {self.paper}"


class SavedTag(models.Model):
    """A word that a reader filed a paper of the library under. key: the name as it is compared."""

    saved = models.ForeignKey(Saved, models.CASCADE, related_name="tags")
    key = models.CharField(max_length=60)
    name = models.CharField(max_length=60)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["saved", "key"], name="filed_once")]

    def __str__(self) -> str:
        return self.name


class Follow(models.Model):
    """A list that a reader follows, by its key (`editions.named`): category/cs.CL, author/…, search/… and so on.

    name: what the reader calls it; "" for its own. in_digest: its papers come with digests of what the reader follows.
    alert: new papers are also told at once, as a notification. seen: the reader last looked at its new papers.
    change: the number of the record's last change when alerts were last looked for.
    """

    reader = models.ForeignKey(Reader, models.CASCADE, related_name="follows")
    key = models.CharField(max_length=300)
    at = models.DateTimeField()
    name = models.CharField(max_length=80, default="", blank=True, db_default="")
    in_digest = models.BooleanField(default=True, db_default=True)
    alert = models.BooleanField(default=False, db_default=False)
    seen = models.DateTimeField(null=True)
    change = models.BigIntegerField(default=0, db_default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["reader", "key"], name="followed_once")]

    def __str__(self) -> str:
        return f"{self.reader} {self.key}"


class Token(models.Model):
    """What a program shows instead of a reader. Only a digest of the secret is kept; it begins with "bs_".

    scopes: some of read (see what is the reader's), write (act as the reader) and feed (open the reader's own lists
        by an address that holds the secret). expires: None where it does not. used: the day of its last use.
    """

    reader = models.ForeignKey(Reader, models.CASCADE, related_name="tokens")
    digest = models.CharField(max_length=64, unique=True)
    name = models.CharField(max_length=80)
    scopes = models.JSONField(default=list)
    made = models.DateTimeField()
    expires = models.DateTimeField(null=True)
    used = models.DateField(null=True)

    def __str__(self) -> str:
        return f"{self.name} of {self.reader}"


class Notification(models.Model):
    """Something a reader should know of.

    kind: reply, mention, comment (on a paper one claimed), submission, claim, report, moderation, welcome, alert (new
        papers in a list one follows) or group.
    data: what its sentence is made of, so that it is said in the reader's language. url: a path of this site.
    mail_due: waits to be mailed; mail_tried: when that was last tried, whether it went out or not.
    """

    reader = models.ForeignKey(Reader, models.CASCADE, related_name="notifications")
    kind = models.CharField(max_length=12)
    data = models.JSONField(default=dict)
    url = models.CharField(max_length=500, default="")
    at = models.DateTimeField()
    read = models.DateTimeField(null=True)
    mail_due = models.BooleanField(default=False)
    mail_tries = models.IntegerField(default=0)
    mail_tried = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["reader", "-at"]), models.Index(fields=["mail_due"])]

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"


class Cached(models.Model):
    """A row of the cache that all processes of the site share: counts of rates and what signing in needs for minutes.

    Its columns are those of Django's database cache, which asks for the table by name and never through this model.
    """

    cache_key = models.CharField(max_length=255, primary_key=True)
    value = models.TextField()
    expires = models.DateTimeField(db_index=True)

    class Meta:
        db_table = "cache"

    def __str__(self) -> str:
        return self.cache_key
