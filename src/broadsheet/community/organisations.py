"""Organisations: groups that papers come from, the readers who belong to them, and the papers that are theirs."""

import re
from collections.abc import Iterable
from datetime import datetime
from typing import Final

from django.db import IntegrityError, transaction
from django.db.models import Count, F, QuerySet
from django.utils.text import slugify
from django.utils.translation import gettext as _

from broadsheet.community import claims, placing
from broadsheet.community.given import line, passage
from broadsheet.community.links import check_url
from broadsheet.community.models import Affiliation, Membership, Organisation
from broadsheet.community.proofs import verified_domains, within
from broadsheet.lib.text import title_key
from broadsheet.papers.models import Paper
from broadsheet.readers import accounts
from broadsheet.readers.models import Reader
from broadsheet.readers.refused import Refused

LONGEST_NAME: Final = 120
LONGEST_ABOUT: Final = 2000
LONGEST_SLUG: Final = 54
MOST_DOMAINS: Final = 20
MOST_SLUGS: Final = 1000

_DOMAIN: Final = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+(?:[a-z]{2,63}|xn--[a-z0-9-]{1,59})", re.ASCII)
# Everybody can have an address there, so it tells nothing of where somebody works.
_OPEN_TO_ALL: Final = frozenset(
    (
        "gmail.com", "googlemail.com", "outlook.com", "hotmail.com", "live.com", "msn.com", "yahoo.com", "icloud.com",
        "me.com", "mac.com", "aol.com", "proton.me", "protonmail.com", "pm.me", "gmx.de", "gmx.net", "gmx.com",
        "web.de", "mail.ru", "yandex.ru", "yandex.com", "qq.com", "163.com", "126.com", "foxmail.com", "sina.com",
        "naver.com", "zoho.com", "fastmail.com", "hey.com", "tutanota.com", "mailinator.com",
    )
)  # fmt: skip
# Letters of other scripts that look like Latin ones: a name written with them is taken for the Latin one.
_LOOKALIKES: Final = str.maketrans(
    "авеѕіјкмнорстухԁԛԝһ" "αβεηικνορτυχγ" "ӏ",
    "abesijkmhopctyxdqwh" "abenikvoptuxy" "l",
)  # fmt: skip


def found(by: Reader, name: str, url: str, domains: Iterable[str], about: str, *, now: datetime) -> Organisation:
    """Found an organisation, as a curator. domains: of its mail addresses. Raises Refused."""
    if not by.may("curator"):
        raise Refused(_("Curators found organisations; please ask one of them."))
    values = {
        "name": _new_name(name), "url": check_url(url) if url.strip() else "", "about": passage(about, LONGEST_ABOUT),
        "domains": check_domains(domains), "made_by": by, "made": now,
    }  # fmt: skip
    for slug in _slugs(str(values["name"])):
        try:
            with transaction.atomic():
                return Organisation.objects.create(slug=slug, **values)
        except IntegrityError:
            continue
    raise Refused(_("There are too many organisations of that name."))


def _new_name(text: str, but: int | None = None) -> str:
    name = accounts.check_name(line(text, LONGEST_NAME))
    key = likeness(name)
    if not key:
        raise Refused(_("Please give the organisation a name with letters."))
    for other in Organisation.objects.only("name").iterator():
        if other.pk != but and likeness(other.name) == key:
            raise Refused(_("There is “%(name)s” already.") % {"name": other.name})
    return name


def likeness(name: str) -> str:
    """Give what two names have in common that a reader could take for each other."""
    return title_key(title_key(name).translate(_LOOKALIKES))


def _slugs(name: str) -> Iterable[str]:
    """Addresses for a name, the plain one first; those that are taken already are left out."""
    base = slugify(name)[:LONGEST_SLUG].strip("-") or "organisation"
    taken = {"new"} | set(Organisation.objects.filter(slug__startswith=base).values_list("slug", flat=True))
    numbered = (base if number == 1 else f"{base}-{number}" for number in range(1, MOST_SLUGS))
    return (slug for slug in numbered if slug not in taken)


def change(by: Reader, organisation: Organisation, *, name: str, url: str, domains: Iterable[str], about: str) -> None:
    """Change what is said of an organisation, as a curator; its address stays. Raises Refused."""
    placing.must_be_curator(by)
    organisation.name = _new_name(name, but=organisation.pk)
    organisation.url = check_url(url) if url.strip() else ""
    organisation.about = passage(about, LONGEST_ABOUT)
    organisation.domains = check_domains(domains)
    organisation.save()


def check_domains(domains: Iterable[str]) -> list[str]:
    """Give domains of mail addresses as they are kept. Raises Refused for one that is none or open to everybody."""
    kept = []
    for given in domains:
        text = line(given, 253).lower().removeprefix("@").removesuffix(".")
        if not text:
            continue
        try:
            domain = text.encode("idna").decode()
        except UnicodeError:
            domain = ""
        if not _DOMAIN.fullmatch(domain):
            raise Refused(_("“%(domain)s” is no domain; one looks like lab.example.") % {"domain": text})
        if domain in _OPEN_TO_ALL:
            raise Refused(_("Everybody can have an address at %(domain)s.") % {"domain": domain})
        kept.append(domain)
    if len(kept) > MOST_DOMAINS:
        raise Refused(_("At most %(most)s domains are kept.") % {"most": MOST_DOMAINS})
    return list(dict.fromkeys(kept))


def join(reader: Reader, organisation: Organisation, *, now: datetime) -> Membership:
    """Ask to belong to an organisation; a verified address of its domains confirms at once. Raises Refused."""
    if not reader.is_active:
        raise Refused(_("Your account may not join organisations at the moment."))
    proved = bool(within(verified_domains(reader), organisation.domains))
    values = {"state": "confirmed" if proved else "waiting", "at": now}
    made, fresh = Membership.objects.get_or_create(organisation=organisation, reader=reader, defaults=values)
    if not fresh:
        if not (proved and made.state == "waiting"):
            raise Refused(_("You belong to it already, or have asked to."))
        made.state = "confirmed"
        made.save(update_fields=["state"])
    return made


def confirm(by: Reader, membership: Membership, *, admin: bool = False) -> None:
    """Confirm a member, as a curator or an admin of the organisation; curators name admins. Raises Refused."""
    _must_run(by, membership.organisation)
    if admin and not by.may("curator"):
        raise Refused(_("Only curators name those who run an organisation."))
    # Who is an admin already stays one: to end that, end the membership.
    values: dict[str, object] = {"state": "confirmed"} | ({"admin": True} if admin else {})
    if not Membership.objects.filter(pk=membership.pk).update(**values):
        raise Refused(_("They have left."))
    membership.refresh_from_db()


def dismiss(by: Reader, membership: Membership) -> None:
    """End a membership, or refuse one, as a curator or an admin of the organisation. Raises Refused."""
    _must_run(by, membership.organisation)
    Membership.objects.filter(pk=membership.pk).delete()


def leave(reader: Reader, organisation: Organisation) -> None:
    """Leave an organisation, or take back that one asked to join."""
    Membership.objects.filter(organisation=organisation, reader=reader).delete()


def runs(reader: Reader, organisation: Organisation) -> bool:
    """Whether a reader may confirm members and add any paper: curators, and admins of the organisation."""
    own = Membership.objects.filter(organisation=organisation, reader=reader, state="confirmed", admin=True)
    return reader.may("curator") or (reader.is_active and own.exists())


def _must_run(by: Reader, organisation: Organisation) -> None:
    if not runs(by, organisation):
        raise Refused(_("Only curators and those who run the organisation may do that."))


def may_affiliate(reader: Reader, organisation: Organisation, paper: Paper) -> bool:
    """Whether a reader may say that a paper comes from an organisation: who runs it, members of their own papers."""
    if runs(reader, organisation):
        return True
    member = Membership.objects.filter(organisation=organisation, reader=reader, state="confirmed").exists()
    return reader.is_active and member and reader.pk in claims.authors_of([paper.id]).get(paper.id, ())


def affiliate(by: Reader, organisation: Organisation, paper: Paper, *, now: datetime) -> Affiliation:
    """Say that a paper comes from an organisation. Raises Refused."""
    if not may_affiliate(by, organisation, paper):
        raise Refused(_("Members may add papers that they have claimed; those who run the organisation any."))
    placing.must_be_shown(paper)
    made, fresh = Affiliation.objects.get_or_create(
        organisation=organisation, paper=paper, defaults={"by": by, "at": now}
    )
    if not fresh:
        raise Refused(_("This paper stands there already."))
    return made


def withdraw(by: Reader, organisation: Organisation, paper: Paper) -> None:
    """Say that a paper does not come from an organisation after all. Raises Refused."""
    if not may_affiliate(by, organisation, paper):
        raise Refused(_("Only those who may add this paper may take it away."))
    Affiliation.objects.filter(organisation=organisation, paper=paper).delete()


def of_papers(numbers: Iterable[int]) -> dict[int, list[Organisation]]:
    """Give the organisations of papers, by the number of the paper."""
    told: dict[int, list[Organisation]] = {}
    rows = Affiliation.objects.filter(paper__in=list(numbers)).select_related("organisation")
    for row in rows.order_by("at", "id"):
        told.setdefault(row.paper_id, []).append(row.organisation)
    return told


def papers(organisation: Organisation) -> QuerySet[Paper]:
    """The papers of an organisation that lists show, the newest first."""
    shown = Paper.objects.filter(affiliations__organisation=organisation, withdrawn=False, hidden=False)
    # PostgreSQL takes a day that is not known for later than all others, if it is not told.
    return shown.order_by(F("announced").desc(nulls_last=True), "-id")


def members(organisation: Organisation) -> QuerySet[Membership]:
    """Who belongs to an organisation or has asked to: those who run it first."""
    return organisation.memberships.select_related("reader").order_by("-admin", "state", "at", "id")


def everyone() -> QuerySet[Organisation]:
    """Every organisation by name, with how many papers it has as `paper_count`."""
    return Organisation.objects.annotate(paper_count=Count("affiliations")).order_by("name", "id")
