"""What was learned of the reader whose token is shown: their list with its reasons, their profile, and edits of it."""

from datetime import date, datetime
from typing import Any, Literal

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router, Schema
from pydantic import ConfigDict, Field

from broadsheet.api import acts
from broadsheet.api.auth import reader_for
from broadsheet.api.errors import ApiError
from broadsheet.api.v1 import schemas, shapes
from broadsheet.api.v1.answers import ACT, OWN
from broadsheet.foryou import editing, rank, signals
from broadsheet.foryou import terms as all_terms
from broadsheet.foryou.portrait import portrait
from broadsheet.lib.clock import now
from broadsheet.readers.models import Reader

router = Router(tags=["me"])


class Wanted(Schema):
    """How much of the list is wanted."""

    skip: int = Field(0, ge=0, le=rank.LENGTH)
    limit: int = Field(20, ge=1, le=rank.LENGTH)


class ForYouPlace(schemas.Place):
    """A paper's place in the list, with how likely the reader would save it."""

    chance: float | None = Field(description="From 0 to 1; null where nothing was learned yet.")


class ForYou(Schema):
    """One reader's list of the newest edition day."""

    day: date | None
    state: str = Field(description="profile: learned; follows or trending: until there is something to learn from.")
    ranker: str = Field(description="Name and version of what ordered it.")
    papers: list[ForYouPlace]


class Example(Schema):
    """A paper that is learned from; or words, or a list, with a negative number."""

    number: int
    key: str
    title: str
    sources: list[str] = Field(description="vote, save, seed, more, less, opened, follow, wish")
    weight: float = Field(description="As the reader set it; 1 is as learned.")
    trust: float = Field(description="How much it counts.")


class Interest(Schema):
    """One of the reader's interests."""

    anchor: int = Field(description="By which it is edited.")
    name: str
    named: bool = Field(description="The reader gave the name.")
    words: list[str]
    weight: float
    share: float = Field(description="Of all that is liked, 0 to 1.")
    papers: list[Example] = Field(description="The most typical first.")


class Word(Schema):
    """A word or a pair of words, with the points that it gives."""

    term: str
    shown: str
    points: float


class Removed(Schema):
    """What counts for nothing by the reader's wish."""

    name: str = Field(description="Of the interest that was deleted; nothing for a single paper.")
    at: datetime
    papers: list[Example]


class Profile(Schema):
    """All that was learned of the reader; docs/profile.md tells more."""

    form: str
    interests: list[Interest]
    doubted: list[Example] = Field(description="Trusted less, since the others do not point there.")
    up: list[Word]
    down: list[Word]
    dislikes: list[Example]
    muted: list[str]
    removed: list[Removed]
    wishes: list[str]
    seeds: list[tuple[str, int]] = Field(description="Papers that were named, by origin.")
    follows: list[Example]
    mine: float
    width: float
    days: int
    opens: bool
    examples: int
    older: int = Field(description="Papers that are too old to count.")
    learned: datetime | None
    ranker: str
    background: str
    chances: list[tuple[float, float]] = Field(description="Points, and the chance of saving there.")


class LikeTerm(Schema):
    """What a score would lose without one example."""

    number: int
    points: float


class WordTerm(Schema):
    """What a word gives to a score."""

    term: str
    points: float


class Why(Schema):
    """The whole sum of a score: meaning + words + marks + level = points. Likes overlap and do not add up."""

    key: str
    points: float
    chance: float
    meaning: float
    words: float
    marks: float
    level: float
    own: bool = Field(description="The paper is itself learned from.")
    by_word: list[WordTerm]
    by_like: list[LikeTerm]


class OpinionWanted(Schema):
    """More like it, or less."""

    model_config = ConfigDict(extra="forbid")

    more: bool


class OpinionMark(Schema):
    """What the reader wants of a paper's kind; null for nothing said."""

    key: str
    more: bool | None


class Tune(Schema):
    """A change of the profile."""

    model_config = ConfigDict(extra="forbid")

    kind: Literal["paper", "word", "interest"]
    value: str = Field(
        min_length=1,
        max_length=signals.LONGEST_VALUE,
        pattern=schemas.PLAIN,
        description="The number of an example, a term, or the anchor of an interest.",
    )
    weight: float = Field(
        1.0, ge=0, le=signals.HEAVIEST, description="1 is as learned, and takes a change back; 0 counts for nothing."
    )
    name: str = Field("", max_length=signals.LONGEST_NAME, pattern=schemas.PLAIN, description="Of an interest.")


class Tuned(Schema):
    """What stands now."""

    kind: str
    value: str
    weight: float
    name: str


def _mine(request: HttpRequest, response: HttpResponse) -> Reader:
    response["Cache-Control"] = "private, no-store"
    return reader_for(request, "read")


@router.get("me/foryou", response={200: ForYou, **OWN}, summary="My list")
def show(request: HttpRequest, response: HttpResponse, asked: Query[Wanted]) -> ForYou:
    """Give the reader's list of today with its reasons; what is given counts as shown, and is not given tomorrow."""
    reader, moment = _mine(request, response), now()
    found = rank.list_for(reader, moment)
    places = found.places(asked.skip, asked.limit)
    rank.show(reader, found, places, moment)
    told = shapes.places(rank.as_entries(reader, places), request)
    chances = [place.chance for place in places]
    papers = [ForYouPlace(**dict(one), chance=chance) for one, chance in zip(told, chances, strict=True)]
    return ForYou(day=found.day, state=found.state, ranker=found.ranker, papers=papers)


@router.get("me/profile", response={200: Profile, **OWN}, summary="My profile")
def profile(request: HttpRequest, response: HttpResponse) -> dict[str, Any]:
    """Give what was learned of the reader: interests with their examples, words with points, edits, chances."""
    return editing.as_json(portrait(_mine(request, response)))


@router.get("me/why/{path:id}", response={200: Why, **OWN}, summary="Why a paper suits me")
def why(request: HttpRequest, response: HttpResponse, id: schemas.PaperId) -> Why:
    """Give the whole sum behind a paper's score. 404 too where nothing is known of the reader yet."""
    reader = _mine(request, response)
    paper = shapes.known(id)
    terms = all_terms.of(reader, paper)
    if terms is None:
        raise ApiError(404, "Nothing was learned of you yet. Vote for a few papers, or say what interests you.")
    plain = ("points", "chance", "meaning", "marks", "level", "own")
    return Why(
        key=paper.key,
        words=terms.worded,
        by_word=[WordTerm(term=term, points=points) for term, points in terms.words],
        by_like=[LikeTerm(number=number, points=points) for number, points in terms.likes],
        **{name: getattr(terms, name) for name in plain},
    )


@router.put("me/opinions/{path:id}", response={200: OpinionMark, **ACT}, summary="More or less like a paper")
def opine(request: HttpRequest, id: schemas.PaperId, wanted: OpinionWanted) -> OpinionMark:
    """Say that the reader wants more, or less, like a paper; the later word counts."""
    reader, moment = reader_for(request, "write"), now()
    acts.must_be_few("save", reader, moment)
    paper = shapes.known(id)
    signals.opine(reader, paper, wanted.more, "list", moment)
    return OpinionMark(key=paper.key, more=wanted.more)


@router.delete("me/opinions/{path:id}", response={200: OpinionMark, **ACT}, summary="Take an opinion back")
def take_back(request: HttpRequest, id: schemas.PaperId) -> OpinionMark:
    """Forget what the reader said of a paper; without a word nothing changes."""
    reader = reader_for(request, "write")
    acts.must_be_few("save", reader, now())
    paper = shapes.known(id)
    signals.take_back(reader, paper)
    return OpinionMark(key=paper.key, more=None)


@router.put("me/tune", response={200: Tuned, **ACT}, summary="Change my profile by hand")
def tune(request: HttpRequest, wanted: Tune) -> Tuned:
    """Let a paper or a word count for nothing, weigh or rename an interest; an interest of weight 0 is deleted."""
    reader = reader_for(request, "write")
    acts.must_be_few("save", reader, now())
    _tune(reader, wanted, now())
    return Tuned(kind=wanted.kind, value=wanted.value, weight=wanted.weight, name=wanted.name)


def _tune(reader: Reader, wanted: Tune, moment: datetime) -> None:
    if wanted.kind == "interest":
        editing.tune_interest(reader, wanted.value, wanted.weight, wanted.name, moment)
    else:
        signals.tune(reader, wanted.kind, wanted.value, wanted.weight, "", moment)
