"""Whether the DNS lets mails of this site arrive: SPF, DKIM, DMARC, reverse DNS, and a way back for bounces.

Asks the network, so only a command does it; where the network gives no answers, that is said once.
"""

import platform
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from email.utils import parseaddr
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

from django.conf import settings

from broadsheet.digest import transport
from broadsheet.digest.models import Mail
from broadsheet.lib.addresses import own_addresses
from broadsheet.mail import dkim, dns
from broadsheet.mail.dns import Finding, Resolve, Unanswered
from broadsheet.mail.messages import host
from broadsheet.papers.health import Check

# All questions together take no longer.
SECONDS: Final = 8.0
EACH: Final = 2.0
NAMES: Final = {
    "spf": "SPF",
    "dkim": "DKIM",
    "dmarc": "DMARC",
    "ptr": "reverse DNS",
    "mx": "MX",
    "alignment": "alignment",
}
# Everybody knows these servers.
ROOT: Final = (".", "NS")
# Names that nobody can register (RFC 2606, RFC 6762).
NOBODYS: Final = ("localhost", "example", "test", "invalid", "local")


@dataclass(frozen=True, slots=True)
class Sending:
    """How this site sends mail, as far as the DNS has to know.

    domain: of From. envelope: of the sender's address, where bounces go. hello: as the server calls itself, "" where
    that is not known. addresses: those that mails leave from, none where nobody can tell from here. relay: the server
    of somebody else that they go through, "" where there is none. provider: the e-mail provider, "" for none.
    keys: those that mails are signed with, for `signs`.
    """

    domain: str
    envelope: str
    hello: str
    addresses: tuple[str, ...]
    relay: str
    provider: str
    keys: tuple[dkim.Key, ...]
    signs: str


def checks(*, resolve: Resolve | None = None, sends_from: str = "") -> list[Check]:
    """Ask the DNS. sends_from: the address that mails leave from, where the operator tells it."""
    if not (settings.MAIL or settings.CONFIG.mail_provider):
        return []
    asked = in_time(resolve or dns.resolver(EACH), SECONDS)
    try:
        domain = _domain(settings.DEFAULT_FROM_EMAIL)
        if not _is_public(domain):
            says = f"mails come from {domain or 'no domain'}, which receivers cannot look up"
            return [Check("mail DNS", False, says, "set mail_from to an address of a domain of yours")]
        if not answers(asked):
            return [silent()]
        return [_check(finding) for finding in judged(as_set_up(asked, sends_from), asked)]
    except ValueError as problem:
        return [Check("mail set-up", False, str(problem), "see docs/digest_operating.md")]


def before_the_first(resolve: Resolve | None = None) -> list[Check]:
    """Give what would keep the first digests from arriving; nothing once one was sent."""
    config = settings.CONFIG
    if config.mail_dry_run or not config.mail_check_first:
        return []
    if Mail.objects.filter(kind="digest", state="sent").exists():
        return []
    return [check for check in checks(resolve=resolve) if not check.ok]


def silent() -> Check:
    """Give what is said where the DNS cannot be asked."""
    says = "not looked at: this network does not answer questions to the DNS"
    return Check("mail DNS", True, says, "run `broadsheet doctor` where it does, before the first mails")


def answers(resolve: Resolve) -> bool:
    """Tell whether the DNS of the world answers; some networks say of every name that there is none."""
    try:
        return bool(resolve(*ROOT))
    except Unanswered:
        return False


def judged(sending: Sending, resolve: Resolve) -> Iterator[Finding]:
    """Judge what the DNS says of a site."""
    yield from _senders(sending, resolve)
    yield from _signatures(sending, resolve)
    yield dns.judge_dmarc(sending.domain, resolve)
    yield dns.judge_mx(sending.envelope, resolve)
    if not sending.provider:
        yield dns.judge_alignment(sending.domain, dkim_domain=sending.signs, envelope_domain=sending.envelope)


def _senders(sending: Sending, resolve: Resolve) -> Iterator[Finding]:
    if sending.provider:
        says = f"{sending.provider} sends; its own pages tell which SPF record it wants."
        yield Finding("spf", "good", says)
        return
    if not sending.addresses:
        yield Finding(
            "spf",
            "unknown",
            "The address that mails leave from cannot be told from here.",
            "Name it: `broadsheet doctor --sends-from ADDRESS`.",
        )
        return
    for address in sending.addresses:
        yield _relayed(sending, address, resolve)
        if not sending.relay:
            yield dns.judge_ptr(address, resolve, hello=sending.hello)


def _relayed(sending: Sending, address: str, resolve: Resolve) -> Finding:
    """Judge SPF; of a relay less is said, for it may send from other addresses than the one that takes mails in."""
    finding = dns.judge_spf(sending.envelope, address, resolve)
    result = dns.evaluate_spf(sending.envelope, ip_address(address), resolve).result
    if not sending.relay or result not in ("fail", "softfail", "neutral"):
        return finding
    says = f"{finding.says} {sending.relay} may send from other addresses."
    return Finding(
        "spf", "warning", says, f"Ask who runs it what to name in the record. If it is {address}: {finding.do}"
    )


def _signatures(sending: Sending, resolve: Resolve) -> Iterator[Finding]:
    for key in sending.keys:
        yield dns.judge_dkim(dkim.record(sending.signs, key), resolve)
    if sending.keys:
        return
    if sending.provider or sending.relay:
        says = f"{sending.provider or sending.relay} has to sign mails, for no key is set here."
        yield Finding("dkim", "warning", says, "See its pages, or make a key: `broadsheet digest dkim-key`.")
    else:
        says = "Mails are not signed; the large mail services refuse such."
        yield Finding("dkim", "bad", says, "Make a key: `broadsheet digest dkim-key`.")


def as_set_up(resolve: Resolve, sends_from: str = "") -> Sending:
    """Tell how this site sends mail. Raises ValueError where a setting cannot be used."""
    domain = _domain(settings.DEFAULT_FROM_EMAIL)
    envelope = _domain(settings.CONFIG.bounce_address) or domain
    relay = _relay(settings.CONFIG.mail_url)
    signer = transport.signer()
    return Sending(
        domain=domain,
        envelope=envelope,
        hello="" if relay else _own_name(),
        addresses=(str(ip_address(sends_from)),) if sends_from else tuple(_addresses(relay, resolve)),
        relay=relay,
        provider=settings.CONFIG.mail_provider,
        keys=signer.keys if signer else (),
        signs=signer.domain if signer else "",
    )


def in_time(resolve: Resolve, seconds: float, clock: Callable[[], float] = time.monotonic) -> Resolve:
    """Ask each question once, and none after so many seconds."""
    ends, known = clock() + seconds, dict[tuple[str, str], list[str]]()

    def ask(name: str, kind: str) -> list[str]:
        if (name, kind) not in known:
            if clock() > ends:
                raise Unanswered(f"{name}: it took too long")
            known[name, kind] = resolve(name, kind)
        return known[name, kind]

    return ask


def _domain(address: str) -> str:
    domain = parseaddr(address)[1].rpartition("@")[2]
    return host(domain) if domain else ""


def _is_public(domain: str) -> bool:
    return "." in domain and domain.rpartition(".")[2] not in NOBODYS


def _relay(url: str) -> str:
    name = urlsplit(url).hostname or ""
    if name in ("", "localhost"):
        return ""
    try:
        return "" if ip_address(name).is_loopback else name
    except ValueError:
        return host(name)


def _addresses(relay: str, resolve: Resolve) -> Iterator[str]:
    if not relay:
        yield from own_addresses()
        return
    try:
        found = [str(ip_address(relay))]
    except ValueError:
        try:
            found = resolve(relay, "A") + resolve(relay, "AAAA")
        except Unanswered:
            return
    yield from (address for address in found if ip_address(address).is_global)


def _own_name() -> str:
    name = platform.node()
    return name if "." in name else ""


def _check(finding: Finding) -> Check:
    says = finding.says.removesuffix(".")
    return Check(NAMES.get(finding.about, finding.about), finding.state != "bad", says, finding.do)
