"""What goes in and out of the API: every field with its meaning, as the OpenAPI document tells it."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Annotated, Any, Final, Literal

from ninja import Schema
from ninja.params.functions import Path
from pydantic import ConfigDict, Field

LONGEST_KEY: Final = 500
LONGEST_LIST: Final = 300
LONGEST_QUERY: Final = 1000
# No database keeps a NUL, and no name or query holds other control characters.
PLAIN: Final = r"^[^\x00-\x1f\x7f]*$"
LARGEST_NUMBER: Final = 2**62

PaperId = Annotated[
    str,
    Path(
        min_length=1,
        max_length=LONGEST_KEY,
        pattern=PLAIN,
        description="The paper's key, or any other name it has: an arXiv id, with or without version, or a DOI.",
    ),
]
ListKey = Annotated[
    str,
    Path(
        min_length=1,
        max_length=LONGEST_LIST,
        pattern=PLAIN,
        description="The key of a list, such as category/cs.CL, author/Ada Lovelace, search/long context, "
        "like/long context or similar/2405.12345.",
    ),
]
EditionKey = Annotated[
    str,
    Path(
        min_length=1,
        max_length=20,
        pattern=PLAIN,
        description="A day (2024-05-27), an ISO week (2024-W22), a month (2024-05), or trending.",
    ),
]


EditionKind = Literal["day", "week", "month", "trending"]
EditionState = Literal["open", "closed", "holiday", "waiting", "empty"]
DayState = Literal["failed", "partial", "waiting", "late", "complete", "holiday"]
CommentState = Literal["shown", "deleted", "removed"]


class Error(Schema):
    """What went wrong, in one sentence for people."""

    error: str = Field(description="What was wrong and what to do.")


class Page(Schema):
    """Which part of a list is wanted."""

    limit: int = Field(50, ge=1, le=100, description="How many items at most.")
    cursor: str = Field("", max_length=600, pattern=PLAIN, description="Where to go on: `cursor` of `next`, unchanged.")


class Author(Schema):
    """An author as the paper names them."""

    name: str
    affiliation: str
    orcid: str


class Link(Schema):
    """A link of a paper, with who gave it."""

    kind: str = Field(description="code, project, model, data or demo.")
    url: str
    added_by: str = Field(description="The handle of the reader who added it; empty where a source gave it.")


class Votes(Schema):
    """Votes and comments, here and elsewhere."""

    votes: int = Field(description="Here and elsewhere together.")
    votes_here: int
    votes_outside: int
    comments: int
    stars: int = Field(description="Stars of its code.")


class Paper(Schema):
    """A paper as the record has it."""

    key: str = Field(description="Its public id: the arXiv id where it has one.")
    url: str = Field(description="Its page at this site.")
    title: str = Field(description="With its TeX.")
    abstract: str = Field(description="With its TeX.")
    authors: list[Author]
    categories: list[str] = Field(description="The primary one first.")
    identifiers: list[str] = Field(description="Every name it has, as scheme:value.")
    submitted: datetime | None
    announced: date | None = Field(description="The edition day.")
    announced_by: str = Field(description="How that is known: feed, listing, estimate, or empty.")
    version: int = Field(description="The version of the texts; 0 where no source says.")
    withdrawn: bool
    remarks: str = Field(description="The authors' comments, such as the number of pages.")
    journal_ref: str
    licence: str
    source: str = Field(description="The source of the texts.")
    links: list[Link]
    abs: str = Field(description="Its page at arXiv; empty where it is not there.")
    pdf: str
    given: Votes
    first_seen: datetime = Field(description="When this site met it.")
    seq: int = Field(description="The number of its newest change, as in the export.")


class Version(Schema):
    """A version of a paper."""

    number: int
    submitted: datetime | None


class Versions(Schema):
    """The versions of a paper, the first one first."""

    key: str
    versions: list[Version]


class Place(Schema):
    """A paper's place in a list, and why it stands there."""

    rank: int
    paper: Paper
    late: bool = Field(description="It joined the edition after that was closed.")
    why: Mapping[str, Any] = Field(description="The terms of the order, by name.")
    reasons: list[str] = Field(description="The same in sentences.")


class Listing(Schema):
    """A list of papers."""

    key: str
    title: str
    url: str
    papers: list[Place]
    next: str | None = Field(description="The address of the next page; null at the end.")


class Edition(Schema):
    """The edition of a day, a week or a month, or the hot list."""

    key: str
    kind: EditionKind
    state: EditionState
    total: int
    earlier: str = Field(description="The key of the one before that holds papers; empty at the end.")
    later: str
    papers: list[Place]
    next: str | None = Field(description="The address of the next page; null at the end.")


class Day(Schema):
    """A day with an edition."""

    key: str
    papers: int
    state: Literal["open", "closed"]


class Days(Schema):
    """Days with editions, the newest first."""

    days: list[Day]
    next: str | None


class Run(Schema):
    """A piece of a text; highlight where a word of the query stands."""

    type: Literal["text", "highlight"]
    text: str


class Hit(Schema):
    """A paper found."""

    rank: int
    block: Literal["words", "meaning", ""] = Field(description="Found by all its words, or by its meaning.")
    score: float = Field(description="Higher is better; comparable inside one block of one answer.")
    why: Mapping[str, Any]
    reasons: list[str]
    highlighted_title: list[Run]
    highlighted_abstract: list[Run] = Field(description="Round the place where most of the words stand.")
    paper: Paper


class Found(Schema):
    """The answer to a search."""

    query: str
    mode: Literal["page", "hybrid", "lexical", "semantic"]
    total: int = Field(description="All that matched, where that is known.")
    partial: bool = Field(description="A part of the index did not answer.")
    notes: list[str] = Field(description="What a reader should know, such as that there is no search by meaning.")
    names: str = Field(description="The key of the paper that the query names by an identifier; empty where none.")
    hits: list[Hit]


class Similar(Schema):
    """The papers nearest to one."""

    key: str
    hits: list[Hit]


class Comment(Schema):
    """A comment, with where it stands in its thread."""

    id: int
    parent: int | None
    author: str = Field(description="The handle; empty where the account is gone.")
    text: str = Field(description="Markdown; empty where it is not shown any more.")
    state: CommentState
    written: datetime
    edited: datetime | None


class Comments(Schema):
    """The discussion of a paper: each comment before those that answer it."""

    key: str
    comments: list[Comment]
    next: str | None


class Change(Schema):
    """An entry of the change log."""

    seq: int
    kind: str = Field(description="insert, revise, withdraw, restore, link or vector.")
    source: str
    at: datetime
    old: Mapping[str, Any] = Field(description="What the changed fields held before.")


class History(Schema):
    """What became of a paper, the newest change first."""

    key: str
    changes: list[Change]
    next: str | None


class Category(Schema):
    """A category and its papers in the last days."""

    code: str
    papers: int


class Categories(Schema):
    """The categories of the newest editions, the largest first."""

    since: date | None = Field(description="The first day that was counted.")
    categories: list[Category]


class Check(Schema):
    """One thing that was looked at."""

    name: str
    ok: bool
    says: str
    do: str = Field(description="What to do where it is not well.")
    vital: bool = Field(description="Readers are not served as they should be while it is not well.")


class Health(Schema):
    """Whether all is well."""

    ok: bool
    version: str
    papers: int
    newest: date | None
    seq: int = Field(description="The number of the newest change.")
    checks: list[Check]


class Part(Schema):
    """What one source gave for a day."""

    source: str
    part: str
    state: str
    expected: int | None
    came: int
    says: str


class DayHealth(Schema):
    """A day, as good as its worst part."""

    day: date
    state: DayState
    papers: int
    parts: list[Part]


class Completeness(Schema):
    """How complete the last days are, the newest first."""

    days: list[DayHealth]


class Source(Schema):
    """A source that is harvested."""

    name: str
    state: str = Field(description="never, running, done or failed.")
    succeeded: datetime | None
    says: str


class Sources(Schema):
    """The sources of this site, in the order of the settings."""

    sources: list[Source]


class Me(Schema):
    """The reader whose token was shown."""

    handle: str
    name: str
    about: str
    role: str
    state: str
    joined: datetime
    orcid: str
    standing: float = Field(description="What a vote of theirs weighs, from 0 to 1.")
    scopes: list[str] = Field(description="What the token may do; empty without one.")


class MePatch(Schema):
    """What a reader may change of the profile; what is left out stays."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(default="", min_length=1, max_length=80, pattern=PLAIN)
    about: str = Field(default="", max_length=2000, pattern=r"^[^\x00]*$")


class Given(Schema):
    """A paper that a reader voted for or saved, and when."""

    at: datetime
    paper: Paper


class GivenPage(Schema):
    """Papers a reader voted for or saved, the latest first."""

    papers: list[Given]
    next: str | None


class Mark(Schema):
    """How one thing stands now."""

    key: str
    on: bool
    votes: int | None = Field(description="The votes of the paper, where it is about a vote.")


class FollowPatch(Schema):
    """What a reader wants of a list they follow; what is left out stays."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(
        default="", max_length=80, pattern=PLAIN, description="What the reader calls it; nothing for its own name."
    )
    in_digest: bool = Field(default=True, description="Its papers come with digests of what the reader follows.")
    alert: bool = Field(default=False, description="New papers are also told at once, as a notification.")


class Follow(Schema):
    """A list that a reader follows."""

    key: str
    name: str = Field(description="What the reader calls it; nothing for its own name.")
    in_digest: bool = Field(description="Its papers come with digests of what the reader follows.")
    alert: bool = Field(description="New papers are also told at once, as a notification.")


class Follows(Schema):
    """The lists a reader follows, the latest followed first."""

    lists: list[Follow]
