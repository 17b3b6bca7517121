"""Links that readers add to a paper: its code, project page, models, data, demo.

Nobody opens an address that a reader gives; it is looked at as a text.
"""

import re
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import SplitResult, urlsplit, urlunsplit

from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils.encoding import iri_to_uri
from django.utils.translation import gettext as _

from broadsheet.community import claims, moderation, placing
from broadsheet.community.given import passage
from broadsheet.community.given import reason as read_reason
from broadsheet.community.models import AddedLink
from broadsheet.papers import store
from broadsheet.papers.models import Paper
from broadsheet.readers import notifications
from broadsheet.readers.models import Reader
from broadsheet.readers.refused import Refused

KINDS: Final = ("code", "project", "model", "data", "demo")
LONGEST: Final = 500
# Of one reader within a day, and on one paper.
MOST_PER_DAY: Final = 20
MOST_PER_PAPER: Final = 30
DAY: Final = timedelta(days=1)

_LABEL: Final = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?", re.ASCII)
# A name that ends in letters is no IP address, in none of the ways browsers read one: 127.1, 0x7f.1, 2130706433.
_TOP: Final = re.compile(r"[a-z]{2,63}|xn--[a-z0-9-]{1,59}", re.ASCII)
# Names of the machine itself and of private networks (RFC 6761, RFC 6762, RFC 8375, RFC 9476; ICANN on .internal).
_PRIVATE: Final = frozenset(
    (
        "localhost", "localdomain", "local", "internal", "intranet", "private", "corp", "home", "lan", "invalid",
        "arpa", "onion", "alt",
    )
)  # fmt: skip


def add(reader: Reader, paper: Paper, kind: str, url: str, *, now: datetime) -> AddedLink:
    """Add a link; it shows at once. Raises Refused.

    Everybody with an account may, a bounded number of times a day; confirmed authors and curators as often as they
    like. Only curators bring back what a curator removed.
    """
    trusted = reader.may("curator") or reader.pk in claims.authors_of([paper.id]).get(paper.id, ())
    _must_be_possible(reader, paper, kind)
    address = check_url(url)
    try:
        with transaction.atomic():
            # The paper before the reader, as everywhere.
            store.lock_paper(paper.id)
            Reader.objects.select_for_update(no_key=True).get(pk=reader.pk)
            before = AddedLink.objects.filter(paper=paper, url=address).first()
            if before:
                return _again(before, reader, kind, now)
            _must_be_few(reader, paper, trusted, now)
            return AddedLink.objects.create(paper=paper, reader=reader, kind=kind, url=address, at=now)
    except IntegrityError:
        raise Refused(_already_there()) from None


def _must_be_possible(reader: Reader, paper: Paper, kind: str) -> None:
    if not reader.is_active:
        raise Refused(_("Your account may not add links at the moment."))
    if kind not in KINDS:
        raise Refused(_("A link is one of: %(kinds)s.") % {"kinds": ", ".join(KINDS)})
    placing.must_be_shown(paper)


def _must_be_few(reader: Reader, paper: Paper, trusted: bool, now: datetime) -> None:
    if AddedLink.objects.filter(paper=paper, state="shown").count() >= MOST_PER_PAPER:
        raise Refused(_("This paper has %(most)s links already.") % {"most": MOST_PER_PAPER})
    if not trusted and AddedLink.objects.filter(reader=reader, at__gt=now - DAY).count() >= MOST_PER_DAY:
        raise Refused(_("You have added %(most)s links within a day. Please go on tomorrow.") % {"most": MOST_PER_DAY})


def _again(link: AddedLink, reader: Reader, kind: str, now: datetime) -> AddedLink:
    if link.state == "shown":
        raise Refused(_already_there())
    if not reader.may("curator"):
        raise Refused(_("A curator removed this link; the public log says why."))
    link.reader, link.kind, link.at, link.state = reader, kind, now, "shown"
    link.save()
    return link


def _already_there() -> str:
    return _("This paper has that link already.")


def remove(by: Reader, link: AddedLink, reason: str, *, now: datetime) -> None:
    """Remove a link: readers their own, curators any, with a reason. Raises Refused."""
    if by.is_active and link.reader_id == by.pk:
        if not AddedLink.objects.filter(pk=link.pk, reader=by, state="shown").delete()[0]:
            raise Refused(_("This link is not here any more."))
        return
    placing.must_be_curator(by)
    said = read_reason(reason)
    with transaction.atomic():
        if not AddedLink.objects.filter(pk=link.pk, state="shown").update(state="removed"):
            raise Refused(_("This link is not here any more."))
        affected, paper = link.reader, link.paper
        moderation.note(by, "remove", f"link:{link.pk}", about=link.url[:300], reason=said, affected=affected, now=now)
        if affected:
            data = {
                "did": "remove",
                "subject": f"link:{link.pk}",
                "title": paper.title,
                "url": link.url,
                "reason": said,
            }
            notifications.notify([affected], "moderation", data, reverse("paper", args=[paper.key]), now=now)


def of_papers(numbers: Iterable[int]) -> dict[int, list[AddedLink]]:
    """Give the links that show, in the order they were added, by the number of the paper."""
    found: dict[int, list[AddedLink]] = {}
    rows = AddedLink.objects.filter(paper__in=list(numbers), state="shown").select_related("reader")
    for link in rows.order_by("at", "id"):
        found.setdefault(link.paper_id, []).append(link)
    return found


def check_url(url: str) -> str:
    """Give an address as it is kept and shown: plain ASCII, foreign letters of its host as punycode. Raises Refused.

    The rules are of its shape alone: http or https, no name or password in it, a host that by its name is a public one.
    """
    text = passage(url, LONGEST)
    if not text or any(char.isspace() or char == "\\" for char in text):
        raise Refused(_("Please give one whole address, such as https://github.com/ada/bees."))
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise Refused(_("That is no address; one looks like https://github.com/ada/bees.")) from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise Refused(_("An address begins with https:// or http://."))
    if "@" in parts.netloc:
        raise Refused(_("An address must not hold a name or a password."))
    host = _public_host(parts.hostname)
    place = host if port is None else f"{host}:{port}"
    found: str = iri_to_uri(urlunsplit(SplitResult(parts.scheme, place, parts.path, parts.query, parts.fragment)))
    if len(found) > LONGEST:
        raise Refused(_("That address is too long; at most %(most)s characters are kept.") % {"most": LONGEST})
    return found


def _public_host(host: str) -> str:
    try:
        # With the marks that stand for others (wide digits, the ideographic full stop) read as what they stand for.
        name = host.encode("idna").decode().lower().removesuffix(".")
    except UnicodeError:
        raise Refused(_("The host of that address cannot be read.")) from None
    labels = name.split(".")
    if len(labels) < 2 or len(name) > 253 or not all(map(_LABEL.fullmatch, labels)):
        raise Refused(_("The host of that address cannot be read."))
    if not _TOP.fullmatch(labels[-1]) or labels[-1] in _PRIVATE:
        raise Refused(_("That address is not one of the open Internet."))
    return name
