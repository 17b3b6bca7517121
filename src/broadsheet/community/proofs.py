"""What proves that a reader wrote a paper: what registries say of an ORCID iD, or an address at the author's place."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Final

from allauth.account.models import EmailAddress
from django.conf import settings

from broadsheet.community.models import Organisation
from broadsheet.lib.text import fold, title_key
from broadsheet.papers.models import Paper
from broadsheet.papers.outside import http as site_http
from broadsheet.readers.models import Reader
from broadsheet.record.linkage import family_name
from broadsheet.sources import orcid
from broadsheet.sources.batch import SourceError
from broadsheet.sources.names import SUFFIXES

# Weakest first. A curator looks at what there is; an address shows where somebody works, not who they are.
STRENGTH: Final = ("", "email", "curator", "orcid")
TIMEOUT: Final = 10.0
PATIENCE: Final = 10.0


@dataclass(frozen=True, slots=True)
class Proof:
    """kind: orcid, email, or "" for none. evidence: what it rests on, or what was seen besides, for a curator."""

    kind: str = ""
    evidence: dict[str, str] = field(default_factory=dict)


def stronger(one: str, other: str) -> bool:
    """Tell whether one kind of proof is stronger than another."""
    return STRENGTH.index(one) > STRENGTH.index(other)


def prove(reader: Reader, paper: Paper, position: int) -> Proof:
    """Look for the strongest proof that the reader is the author at that place of the paper.

    May ask ORCID over the network, so it is not to be called inside a transaction. A network that is down proves
    nothing and is not an error.
    """
    author = paper.authors[position]
    named = is_name_of(reader.name, author["name"])
    by_orcid = _by_orcid(reader, paper, author.get("orcid", ""), named)
    if by_orcid.kind:
        return by_orcid
    by_mail = _by_mail(reader, paper, author.get("affiliation", "")) if named else Proof()
    return Proof(by_mail.kind, by_orcid.evidence | by_mail.evidence)


def _by_orcid(reader: Reader, paper: Paper, told: str, named: bool) -> Proof:
    if not reader.orcid:
        return Proof()
    if told:
        # The paper's own record says who this author is: it is not asked again elsewhere.
        same = told == reader.orcid
        return Proof("orcid", {"orcid": told, "says": "paper"}) if same else Proof("", {"author_orcid": told})
    return _by_works(reader, paper, named)


def _by_works(reader: Reader, paper: Paper, named: bool) -> Proof:
    """Look for the paper among the works of the reader's ORCID record.

    Everybody may put any work into their own record: only what a publisher or registry put there is a proof, and only
    with the author's name, as it does not say which of the authors the person is.
    """
    http = replace(site_http(), tries=1, patience=PATIENCE)
    try:
        found = orcid.works(http, reader.orcid, base=settings.CONFIG.orcid_url, timeout=TIMEOUT)
    except SourceError:
        return Proof("", {"orcid": reader.orcid, "says": "no answer"})
    known = set(paper.identifiers.values_list("name", flat=True))
    holding = [work for work in found if known & {str(name) for name in work.identifiers}]
    vouched = next((work for work in holding if work.vouched), None)
    if vouched and named:
        return Proof("orcid", {"orcid": reader.orcid, "says": "works", "by": vouched.by[:200]})
    said = "works, other name" if vouched else "works, by themselves" if holding else "not among works"
    return Proof("", {"orcid": reader.orcid, "says": said})


def _by_mail(reader: Reader, paper: Paper, affiliation: str) -> Proof:
    domains = verified_domains(reader)
    if not domains:
        return Proof()
    for organisation in _organisations(paper, affiliation):
        if domain := within(domains, organisation.domains):
            return Proof("email", {"domain": domain, "organisation": organisation.slug})
    return Proof()


def _organisations(paper: Paper, affiliation: str) -> list[Organisation]:
    """The organisations a paper comes from: as a curator says, or as the source says beside the author's name.

    What other members say is not asked: somebody could bring a paper to their organisation and then claim it.
    """
    found = [
        row.organisation
        for row in paper.affiliations.select_related("organisation", "by").order_by("id")
        if row.by and row.by.may("curator")
    ]
    words = f" {_words(affiliation)} "
    if words.strip():
        known = Organisation.objects.exclude(domains=[]).order_by("id")
        found += [one for one in known if (name := _words(one.name)) and f" {name} " in words]
    return found


def _words(text: str) -> str:
    return " ".join("".join(char if char.isalnum() else " " for char in fold(text)).split())


def verified_domains(reader: Reader) -> set[str]:
    """The domains of the addresses that a reader has shown to be theirs."""
    addresses = EmailAddress.objects.filter(user=reader, verified=True).values_list("email", flat=True)
    return {address.rpartition("@")[2].lower() for address in addresses}


def within(domains: Iterable[str], confirmed: Iterable[str]) -> str:
    """Give the first confirmed domain that one of the domains is, or lies in; "" where none is."""
    ours = [f".{domain}" for domain in domains]
    return next((domain for domain in confirmed if any(one.endswith(f".{domain}") for one in ours)), "")


def is_name_of(reader: str, author: str) -> bool:
    """Tell whether a reader's name may be an author's: the same family name, and first initials that agree."""
    ours, theirs = _parts(reader), _parts(author)
    return bool(ours[0]) and ours == theirs


def _parts(name: str) -> tuple[str, str]:
    """The folded family name, and the first letter of the given names."""
    if "," in name:
        given = name.partition(",")[2]
        family = name.partition(",")[0]
    else:
        words = _without_suffix(name.split())
        given, family = " ".join(words[:-1]), " ".join(words[-1:])
    return family_name(family), title_key(given)[:1]


def _without_suffix(words: Iterable[str]) -> list[str]:
    kept = list(words)
    while len(kept) > 2 and kept[-1].lower() in SUFFIXES:
        kept.pop()
    return kept
