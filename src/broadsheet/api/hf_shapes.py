"""Papers in the shape that programs written for Hugging Face's Daily Papers read.

Everything stands twice in an item of a list, as those programs look in either place. What has no value is absent, never
null; moments are UTC with a Z.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Any, Final
from urllib.parse import quote, urlsplit

from django.conf import settings
from django.db import connection
from django.http import HttpRequest

from broadsheet.api import object_ids
from broadsheet.community import links, marks, organisations
from broadsheet.community.models import AddedLink, Affiliation, Claim, Comment, Organisation, Submission
from broadsheet.editions.order import newest_day
from broadsheet.export.address import absolute
from broadsheet.papers.models import Change, Paper
from broadsheet.readers.models import Reader
from broadsheet.record.identifiers import BadIdentifier, arxiv_id
from broadsheet.record.paper import Account, Listing
from broadsheet.record.wire import listing_from_json

Shape = dict[str, Any]

UNLISTED: Final = Listing()
# The kinds of links that name repositories, with how their addresses on the hub begin and what the answers call them.
LINKED: Final = (("model", "", "Models"), ("data", "datasets/", "Datasets"), ("demo", "spaces/", "Spaces"))
HUB: Final = ("huggingface.co", "www.huggingface.co", "hf.co")
GITHUB: Final = ("github.com", "www.github.com")


@dataclass(frozen=True, slots=True)
class Around:
    """What is told of a page of papers beside their rows, read for all of them together.

    base: the address of this site, without a slash at its end. submitters, organisations, links: by paper.
    claims: the confirmed ones, by paper and place. taking_part: papers on which an author comments.
    withdrawn: when papers were withdrawn, where that is known.
    """

    base: str
    submitters: Mapping[int, Reader]
    organisations: Mapping[int, Sequence[Organisation]]
    links: Mapping[int, Sequence[AddedLink]]
    claims: Mapping[int, Mapping[int, Claim]]
    taking_part: frozenset[int]
    withdrawn: Mapping[int, datetime]


@dataclass(frozen=True, slots=True)
class Linked:
    """A paper's links, sorted: its project page, its code at GitHub with who added that, and repositories by kind."""

    project: str
    code: str
    code_by: str
    repositories: Mapping[str, Sequence[str]]


def around(papers: Sequence[Paper], request: HttpRequest) -> Around:
    """Read what is told of these papers; the number of queries does not grow with theirs."""
    numbers = [paper.id for paper in papers]
    given = _given(numbers)
    claims = _claims(numbers) if "claims" in given else {}
    return Around(
        base=absolute("", request),
        submitters=marks.submitters(numbers) if "submitters" in given else {},
        organisations=organisations.of_papers(numbers) if "organisations" in given else {},
        links=links.of_papers(numbers) if "links" in given else {},
        claims=claims,
        taking_part=_taking_part(claims, papers),
        withdrawn=_withdrawn([paper.id for paper in papers if paper.withdrawn]),
    )


_GIVEN: Final = {"claims": Claim, "submitters": Submission, "organisations": Affiliation, "links": AddedLink}


def _given(numbers: Sequence[int]) -> set[str]:
    """Say which kinds of things readers gave to any of these papers."""
    if not numbers:
        return set()
    # By hand: the ORM takes longer to write these four questions than all the rest of a page takes, and most papers
    # have none of them.
    places = ",".join(["%s"] * len(numbers))
    asked = [
        f"SELECT '{kind}' FROM {table._meta.db_table} WHERE paper_id IN ({places})" for kind, table in _GIVEN.items()
    ]
    with connection.cursor() as cursor:
        cursor.execute(" UNION ".join(asked), list(numbers) * len(asked))
        return {kind for (kind,) in cursor.fetchall()}


def _claims(numbers: Iterable[int]) -> dict[int, dict[int, Claim]]:
    found: dict[int, dict[int, Claim]] = {}
    rows = Claim.objects.filter(paper__in=list(numbers), state="confirmed").select_related("reader")
    for claim in rows.order_by("id"):
        found.setdefault(claim.paper_id, {}).setdefault(claim.position, claim)
    return found


def _taking_part(claims: Mapping[int, Mapping[int, Claim]], papers: Iterable[Paper]) -> frozenset[int]:
    wanted = {paper.id for paper in papers if paper.comments_here and paper.id in claims}
    if not wanted:
        return frozenset()
    authors = {(number, claim.reader_id) for number in wanted for claim in claims[number].values()}
    rows = Comment.objects.filter(paper__in=wanted, state="shown").values_list("paper_id", "author_id").distinct()
    return frozenset(paper for paper, author in rows if (paper, author) in authors)


def _withdrawn(numbers: Sequence[int]) -> dict[int, datetime]:
    if not numbers:
        return {}
    rows = Change.objects.filter(paper__in=numbers, kind="withdraw").order_by("seq")
    return dict(rows.values_list("paper_id", "at"))


def item(paper: Paper, told: Around, day: date | None = None) -> Shape:
    """Give a paper as an item of a list. day: the edition it stands in there; by default the newest it is in."""
    day = day or newest_day(paper)
    listing = _listing(paper)
    inner = _nested(paper, listing, told, day)
    submitter = inner.get("submittedOnDailyBy") or _site(told.base)
    made: Shape = {
        "paper": inner,
        "publishedAt": midnight(day) if day else inner["publishedAt"],
        "title": paper.title,
        "summary": paper.abstract,
        "upvotes": paper.votes,
        "thumbnail": f"{told.base}/thumbnails/{quote(paper.key)}.svg",
        "numComments": paper.comments,
        "submittedBy": {**submitter, **_NOT_TOLD, "name": submitter["user"]},
        "isAuthorParticipating": paper.id in told.taking_part,
        "source": _source(paper),
    }
    for name in _COPIED:
        if name in inner:
            made[name] = inner[name]
    return made


_COPIED: Final = (
    "mediaUrls", "organization", "ai_summary", "ai_keywords", "projectPage", "githubRepo", "githubStars",
)  # fmt: skip
_NOT_TOLD: Final[Shape] = {
    "isHf": False, "isHfAdmin": False, "isMod": False, "followerCount": 0, "isUserFollowing": False
}  # fmt: skip


def flat(paper: Paper, told: Around) -> Shape:
    """Give a paper as the object of its own address."""
    made = _nested(paper, _listing(paper), told, newest_day(paper))
    return made | {"numComments": paper.comments, "source": _source(paper), **repositories(paper, told, "linked")}


def repositories(paper: Paper, told: Around, form: str = "") -> Shape:
    """Give the models, data sets and spaces that are linked. form: "linked" to name them as a paper's object does."""
    named = _linked(paper, _listing(paper), told).repositories
    made: Shape = {}
    for kind, _prefix, name in LINKED:
        made[f"linked{name}" if form else name.lower()] = [
            {"id": one, "author": one.partition("/")[0], "private": False} for one in named[kind]
        ]
        if form:
            made[f"numTotal{name}"] = len(named[kind])
    return made


def _nested(paper: Paper, listing: Listing, told: Around, day: date | None) -> Shape:
    """Give what stands in `paper` of an item, and at the top of a single one."""
    made: Shape = {
        "id": paper.key,
        "authors": _authors(paper, listing, told),
        "publishedAt": _published(paper),
        "title": paper.title,
        "summary": paper.abstract,
        "upvotes": paper.votes,
        "discussionId": listing.discussion or object_ids.paper_id(paper.key),
    }
    if day:
        made["submittedOnDailyAt"] = midnight(day)
    if submitter := told.submitters.get(paper.id):
        made["submittedOnDailyBy"] = reader(submitter, told.base)
    elif listing.submitter:
        made["submittedOnDailyBy"] = _account(listing.submitter, told.base)
    return made | _of_links(paper, listing, told) | _of_listing(paper, listing, told)


def _of_links(paper: Paper, listing: Listing, told: Around) -> Shape:
    found = _linked(paper, listing, told)
    made: Shape = {"projectPage": found.project} if found.project else {}
    if found.code:
        made |= {"githubRepo": found.code, "githubRepoAddedBy": found.code_by}
    # Stars are of the code that a source knows; it may know them without telling which code that is.
    return made | ({"githubStars": paper.stars} if paper.stars else {})


def _of_listing(paper: Paper, listing: Listing, told: Around) -> Shape:
    made: Shape = {
        "ai_summary": listing.summary,
        "ai_keywords": list(listing.keywords),
        "ai_summary_model": listing.summary_by,
        "mediaUrls": list(listing.media),
        "organization": _organisation(paper, listing, told),
        "withdrawnAt": _when_withdrawn(paper, told),
    }
    return {name: value for name, value in made.items() if value}


def _when_withdrawn(paper: Paper, told: Around) -> str:
    if not paper.withdrawn:
        return ""
    return moment(told.withdrawn.get(paper.id) or paper.submitted or paper.first_seen)


def _organisation(paper: Paper, listing: Listing, told: Around) -> Shape | None:
    here = told.organisations.get(paper.id)
    if here:
        return organisation(here[0], told.base)
    if listing.organisation is None:
        return None
    name, full = listing.organisation
    return _organised(object_ids.organisation_id(f"huggingface:{name}"), name, full, told.base)


def organisation(found: Organisation, base: str) -> Shape:
    """Give an organisation."""
    return _organised(object_ids.organisation_id(found.slug), found.slug, found.name, base)


def _organised(number: str, name: str, full: str, base: str) -> Shape:
    picture = _avatar(name, base)
    return {"_id": number, "name": name, "fullname": full or name, "avatar": picture, "avatarUrl": picture}


def _authors(paper: Paper, listing: Listing, told: Around) -> list[Shape]:
    claims, key = told.claims.get(paper.id, {}), paper.key
    made: list[Shape] = [
        {"_id": _author_id(key, place), "name": author["name"], "hidden": False}
        for place, author in enumerate(paper.authors)
    ]
    for one in listing.authors:
        if one.place < len(made) and (one.account or one.status):
            made[one.place] |= _tied(_account(one.account, told.base) if one.account else None, one.status, one.since)
    for place, claim in claims.items():
        # The name besides the place: a later version of the paper may list its authors otherwise.
        if place < len(made) and claim.evidence.get("author", made[place]["name"]) == made[place]["name"][:300]:
            since = claim.decided or claim.at
            made[place] |= _tied(reader(claim.reader, told.base), "claimed_verified", since)
    return made


_author_id = lru_cache(maxsize=20_000)(object_ids.author_id)


def _tied(user: Shape | None, status: str, since: datetime | None) -> Shape:
    told = {"user": user, "status": status, "statusLastChangedAt": moment(since) if since else ""}
    return {name: value for name, value in told.items() if value}


def _linked(paper: Paper, listing: Listing, told: Around) -> Linked:
    """Sort a paper's links: those of sources first, then those of readers, then those that its abstract holds."""
    rows = [
        *((link["kind"], link["url"], listing.code_by or "auto") for link in paper.links),
        *((link.kind, link.url, "user") for link in told.links.get(paper.id, ())),
        *((link["kind"], link["url"], "auto") for link in paper.facts.get("links", ())),
    ]
    if not rows:
        return UNLINKED
    project = next((url for kind, url, _by in rows if kind == "project"), "")
    code, code_by = next(((url, by) for kind, url, by in rows if kind == "code" and _is_at(url, GITHUB)), ("", ""))
    named = {kind: dict.fromkeys(_repository(url, prefix) for given, url, _by in rows if given == kind)
             for kind, prefix, _name in LINKED}  # fmt: skip
    return Linked(project, code, code_by, {kind: [name for name in names if name] for kind, names in named.items()})


UNLINKED: Final = Linked("", "", "", {kind: () for kind, _prefix, _name in LINKED})


def _is_at(url: str, hosts: Sequence[str]) -> bool:
    try:
        return urlsplit(url).hostname in hosts
    except ValueError:
        return False


def _repository(url: str, prefix: str) -> str:
    """Take owner/name out of an address on the hub; "" for any other."""
    if not _is_at(url, HUB):
        return ""
    path = urlsplit(url).path.strip("/")
    parts = path.removeprefix(prefix).split("/") if path.startswith(prefix) else []
    return "/".join(parts[:2]) if len(parts) > 1 and all(parts[:2]) else ""


def reader(found: Reader, base: str) -> Shape:
    """Give a reader of this site."""
    return _user(object_ids.user_id(found.handle), found.handle, found.name, base)


def _account(found: Account, base: str) -> Shape:
    # Not the id of a reader here, who may have the same handle.
    return _user(object_ids.user_id(f"huggingface:{found.handle}"), found.handle, found.name, base)


def _site(base: str) -> Shape:
    """The site itself, where nobody submitted a paper: no reader may have its handle."""
    return _user(object_ids.user_id("broadsheet"), "broadsheet", settings.CONFIG.site_name, base)


def _user(number: str, handle: str, name: str, base: str) -> Shape:
    return {
        "_id": number,
        "avatarUrl": _avatar(handle, base),
        "isPro": False,
        "fullname": name or handle,
        "user": handle,
        "type": "user",
    }


def _avatar(handle: str, base: str) -> str:
    return f"{base}/avatars/{quote(handle)}.svg"


def _listing(paper: Paper) -> Listing:
    return listing_from_json(paper.listing) if paper.listing else UNLISTED


def _source(paper: Paper) -> str:
    try:
        arxiv_id(paper.key)
    except BadIdentifier:
        return paper.source
    return "arxiv"


def _published(paper: Paper) -> str:
    if paper.submitted:
        return moment(paper.submitted)
    return midnight(paper.announced) if paper.announced else moment(paper.first_seen)


def moment(at: datetime) -> str:
    """Write a moment as these programs read it: UTC, three decimals, Z."""
    at = at.astimezone(UTC)
    return f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03}Z"


def midnight(day: date) -> str:
    """Write the first moment of a day, in UTC."""
    return f"{day.isoformat()}T00:00:00.000Z"
