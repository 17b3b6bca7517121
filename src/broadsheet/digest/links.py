"""Links that stand in mails: whoever holds one may do one thing with one subscription, without an account.

A token tells its subscription, the epoch of its links, a paper, a digest and the moment it was made, and is signed
with a salt of its purpose: it cannot be made up, used for something else or for somebody else. It stays good until it
expires or the epoch of the subscription is raised. Showing a page changes nothing; only what is posted there does.
"""

import base64
import binascii
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Final

from django.core.signing import BadSignature, Signer
from django.urls import reverse
from django.utils.translation import gettext as _

from broadsheet.digest.models import Subscription
from broadsheet.export.address import absolute

# Per purpose, how long a link is good; None is as long as the epoch holds.
GOOD_FOR: Final[dict[str, timedelta | None]] = {
    "confirm": timedelta(days=7),
    "preferences": timedelta(days=180),
    "unsubscribe": None,
    "vote": timedelta(days=180),
    "save": timedelta(days=180),
    "less": timedelta(days=180),
    "archive": timedelta(days=180),
}
PAGES: Final = {
    "confirm": "confirm",
    "preferences": "digest-preferences",
    "unsubscribe": "unsubscribe",
    "vote": "digest-vote",
    "save": "digest-save",
    "less": "digest-less",
    "archive": "digest-archive",
}
LONGEST_TOKEN: Final = 800
# A clock may go a little ahead of another one.
AHEAD: Final = timedelta(minutes=10)


class BadLink(Exception):
    """A link that is not good here, or not any more; says why in one sentence for people."""


@dataclass(frozen=True, slots=True)
class Signed:
    """What a good link says.

    paper, digest: their numbers, where the link is about one. address: the new one that a link confirms, "" where it
    confirms the one of the subscription. made: when the link was.
    """

    subscription: Subscription
    made: datetime
    paper: int | None = None
    digest: int | None = None
    address: str = ""


def link(
    subscription: Subscription,
    purpose: str,
    *,
    paper: int | None = None,
    digest: int | None = None,
    address: str = "",
    now: datetime,
) -> str:
    """Give the absolute address of a page that acts for one subscription. paper, digest: their numbers."""
    made = token(subscription, purpose, paper=paper, digest=digest, address=address, now=now)
    return absolute(_before(purpose) + made)


@cache
def _before(purpose: str) -> str:
    # A mail holds thirty links and more; looking their page up each time is half of what a link costs.
    return reverse(PAGES[purpose], args=["-"]).removesuffix("-")


def token(
    subscription: Subscription,
    purpose: str,
    *,
    paper: int | None = None,
    digest: int | None = None,
    address: str = "",
    now: datetime,
) -> str:
    """Give what stands in such an address: letters, digits, `-`, `_` and `.` alone.

    The signature comes first, so that a token ends with a letter or a digit: mail programs that find links in plain
    text leave a sign at the end out.
    """
    hidden = base64.urlsafe_b64encode(address.encode()).decode().replace("=", "")
    told = (hidden, subscription.pk, subscription.epoch, paper, digest, int(now.timestamp()))
    value = ".".join("" if part is None else str(part) for part in told)
    signature = _signer(purpose).sign(value).rpartition(".")[2]
    return f"{signature}.{value}"


def read(purpose: str, token: str, *, now: datetime) -> Signed:
    """Read a token made for that purpose. Raises BadLink."""
    hidden, number, epoch, paper, digest, seconds = _parts(purpose, token)
    made = datetime.fromtimestamp(int(seconds), now.tzinfo)
    good_for = GOOD_FOR[purpose]
    if made > now + AHEAD or (good_for is not None and now > made + good_for):
        raise BadLink(_("This link has expired. Take the one of a newer mail, or ask for a new one."))
    found = Subscription.objects.select_related("reader").filter(pk=int(number)).first()
    if found is None:
        raise BadLink(_("This subscription is gone, and all that was kept of it."))
    if found.epoch != int(epoch):
        raise BadLink(_("This link was ended. Take the one of a newer mail."))
    return Signed(found, made, _number(paper), _number(digest), _shown(hidden))


def _parts(purpose: str, token: str) -> list[str]:
    signature, _dot, value = token.partition(".")
    try:
        # Cut links and pasted texts of any length come here; a signature of ours is ASCII.
        if len(token) > LONGEST_TOKEN or not token.isascii():
            raise BadSignature
        parts = _signer(purpose).unsign(f"{value}.{signature}").split(".")
    except BadSignature:
        raise BadLink(_("This link is not whole. Copy all of it from the mail.")) from None
    return parts


def _signer(purpose: str) -> Signer:
    return Signer(salt=f"broadsheet.digest.{purpose}", sep=".")


def _number(part: str) -> int | None:
    return int(part) if part else None


def _shown(hidden: str) -> str:
    try:
        return base64.urlsafe_b64decode(hidden + "=" * (-len(hidden) % 4)).decode()
    except (binascii.Error, UnicodeDecodeError):
        raise BadLink(_("This link is not whole. Copy all of it from the mail.")) from None
