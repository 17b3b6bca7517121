"""Judges what the DNS says of a sending domain: SPF, DKIM, DMARC, reverse DNS, and where bounces come in.

Each judge takes a Resolve and gives a finding: how it stands in a sentence, and what to do, with the record to add.
"""

import base64
import binascii
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Literal

import dns.exception
import dns.resolver

from broadsheet.mail.dkim import Record
from broadsheet.mail.messages import Unsendable, host

# (name, kind of record) -> texts, none where there is no such record. Raises Unanswered.
Resolve = Callable[[str, str], list[str]]
Address = IPv4Address | IPv6Address
State = Literal["good", "warning", "bad", "unknown"]
# RFC 7208, 4.6.4.
MOST_LOOKUPS = 10
QUALIFIERS = {"+": "pass", "-": "fail", "~": "softfail", "?": "neutral"}


class Unanswered(Exception):
    """A question to the DNS got no answer; asking again later can help."""


@dataclass(frozen=True, slots=True)
class Finding:
    """How one thing stands. about: spf, dkim, dmarc, ptr, mx or alignment. do: "" where nothing is to be done."""

    about: str
    state: State
    says: str
    do: str = ""


@dataclass(frozen=True, slots=True)
class Spf:
    """What SPF (RFC 7208) says of one address: pass, fail, softfail, neutral, none, permerror or temperror."""

    result: str
    record: str = ""
    why: str = ""


def resolver(timeout: float = 3.0, *, servers: Sequence[str] = (), port: int = 53) -> Resolve:
    """Ask the real DNS; no question takes longer than `timeout` seconds.

    servers: addresses of the servers to ask; those that this machine is set up with where there are none.
    """
    try:
        asked = dns.resolver.Resolver(configure=not servers)
    except dns.resolver.NoResolverConfiguration:
        return _nobody_to_ask
    if servers:
        asked.nameservers, asked.port = list(servers), port
    asked.lifetime = asked.timeout = timeout
    return partial(_ask, asked)


def judge_spf(domain: str, address: str, resolve: Resolve) -> Finding:
    """Tell whether the SPF record of the envelope sender's `domain` lets `address` send."""
    sender = ip_address(address)
    found = evaluate_spf(domain, sender, resolve)
    if found.result == "pass":
        return Finding("spf", "good", f"The SPF record of {domain} lets {sender} send.")
    if found.result == "temperror":
        return _unanswered("spf", domain)
    mechanism = f"ip{sender.version}:{sender}"
    if found.result == "none":
        add = _txt(domain, f"v=spf1 {mechanism} -all")
        return Finding("spf", "bad", f"{domain} has no SPF record.", f"Add {add}")
    if found.result == "permerror":
        return Finding("spf", "bad", f"The SPF record of {domain} cannot be used: {found.why}.", "Mend the record.")
    better = _txt(domain, found.record.replace("v=spf1", f"v=spf1 {mechanism}", 1))
    says = f"The SPF record of {domain} does not name {sender} (it says {found.result})."
    return Finding("spf", "bad", says, f"Change it to {better}")


def evaluate_spf(domain: str, sender: Address, resolve: Resolve) -> Spf:
    """Evaluate the SPF record of a domain for one sending address.

    Mechanisms ip4, ip6, a, mx, include, all and the modifier redirect, with at most 10 look-ups. What cannot be told
    without a mail (macros, exists, ptr) matches nothing.
    Source: RFC 7208, sections 4 to 6.
    """
    try:
        return _Evaluation(sender, resolve).check(domain)
    except Unanswered as error:
        return Spf("temperror", why=str(error))
    except _Broken as error:
        return Spf("permerror", why=str(error))


def judge_dkim(record: Record, resolve: Resolve) -> Finding:
    """Tell whether the DNS holds the public half of a signing key; `record` as `mail.dkim.record` gives it."""
    try:
        texts = [text for text in resolve(record.name, "TXT") if "p=" in text]
    except Unanswered:
        return _unanswered("dkim", record.name)
    add = f"Add {_txt(record.name, record.text)}"
    if not texts:
        return Finding("dkim", "bad", f"There is no DKIM key at {record.name}.", add)
    if len(texts) > 1:
        return Finding("dkim", "bad", f"There are {len(texts)} DKIM keys at {record.name}; one is wanted.", add)
    there, ours = _tags(texts[0]), _tags(record.text)
    if not there.get("p"):
        return Finding("dkim", "bad", f"The DKIM key at {record.name} was withdrawn.", add)
    if _key_bytes(there["p"]) != _key_bytes(ours["p"]) or there.get("k", "rsa") != ours.get("k", "rsa"):
        says = f"The DKIM key at {record.name} is not the one that mails are signed with."
        return Finding("dkim", "bad", says, f"Replace it: {_txt(record.name, record.text)}")
    if "y" in there.get("t", "").split(":"):
        says = f"The DKIM key at {record.name} says t=y, testing: receivers may ignore it."
        return Finding("dkim", "warning", says, "Take t=y out of the record.")
    return Finding("dkim", "good", f"The DKIM key at {record.name} is the one that mails are signed with.")


def judge_dmarc(domain: str, resolve: Resolve) -> Finding:
    """Tell whether the domain of From, or one above it, has a DMARC policy (RFC 7489)."""
    try:
        place, texts = _dmarc(host(domain), resolve)
    except Unanswered:
        return _unanswered("dmarc", domain)
    add = _txt(f"_dmarc.{host(domain)}", f"v=DMARC1; p=none; rua=mailto:postmaster@{host(domain)}")
    if not texts:
        says = f"{domain} has no DMARC record; the large mail services want one."
        return Finding("dmarc", "bad", says, f"Add {add}")
    policy = _policy(_tags(texts[0]), own=place == f"_dmarc.{host(domain)}")
    if len(texts) > 1 or policy not in ("none", "quarantine", "reject"):
        return Finding("dmarc", "bad", f"The DMARC record at {place} cannot be used.", f"Replace it by {add}")
    if policy == "none":
        says = f"{place} has a DMARC record; its policy for {domain} is none: it only watches."
        return Finding(
            "dmarc", "good", says, "Once SPF and DKIM pass for all your mail, p=quarantine protects your name."
        )
    return Finding("dmarc", "good", f"{place} has a DMARC record; its policy for {domain} is {policy}.")


def judge_ptr(address: str, resolve: Resolve, *, hello: str = "") -> Finding:
    """Tell whether a sending address has a name that leads back to it; `hello` as the server calls itself."""
    sender = ip_address(address)
    kind = "A" if sender.version == 4 else "AAAA"
    try:
        names = [name.rstrip(".").lower() for name in resolve(sender.reverse_pointer, "PTR")]
        confirmed = [name for name in names if sender in _addresses(resolve(name, kind))]
    except Unanswered:
        return _unanswered("ptr", address)
    ask = "Ask who runs the network (often a form of the hosting company) to"
    if not names:
        says = f"{sender} has no name in the reverse DNS; many servers refuse mail from it."
        return Finding(
            "ptr", "bad", says, f"{ask} set the PTR record of {sender} to {hello or 'the name of the server'}."
        )
    if not confirmed:
        says = f"{sender} is called {names[0]}, but that name does not lead back to {sender}."
        return Finding("ptr", "bad", says, f"Add the record: {names[0]}. IN {kind} {sender}")
    if hello and hello.rstrip(".").lower() not in confirmed:
        says = f"{sender} is called {confirmed[0]}, but the server calls itself {hello}."
        return Finding("ptr", "warning", says, f"Let the server call itself {confirmed[0]}.")
    return Finding("ptr", "good", f"{sender} is called {confirmed[0]}, and that name leads back to it.")


def judge_mx(domain: str, resolve: Resolve) -> Finding:
    """Tell whether mail to a domain, such as bounces, has somewhere to go (RFC 5321, 5.1; RFC 7505)."""
    try:
        servers = [text.split()[-1].rstrip(".") for text in resolve(host(domain), "MX")]
        fallback = not servers and (resolve(host(domain), "A") or resolve(host(domain), "AAAA"))
    except Unanswered:
        return _unanswered("mx", domain)
    if any(servers):
        return Finding("mx", "good", f"Mail to {domain} goes to {next(name for name in servers if name)}.")
    if fallback:
        return Finding("mx", "warning", f"{domain} has no MX record; mail to it goes to its own address.")
    says = f"Nothing takes mail to {domain}, so bounces are lost."
    return Finding("mx", "bad", says, f"Add the record: {host(domain)}. IN MX 10 and the name of the mail server.")


def judge_alignment(from_domain: str, *, dkim_domain: str, envelope_domain: str) -> Finding:
    """Tell whether what DKIM and SPF prove is the domain that readers see (DMARC, relaxed: one within the other)."""
    shown = host(from_domain)
    proved = {name: host(domain) for name, domain in (("DKIM", dkim_domain), ("SPF", envelope_domain)) if domain}
    aligned = [name for name, domain in proved.items() if _within(shown, domain)]
    if aligned:
        return Finding("alignment", "good", f"{' and '.join(aligned)} can prove {shown}, the domain of From.")
    do = f"Sign for {shown}, or send from the domain that is signed for."
    if any(domain.split(".")[-2:] == shown.split(".")[-2:] for domain in proved.values()):
        says = f"DKIM and SPF prove neighbours of {shown}, the domain of From: enough if one owner has all below them."
        return Finding("alignment", "warning", says, do)
    says = f"Neither the DKIM signature nor the bounce address belongs to {shown}, the domain of From."
    return Finding("alignment", "bad", says, do)


class _Broken(Exception):
    """The record breaks a rule of SPF."""


class _Evaluation:
    """One evaluation of SPF: it counts the look-ups."""

    def __init__(self, sender: Address, resolve: Resolve) -> None:
        self.sender = sender
        self.resolve = resolve
        self.lookups = 0

    def check(self, domain: str) -> Spf:
        try:
            name = host(domain)
        except Unsendable as error:
            raise _Broken(str(error)) from error
        record = self._record(name)
        if not record:
            return Spf("none")
        redirect = ""
        for term in record.split()[1:]:
            if "=" in term.partition(":")[0].partition("/")[0]:
                key, _, value = term.partition("=")
                redirect = value if key.lower() == "redirect" else redirect
            elif self._matches(term.lstrip("+-~?"), name):
                return Spf(QUALIFIERS.get(term[0], "pass"), record)
        if redirect:
            self._count()
            found = self.check(redirect)
            if found.result == "none":
                raise _Broken(f"it redirects to {redirect}, which has no SPF record")
            return Spf(found.result, record)
        return Spf("neutral", record)

    def _record(self, domain: str) -> str:
        records = [text for text in self.resolve(domain, "TXT") if text.lower().split(" ")[0] == "v=spf1"]
        if len(records) > 1:
            raise _Broken(f"{domain} has {len(records)} SPF records, and one is allowed")
        return records[0] if records else ""

    def _matches(self, mechanism: str, domain: str) -> bool:
        name, sign, rest = _parted(mechanism)
        if name == "all":
            return True
        if name in ("ip4", "ip6"):
            return self._in_network(rest)
        if name not in ("a", "mx", "include", "exists", "ptr"):
            raise _Broken(f"{mechanism!r} is no mechanism of SPF")
        self._count()
        named, slash, prefixes = rest.partition("/") if sign == ":" else ("", sign, rest)
        target = named or domain
        if "%" in target or name in ("exists", "ptr"):
            return False
        if name == "include":
            return self._include(target)
        return self._near(self._hosts(name, target), slash + prefixes)

    def _include(self, domain: str) -> bool:
        result = self.check(domain).result
        if result == "none":
            raise _Broken(f"it includes {domain}, which has no SPF record")
        return result == "pass"

    def _hosts(self, name: str, domain: str) -> Iterator[Address]:
        kind = "A" if self.sender.version == 4 else "AAAA"
        names = [domain]
        if name == "mx":
            names = [text.split()[-1].rstrip(".") for text in self.resolve(domain, "MX")][:MOST_LOOKUPS]
        for each in names:
            yield from _addresses(self.resolve(each, kind))

    def _near(self, addresses: Iterator[Address], prefixes: str) -> bool:
        four, _, six = prefixes.partition("//")
        prefix = (four.lstrip("/") if self.sender.version == 4 else six) or str(self.sender.max_prefixlen)
        return any(self._in_network(f"{each}/{prefix}") for each in addresses)

    def _in_network(self, text: str) -> bool:
        try:
            network = ip_network(text, strict=False)
        except ValueError as error:
            raise _Broken(f"{text!r} is no network") from error
        return self.sender.version == network.version and self.sender in network

    def _count(self) -> None:
        self.lookups += 1
        if self.lookups > MOST_LOOKUPS:
            raise _Broken(f"it takes more than {MOST_LOOKUPS} look-ups")


def _parted(mechanism: str) -> tuple[str, str, str]:
    """Cut "ip4:1.2.3.4/8" and "a/24" at the first sign after the name."""
    at = next((index for index, sign in enumerate(mechanism) if sign in ":/"), len(mechanism))
    return mechanism[:at].lower(), mechanism[at : at + 1], mechanism[at + 1 :]


def _addresses(texts: list[str]) -> list[Address]:
    return [ip_address(text) for text in texts]


def _dmarc(domain: str, resolve: Resolve) -> tuple[str, list[str]]:
    labels = domain.split(".")
    # Up to the domain below the last label: "example" alone is nobody's own.
    for at in range(max(len(labels) - 1, 1)):
        place = "_dmarc." + ".".join(labels[at:])
        texts = [text for text in resolve(place, "TXT") if text.lower().startswith("v=dmarc1")]
        if texts:
            return place, texts
    return "", []


def _policy(tags: dict[str, str], *, own: bool) -> str:
    """The policy for the domain of the record itself, or for one below it (RFC 7489, 6.3)."""
    policy = tags.get("p", "")
    return (policy if own else tags.get("sp", policy)).lower()


def _tags(text: str) -> dict[str, str]:
    pairs = (part.partition("=") for part in text.split(";"))
    return {name.strip().lower(): "".join(value.split()) for name, sign, value in pairs if sign}


def _key_bytes(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return text.encode()


def _within(one: str, other: str) -> bool:
    return one == other or one.endswith(f".{other}") or other.endswith(f".{one}")


def _txt(name: str, text: str) -> str:
    return f"the record: {Record(name, text).zone_line()}"


def _unanswered(about: str, name: str) -> Finding:
    return Finding(about, "unknown", f"The DNS did not answer about {name}.", "Ask again when the network allows it.")


def _nobody_to_ask(name: str, kind: str) -> list[str]:
    raise Unanswered(f"{name}: this machine knows no DNS server")


def _ask(asked: dns.resolver.Resolver, name: str, kind: str) -> list[str]:
    try:
        answer = asked.resolve(name, kind, search=False, raise_on_no_answer=False)
    except dns.resolver.NXDOMAIN:
        return []
    except (dns.exception.DNSException, OSError) as error:
        raise Unanswered(f"{name}: {type(error).__name__}") from error
    if kind != "TXT":
        return [data.to_text() for data in answer]
    return [b"".join(data.strings).decode("utf-8", "replace") for data in answer]
