"""A digest as it would be now, for a look: nothing is written, and no link in it acts.

What was made for an edition is shown as it was made; else it is chosen anew.
"""

from collections.abc import Sequence
from copy import copy
from dataclasses import asdict, dataclass
from datetime import date, datetime
from email.utils import parseaddr
from typing import Final

from django.conf import settings
from django.db.models import Q
from django.utils import translation

from broadsheet.digest import due as dues
from broadsheet.digest import lint, prepare, transport
from broadsheet.digest.compose import Composed, compose
from broadsheet.digest.galleys import Galleys
from broadsheet.digest.models import Digest, Subscription
from broadsheet.digest.pool import Pools
from broadsheet.digest.wishes import Wish
from broadsheet.export.address import absolute
from broadsheet.mail.messages import Letter, build
from broadsheet.papers.models import Paper
from broadsheet.readers.models import Reader

# What stands in for what is signed: its page says that the link is not whole.
UNSIGNED: Final = "preview"


@dataclass(frozen=True, slots=True)
class Preview:
    """A digest, and the mail it makes. made: whether the ledger holds it already.

    mail: None where there is nothing to send; `says` tells why. wrong: what `lint.check` finds.
    """

    digest: Digest
    subscription: Subscription
    made: bool
    mail: Composed | None
    wrong: Sequence[str]

    @property
    def says(self) -> str:
        """Why there is nothing to send."""
        return self.digest.says

    def eml(self, now: datetime) -> bytes:
        """Give the mail as a file that mail programs open. Raises Unsendable; ValueError where there is no mail."""
        if self.mail is None:
            raise ValueError("there is no mail")
        name, sender = parseaddr(settings.DEFAULT_FROM_EMAIL)
        return build(
            Letter(
                sender=sender,
                sender_name=name,
                to=self.subscription.address,
                subject=self.mail.subject,
                text=self.mail.text,
                html=self.mail.html,
                message_id=f"<preview.{now:%Y%m%d%H%M%S}@{transport.sender_host()}>",
                date=now,
            )
        )


def wished_by(reader: Reader | None, address: str, now: datetime) -> Subscription:
    """Give the subscription of a reader or an address; where there is none, one with default wishes, not kept."""
    known = Subscription.objects.filter(Q(reader=reader) if reader else Q(address__iexact=address)).first()
    if known:
        return known
    given = asdict(Wish()) | {"lists": list(Wish().lists)}
    mine = reader.email if reader else ""
    return Subscription(
        address=mine or address or "reader@example.org",
        reader=reader,
        state="active",
        asked=now,
        confirmed=now,
        **given,
    )


def preview(subscription: Subscription, now: datetime, edition: date | None = None) -> Preview:
    """Choose and compose the digest of an edition, the latest one if none is given, and write nothing."""
    edition = edition or dues.latest_due(now)
    told = Digest.objects.filter(subscription=subscription) if subscription.pk else Digest.objects.none()
    made = told.filter(last=edition).first()
    if made:
        return shown(made, subscription, now, made=True)
    last = told.filter(last__lt=edition).order_by("-last").first()
    due = dues.of_edition(subscription, edition, last)
    [chosen] = prepare.choose_all([due], Pools(now))
    return shown(prepare.digest_of(chosen, now), subscription, now, made=False)


def shown(digest: Digest, subscription: Subscription, now: datetime, *, made: bool = True) -> Preview:
    """Compose a digest for a look."""
    if not digest.picks:
        return Preview(digest, subscription, made, None, ())
    papers = papers_of(digest)
    with translation.override(subscription.language or settings.LANGUAGE_CODE):
        mail = compose(digest, subscription, papers, links=unsigned, now=now, galleys=Galleys.of(papers))
    return Preview(digest, subscription, made, mail, tuple(lint.check(mail.html, mail.text)))


def veiled(subscription: Subscription) -> Subscription:
    """Give a copy that does not tell whose it is."""
    other = copy(subscription)
    other.address = veil(subscription.address)
    return other


def veil(address: str) -> str:
    """Shorten an address so that its owner would know it and others would not: a…@lab.example."""
    local, _at, host = address.rpartition("@")
    return f"{local[:1]}…@{host}" if local else "…"


def papers_of(digest: Digest) -> dict[int, Paper]:
    """Read the papers of a digest and their near-duplicates, by number."""
    also = [key for pick in digest.picks for key in pick.get("also", ())]
    found = Paper.objects.filter(Q(pk__in=[pick["id"] for pick in digest.picks]) | Q(key__in=also))
    return {paper.pk: paper for paper in found}


def unsigned(
    subscription: Subscription,
    purpose: str,
    *,
    paper: int | None = None,
    digest: int | None = None,
    now: datetime,
) -> str:
    """Give the address of a page as a mail would hold it, signed for nobody."""
    return absolute(f"/digest/{purpose}/{UNSIGNED}")
