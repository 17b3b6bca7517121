"""What a reader typed or pasted, read as one paper: in the record first, then at the source that knows it best."""

from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from io import BytesIO
from typing import Final
from urllib.parse import unquote, urlencode

from django.conf import settings
from django.db.models import Q, QuerySet
from django.urls import reverse
from django.utils.translation import gettext as _

from broadsheet.community.given import passage
from broadsheet.community.models import Submission
from broadsheet.lib.http import Http, HttpError
from broadsheet.papers import queries, schedule, store
from broadsheet.papers.models import Identifier as Named
from broadsheet.papers.models import Paper
from broadsheet.papers.outside import http as site_http
from broadsheet.readers.refused import Refused
from broadsheet.record.identifiers import Identifier, arxiv_month, identify
from broadsheet.record.linkage import same_paper, short_title_key
from broadsheet.record.paper import PaperData, Rejected
from broadsheet.sources import bibtex, doi
from broadsheet.sources.arxiv_api import read_api
from broadsheet.sources.batch import SourceError

# A BibTeX entry with a long abstract has room in it; a page pasted by mistake has not.
LONGEST_GIVEN: Final = 20_000
LONGEST_TITLE: Final = 1000
# What a column of names holds.
LONGEST_NAME: Final = 480
# A reader waits for the answer, and a thread of the site with them.
TIMEOUT: Final = 10.0
PATIENCE: Final = 10.0
MAX_BYTES: Final = 2 << 20
# Best known first: by that name a paper waits.
SCHEMES: Final = ("arxiv", "doi", "openreview", "url", "broadsheet")
SAME_TITLES: Final = 20


@dataclass(frozen=True, slots=True)
class Resolved:
    """The paper that was meant.

    paper: as the record has it, where it has it. waiting: a submission of it that nobody has decided on yet.
    too_old: why its age keeps it out, in a sentence; "" where it does not. Curators may bring it all the same.
    """

    data: PaperData
    paper: Paper | None = None
    waiting: Submission | None = None
    too_old: str = ""


def resolve(given: str, *, now: datetime) -> Resolved:
    """Read an arXiv id, a DOI, an address of a known paper, or one BibTeX entry. Raises Refused.

    A paper of the record is found without asking anybody. Otherwise arXiv or the resolver of DOIs is asked, never the
    address itself that was given. May wait for the network: not to be called inside a transaction.
    """
    text = passage(given, LONGEST_GIVEN)
    if not text:
        raise Refused(_("Please give an arXiv id, a DOI, the address of a paper, or one BibTeX entry."))
    if bibtex.recognises(text.encode(), ""):
        entry = _entry(text, now)
        paper = find(entry)
        return _resolved(entry if paper else _better(entry), paper, now)
    paper = queries.by_key(_key(text))
    return _resolved(store.as_data(paper) if paper else _named(text), paper, now)


def _resolved(data: PaperData, paper: Paper | None, now: datetime) -> Resolved:
    paper = paper or find(data)
    data = store.as_data(paper) if paper else data
    if len(data.title) > LONGEST_TITLE:
        raise Refused(_("The title of this paper is too long to be one."))
    return Resolved(data, paper, waiting_for(data, paper), too_old(data, now))


def _key(text: str) -> str:
    """The key in an address of this site, else the text itself."""
    site = settings.CONFIG.public_url
    if not site or not text.startswith(f"{site}/"):
        return text
    here = f"{site}{reverse('paper', args=['x'])}".removesuffix("x")
    return unquote(text.removeprefix(here))


def _named(text: str) -> PaperData:
    identifier = identify(text)
    if identifier is None or identifier.scheme not in ("arxiv", "doi"):
        raise Refused(
            _(
                "That names no paper we can look up. An arXiv id or address, a DOI, or a pasted BibTeX entry works; "
                "other addresses are not opened."
            )
        )
    try:
        found = _ask(identifier)
    except SourceError:
        raise Refused(
            _("%(where)s gave no answer that can be read. Please try again later, or paste the paper’s BibTeX entry.")
            % {"where": "arXiv" if identifier.scheme == "arxiv" else "doi.org"}
        ) from None
    if found is None:
        raise Refused(_("There is no paper %(name)s. Is there a slip in it?") % {"name": identifier.value[:200]})
    return found


def _entry(text: str, now: datetime) -> PaperData:
    items = list(bibtex.read(BytesIO(text.encode()), "BibTeX", lambda: now))
    if len(items) != 1:
        raise Refused(_("Please paste one BibTeX entry at a time; there are %(count)s.") % {"count": len(items)})
    (item,) = items
    if isinstance(item, Rejected):
        raise Refused(_("The BibTeX entry cannot be read: %(why)s.") % {"why": item.reason[:200]})
    return item


def _better(entry: PaperData) -> PaperData:
    """What the source says of the paper that a pasted entry names; the entry itself where no source can be asked."""
    for name in entry.identifiers:
        if name.scheme in ("arxiv", "doi"):
            with suppress(SourceError):
                if found := _ask(name):
                    return found
                raise Refused(
                    _("The entry names %(name)s, and there is no such paper. Is there a slip in it?")
                    % {"name": name.value[:200]}
                )
    return entry


def _ask(name: Identifier) -> PaperData | None:
    http = _hurried(site_http())
    if name.scheme == "arxiv":
        return _from_arxiv(http, name)
    return doi.fetch(http, name, base=settings.CONFIG.doi_url, timeout=TIMEOUT)


def _hurried(http: Http) -> Http:
    return replace(http, tries=1, patience=PATIENCE)


def _from_arxiv(http: Http, name: Identifier) -> PaperData | None:
    url = f"{settings.CONFIG.arxiv_api_url}?{urlencode({'id_list': name.value, 'max_results': 1})}"
    try:
        page = read_api(
            http.get(url, timeout=TIMEOUT, max_bytes=MAX_BYTES, accept=(400,)), holidays=schedule.holidays()
        )
    except HttpError as error:
        raise SourceError(str(error), error.permanent) from error
    papers = [item for item in page.items if isinstance(item, PaperData) and name in item.identifiers]
    if not papers and page.items:
        raise SourceError(f"arXiv's answer for {name.value} cannot be read")
    return papers[0] if papers else None


def find(data: PaperData) -> Paper | None:
    """Find the paper of the record that this is, by its names or its title. Raises Refused where they name two."""
    rows = Named.objects.filter(name__in=[str(name) for name in _names(data)]).select_related("paper")
    # An address may be that of a whole conference: it names a paper only where the titles agree.
    key = short_title_key(data.title)
    found = {row.paper_id: row.paper for row in rows if not row.name.startswith("url:") or row.paper.title_key == key}
    if len(found) > 1:
        raise Refused(
            _("That names several papers we have: %(keys)s. Please give the one you mean.")
            % {"keys": ", ".join(paper.key for paper in found.values())}
        )
    if found:
        return next(iter(found.values()))
    alike = Paper.objects.filter(title_key=key).order_by("id")[:SAME_TITLES] if data.title else []
    return next((paper for paper in alike if same_paper(store.as_data(paper), data)), None)


def _names(data: PaperData) -> list[Identifier]:
    return [name for name in data.identifiers if len(name.value) <= LONGEST_NAME]


def names(data: PaperData) -> list[str]:
    """The names by which a paper may wait, the best known first; the key of its title where it has none."""
    known = sorted(_names(data), key=lambda name: SCHEMES.index(name.scheme))
    return [str(name) for name in known] or [f"title:{short_title_key(data.title)}"]


def waiting_for(data: PaperData, paper: Paper | None) -> Submission | None:
    """Find the submission of a paper that nobody has decided on yet."""
    return of(data, paper).filter(state="waiting").first()


def of(data: PaperData, paper: Paper | None) -> QuerySet[Submission]:
    """The submissions of a paper, under whatever name."""
    wanted = Q(name__in=names(data))
    return Submission.objects.filter(wanted | Q(paper=paper) if paper else wanted)


def too_old(data: PaperData, now: datetime) -> str:
    """Say why a paper's age keeps it out, "" where it does not; a paper whose age is not known is never too old."""
    most: int = settings.CONFIG.submission_days
    day = _day(data)
    if not most or day is None or day >= now.date() - timedelta(days=most):
        return ""
    return _("This paper is of %(day)s; papers brought in here are at most %(days)s days old.") % {
        "day": day.isoformat(),
        "days": most,
    }


def _day(data: PaperData) -> date | None:
    if data.submitted:
        return data.submitted.date()
    if data.announced:
        return data.announced
    months = [arxiv_month(name.value) for name in data.identifiers if name.scheme == "arxiv"]
    # The last moment of the month that the id names, so that none is older than it may be.
    return _last_day(months[0]) if months else None


def _last_day(month: str) -> date:
    first = date.fromisoformat(f"{month}-01")
    return (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)
