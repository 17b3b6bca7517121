"""What belongs to the reader whose token is shown: profile, votes, follows; the library has its own file."""

from datetime import datetime
from typing import Any, Final

from django.db import transaction
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from ninja import Query, Router

from broadsheet.api import acts
from broadsheet.api.auth import caller_of, reader_for
from broadsheet.api.errors import ApiError
from broadsheet.api.v1 import paging, schemas, shapes
from broadsheet.api.v1.answers import ACT, OWN
from broadsheet.community import given, origins, votes
from broadsheet.community.models import Vote
from broadsheet.editions import named
from broadsheet.editions.named import NoSuchList
from broadsheet.lib.clock import now
from broadsheet.readers import accounts, follows
from broadsheet.readers.follows import Switches
from broadsheet.readers.models import Reader
from broadsheet.readers.network import client_address
from broadsheet.readers.refused import Refused

router = Router(tags=["me"])
LONGEST_ABOUT: Final = 2000


def _private(response: HttpResponse) -> None:
    """What is one reader's own is for nobody's cache."""
    response["Cache-Control"] = "private, no-store"


@router.get("me", response={200: schemas.Me, **OWN}, summary="Who am I?")
def show(request: HttpRequest, response: HttpResponse) -> schemas.Me:
    """Give the profile of the reader, and what the token may do."""
    _private(response)
    return _me(request, reader_for(request, "read"))


def _me(request: HttpRequest, reader: Reader) -> schemas.Me:
    token = caller_of(request).token
    plain = ("handle", "name", "about", "role", "state", "joined", "orcid", "standing")
    return schemas.Me(**{name: getattr(reader, name) for name in plain}, scopes=token.scopes if token else [])


@router.patch("me", response={200: schemas.Me, **ACT}, summary="Change my profile")
def change(request: HttpRequest, wanted: schemas.MePatch) -> schemas.Me:
    """Change the name or what the reader says of themselves; what is left out stays."""
    reader = reader_for(request, "write")
    told = wanted.model_dump(exclude_unset=True)
    try:
        if "name" in told:
            reader.name = accounts.check_name(told["name"])
        if "about" in told:
            reader.about = given.passage(told["about"], LONGEST_ABOUT)
    except Refused as refusal:
        raise ApiError(409, str(refusal)) from None
    if told:
        reader.save(update_fields=list(told))
    return _me(request, reader)


@router.get("me/votes", response={200: schemas.GivenPage, **OWN}, summary="Papers I voted for")
def voted(request: HttpRequest, response: HttpResponse, asked: Query[schemas.Page]) -> schemas.GivenPage:
    """Give the papers the reader voted for, the latest first."""
    reader = reader_for(request, "read")
    return _given(request, response, Vote.objects.filter(reader=reader), "cast", asked, f"votes {reader.pk}")


@router.put("me/votes/{path:id}", response={200: schemas.Mark, **ACT}, summary="Vote for a paper")
def vote(request: HttpRequest, id: schemas.PaperId) -> schemas.Mark:
    """Vote for a paper; a second vote is the first one."""
    return _vote(request, id, on=True)


@router.delete("me/votes/{path:id}", response={200: schemas.Mark, **ACT}, summary="Take a vote back")
def unvote(request: HttpRequest, id: schemas.PaperId) -> schemas.Mark:
    """Take a vote back; without one nothing changes."""
    return _vote(request, id, on=False)


def _vote(request: HttpRequest, id: str, *, on: bool) -> schemas.Mark:
    reader, moment = reader_for(request, "write"), now()
    acts.must_be_few("vote", reader, moment)
    paper = shapes.known(id)
    try:
        if on:
            origin = origins.digest(client_address(request), moment)
            count = votes.cast(reader, paper, now=moment, origin=origin)
        else:
            count = votes.take_back(reader, paper, now=moment)
    except Refused as refusal:
        raise ApiError(409, str(refusal)) from None
    return schemas.Mark(key=paper.key, on=count.voted, votes=count.votes)


def _given(
    request: HttpRequest, response: HttpResponse, rows: QuerySet[Any], moment: str, asked: schemas.Page, what: str
) -> schemas.GivenPage:
    _private(response)
    before = paging.read(asked.cursor, what)
    if before:
        when = datetime.fromisoformat(before[0])
        rows = rows.filter(Q(**{f"{moment}__lt": when}) | Q(**{moment: when, "pk__lt": before[1]}))
    found = list(rows.select_related("paper").order_by(f"-{moment}", "-pk")[: asked.limit + 1])
    page, key = paging.cut(found, asked.limit, lambda row: [getattr(row, moment).isoformat(), row.pk])
    told = shapes.papers([row.paper for row in page], request)
    return schemas.GivenPage(
        papers=[schemas.Given(at=getattr(row, moment), paper=told[row.paper_id]) for row in page],
        next=paging.onward(request, response, what, key),
    )


@router.get("me/follows", response={200: schemas.Follows, **OWN}, summary="Lists I follow")
def followed(request: HttpRequest, response: HttpResponse) -> schemas.Follows:
    """Give the lists the reader follows, the latest followed first; there are 200 at most."""
    _private(response)
    reader = reader_for(request, "read")
    plain = ("key", "name", "in_digest", "alert")
    rows = follows.rows(reader)
    return schemas.Follows(lists=[schemas.Follow(**{name: getattr(row, name) for name in plain}) for row in rows])


@router.put("me/follows/{path:key}", response={200: schemas.Mark, **ACT}, summary="Follow a list")
def follow(request: HttpRequest, key: schemas.ListKey, wanted: schemas.FollowPatch | None = None) -> schemas.Mark:
    """Follow a list, and say what is wanted of it; a second time changes only what the body says.

    Alerts begin with what comes from then on.
    """
    reader, moment = reader_for(request, "write"), now()
    acts.must_be_few("save", reader, moment)
    try:
        found = named.head(key).key
        with transaction.atomic():
            follows.follow(reader, found, now=moment)
            if wanted is not None:
                follows.switch(reader, found, Switches(**wanted.model_dump(exclude_unset=True)))
    except NoSuchList as problem:
        raise ApiError(404, str(problem)) from None
    except Refused as refusal:
        raise ApiError(409, str(refusal)) from None
    return schemas.Mark(key=found, on=True, votes=None)


@router.delete("me/follows/{path:key}", response={200: schemas.Mark, **ACT}, summary="Follow a list no more")
def unfollow(request: HttpRequest, key: schemas.ListKey) -> schemas.Mark:
    """Follow a list no more; also one that is gone."""
    reader = reader_for(request, "write")
    acts.must_be_few("save", reader, now())
    try:
        found = named.head(key).key
    except NoSuchList:
        found = key
    follows.unfollow(reader, found)
    return schemas.Mark(key=found, on=False, votes=None)
