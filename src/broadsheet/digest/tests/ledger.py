"""A ledger of mails for tests of what is shown of it."""

from dataclasses import dataclass
from datetime import datetime

from broadsheet.digest.models import Bounced, Digest, Mail, Subscription
from broadsheet.papers.models import Paper


@dataclass
class Ledger:
    """Writes rows as of a moment; papers that are there stand in the digests."""

    now: datetime

    def mail(self, number: int, **fields: object) -> Mail:
        """Keep the mail of a digest for one more subscription, each at a domain of its own; `fields` replace."""
        one = Subscription.objects.create(
            address=f"reader{number}@lab{number}.example",
            state="active",
            lists=["edition"],
            asked=self.now,
            confirmed=self.now,
        )
        picks = [{"paper": paper.key, "id": paper.pk, "list": "edition", "why": [], "also": []} for paper in papers()]
        day = self.now.date()
        digest = Digest.objects.create(
            subscription=one, first=day, last=day, state="composed", picks=picks, made=self.now
        )
        made: dict[str, object] = {
            "subscription": one,
            "digest": digest,
            "address": one.address,
            "domain": f"lab{number}.example",
            "message_id": f"<d{number}@lab.example>",
            "token": f"token{number}",
            "next_try": self.now,
            "queued": self.now,
        }
        return Mail.objects.create(**(made | fields))

    def bounce(self, address: str, **fields: object) -> Bounced:
        """Keep a bounce."""
        made: dict[str, object] = {"digest_of_raw": address, "kind": "hard", "address": address, "at": self.now}
        return Bounced.objects.create(**(made | fields))


def papers() -> list[Paper]:
    """Give some of the papers that are there."""
    return list(Paper.objects.order_by("pk")[:5])
