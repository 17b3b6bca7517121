"""Mails of the ledger as letters: rendered when they are sent, with the headers that bulk mail has to carry.

Everything in a letter follows from its row, so a mail that is tried again is the same mail.
"""

from collections.abc import Iterable, Sequence
from email.utils import parseaddr

from django.conf import settings

from broadsheet.community import organisations
from broadsheet.digest import confirming, links, stopping
from broadsheet.digest.compose import compose
from broadsheet.digest.galleys import Galleys
from broadsheet.digest.models import Mail
from broadsheet.mail.messages import Letter, Unsendable, host
from broadsheet.papers.models import Paper


class Desk:
    """Writes the letters of one run; knows the papers that its digests share."""

    def __init__(self) -> None:
        self._papers: dict[int, Paper] = {}
        self._asked_for: set[str] = set()
        self._organisations: dict[int, list[str]] = {}
        self._galleys = Galleys(self._organisations)
        self.name, self.address = parseaddr(settings.DEFAULT_FROM_EMAIL)
        self.host = host(self.address.rpartition("@")[2] or "localhost")

    def lay_out(self, mails: Iterable[Mail]) -> None:
        """Read what a batch of mails needs, in a few queries."""
        picks = [pick for mail in mails if mail.digest for pick in mail.digest.picks]
        also = {key for pick in picks for key in pick.get("also", ())} - self._asked_for
        self._asked_for |= also
        fresh = {pick["id"] for pick in picks} - self._papers.keys()
        if not fresh and not also:
            return
        found = {paper.pk: paper for paper in Paper.objects.filter(pk__in=fresh)}
        found |= {paper.pk: paper for paper in Paper.objects.filter(key__in=also)}
        told = organisations.of_papers(found)
        self._organisations.update({number: [one.name for one in names] for number, names in told.items()})
        self._papers.update(found)

    def letter(self, mail: Mail) -> Letter:
        """Write one. Raises Unsendable if it cannot be sent to anybody, now or later."""
        return self._confirmation(mail) if mail.kind == "confirm" else self._digest(mail)

    def envelope(self, mail: Mail) -> str:
        """The address that bounces of a mail go to; the token in it tells which mail it was."""
        base = settings.CONFIG.bounce_address
        local, _at, domain = base.rpartition("@")
        return f"{local}+{mail.token}@{domain}" if base else self.address

    def _digest(self, mail: Mail) -> Letter:
        if mail.digest is None:
            raise Unsendable("a mail of kind digest without its digest")
        subscription, moment = mail.subscription, mail.queued
        made = compose(mail.digest, subscription, self._papers, links=links.link, now=moment, galleys=self._galleys)
        return Letter(
            sender=self.address,
            sender_name=self.name or settings.CONFIG.site_name,
            to=mail.address,
            subject=made.subject,
            text=made.text,
            html=made.html,
            message_id=mail.message_id,
            date=moment,
            list_id=f"digest.{self.host}",
            list_name=settings.CONFIG.site_name,
            unsubscribe_url=links.link(subscription, "unsubscribe", now=moment),
            unsubscribe_mailto=stopping.mailto(subscription),
            feedback_id=f"{mail.digest.last:%Y%m%d}:{subscription.rhythm}:digest:{self._feedback_name}",
        )

    def _confirmation(self, mail: Mail) -> Letter:
        made = confirming.composed(mail, now=mail.queued)
        return Letter(
            sender=self.address,
            sender_name=self.name or settings.CONFIG.site_name,
            to=mail.address,
            subject=made.subject,
            text=made.text,
            html=made.html,
            message_id=mail.message_id,
            date=mail.queued,
            unsubscribe_url=made.unsubscribe,
            feedback_id=f"confirm:{self._feedback_name}",
        )

    @property
    def _feedback_name(self) -> str:
        # Gmail wants the last part, which names the sender, to have 5 to 15 characters.
        return self.host.replace(".", "-")[-15:].rjust(5, "-")


def of(mails: Sequence[Mail]) -> list[Letter]:
    """Write a few letters, as for a sample."""
    desk = Desk()
    desk.lay_out(mails)
    return [desk.letter(mail) for mail in mails]
