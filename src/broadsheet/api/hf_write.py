"""The write calls of the drop-in API: what a program does in a reader's name.

A token with the scope write is all that counts here. No cookie is looked at, so no page elsewhere can act for a reader,
and the check against forged forms is off.
"""

import re
from collections.abc import Callable
from datetime import datetime
from functools import wraps
from typing import Concatenate, Final, ParamSpec

from django.db import transaction
from django.http import HttpRequest, HttpResponseBase, JsonResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt

from broadsheet.api import given, hf_shapes, object_ids
from broadsheet.api.acts import must_be_few
from broadsheet.api.auth import reader_for
from broadsheet.api.errors import ApiError
from broadsheet.community import claims, comments, links, moderation, organisations, origins, submissions, votes
from broadsheet.community.models import AddedLink, Affiliation, Claim, Comment, Organisation, Submission
from broadsheet.export.address import absolute, of_paper
from broadsheet.lib.clock import now
from broadsheet.papers import queries, schedule
from broadsheet.papers.models import Paper
from broadsheet.readers import library
from broadsheet.readers.models import Reader
from broadsheet.readers.network import client_address
from broadsheet.readers.refused import Refused
from broadsheet.record.identifiers import identify

P = ParamSpec("P")
View = Callable[Concatenate[HttpRequest, P], HttpResponseBase]
ReaderView = Callable[Concatenate[HttpRequest, Reader, P], HttpResponseBase]

# Of a comment, as the API we stand in for has it; the room of comments takes less, and says so.
LONGEST_COMMENT: Final = 65_536
_ARXIV: Final = re.compile(r"[0-9]{4}\.[0-9]{4,5}")
_REPOSITORY: Final = re.compile(r"[A-Za-z0-9_.-]{1,100}/[A-Za-z0-9_.-]{1,100}")


def writing(action: str, *methods: str) -> Callable[[ReaderView[P]], View[P]]:
    """Give a view the reader whose token allows writing; what a room refuses is answered with 400.

    action: a key of `acts.RATES`.
    """

    def decorate(view: ReaderView[P]) -> View[P]:
        @csrf_exempt
        @wraps(view)
        def guarded(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
            if request.method not in methods:
                wanted = ", ".join(methods)
                raise ApiError(405, _("This address takes %(methods)s only.") % {"methods": wanted}, {"Allow": wanted})
            reader = reader_for(request, "write")
            must_be_few(action, reader, now())
            try:
                answer = view(request, reader, *args, **kwargs)
            except Refused as refusal:
                raise ApiError(400, str(refusal)) from refusal
            answer.headers["Cache-Control"] = "private, no-store"
            return answer

        return guarded

    return decorate


@writing("submit", "POST")
def index(request: HttpRequest, reader: Reader) -> HttpResponseBase:
    """Bring a paper into the record: at once for curators, else as a submission that waits for one (202)."""
    name = given.text(given.fields(request), "arxivId")
    if not _ARXIV.fullmatch(name):
        raise ApiError(400, _("“arxivId” must look like 2405.12345, without a version."))
    if queries.by_key(name):
        return JsonResponse({})
    if reader.may("curator"):
        submissions.take_in(reader, name, now=now())
        return JsonResponse({})
    if not _waiting(None, name):
        submissions.submit(reader, name, "", now=now())
    return _waits()


@writing("submit", "POST")
def submit(request: HttpRequest, reader: Reader) -> HttpResponseBase:
    """Ask for a paper's place in today's edition; curators place it at once."""
    name = given.text(given.fields(request), "paperId")
    paper, moment = find(name), now()
    _must_not_stand(paper, moment)
    if reader.may("curator"):
        return _see(request, _placed(reader, paper, name, moment), "placed")
    waiting = _waiting(paper, name) or submissions.submit(reader, paper.key if paper else name, "", now=moment)
    return _see(request, waiting.paper, "waiting") if waiting.paper else _waits()


def _must_not_stand(paper: Paper | None, moment: datetime) -> None:
    today = schedule.current_day(moment)
    for day in (paper.announced, paper.placed) if paper else ():
        if day and day >= today:
            says = _("This paper is in the edition of %(day)s already.")
            raise ApiError(409, says % {"day": day.isoformat()})


def _placed(curator: Reader, paper: Paper | None, name: str, moment: datetime) -> Paper:
    waiting = _waiting(paper, name)
    if waiting is None and paper:
        return submissions.place(curator, paper, None, _("Submitted by a program, in a curator's name."), now=moment)
    submission = waiting or submissions.submit(curator, name, "", now=moment)
    return submissions.accept(curator, submission, None, "", now=moment)


def _waiting(paper: Paper | None, name: str) -> Submission | None:
    """Find the submission of a paper, or of a name of one, that nobody has decided on; nobody outside is asked."""
    rows = Submission.objects.filter(state="waiting").select_related("paper", "reader").order_by("pk")
    if paper:
        return rows.filter(paper=paper).first()
    identifier = identify(name)
    return rows.filter(name=str(identifier)).first() if identifier else None


def _see(request: HttpRequest, paper: Paper, state: str) -> JsonResponse:
    """Lead on to the paper's page, as the original does, and say in the body what became of it."""
    place = of_paper(paper, request)
    return JsonResponse({"state": state, "url": place}, status=303, headers={"Location": place})


def _waits() -> JsonResponse:
    return JsonResponse({"state": "waiting"}, status=202)


@writing("link", "POST")
def add_links(request: HttpRequest, reader: Reader, key: str) -> HttpResponseBase:
    """Add a project page, a repository, an organisation: all of them or, where one is refused, none."""
    sent = given.fields(request)
    if not sent.keys() & {"projectPage", "githubRepo", "organizationId"}:
        raise ApiError(400, _("Send at least one of projectPage, githubRepo and organizationId; each may be null."))
    project, repository = given.text_or_none(sent, "projectPage"), given.text_or_none(sent, "githubRepo")
    organisation, paper = _organisation(given.text_or_none(sent, "organizationId")), paper_of(key)
    with transaction.atomic():
        if project:
            _link(reader, paper, "project", project)
        if repository:
            whole = f"https://github.com/{repository}" if _REPOSITORY.fullmatch(repository) else repository
            _link(reader, paper, "code", whole)
        if organisation:
            _affiliate(reader, organisation, paper)
    return JsonResponse({})


def _link(reader: Reader, paper: Paper, kind: str, url: str) -> None:
    # What stands already is no error: programs send all links anew with each of them.
    if not AddedLink.objects.filter(paper=paper, url=links.check_url(url), state="shown").exists():
        links.add(reader, paper, kind, url, now=now())


def _affiliate(reader: Reader, organisation: Organisation, paper: Paper) -> None:
    if Affiliation.objects.filter(organisation=organisation, paper=paper).exists():
        return
    if not organisations.may_affiliate(reader, organisation, paper):
        raise ApiError(403, _("Members may add papers that they have claimed; those who run the organisation any."))
    organisations.affiliate(reader, organisation, paper, now=now())


def _organisation(name: str | None) -> Organisation | None:
    if name is None:
        return None
    slugs = Organisation.objects.values_list("slug", flat=True).iterator()
    slug = next((slug for slug in slugs if name in (slug, object_ids.organisation_id(slug))), None)
    found = Organisation.objects.filter(slug=slug).first()
    if found is None:
        raise ApiError(404, _("We have no organisation of that id."))
    return found


@writing("claim", "POST")
def claim(request: HttpRequest, reader: Reader) -> HttpResponseBase:
    """Claim a place among a paper's authors; 202 where a curator has to look at it."""
    sent = given.fields(request)
    name, author, target = (given.text(sent, field) for field in ("paperId", "claimAuthorId", "targetUserId"))
    if target not in (object_ids.user_id(reader.handle), reader.handle):
        raise ApiError(403, _("A token claims papers for its own reader only; “targetUserId” is somebody else's."))
    paper = paper_of(name)
    ids = [object_ids.author_id(paper.key, position) for position in range(len(paper.authors))]
    if author not in ids:
        raise ApiError(400, _("This paper has no author of that id; “claimAuthorId” is the _id of one."))
    try:
        made = claims.claim(reader, paper, ids.index(author), "", now=now())
    except Refused as refusal:
        stands = Claim.objects.filter(reader=reader, paper=paper, state__in=("waiting", "confirmed")).exists()
        raise ApiError(409 if stands else 400, str(refusal)) from refusal
    return JsonResponse({"state": made.state}, status=200 if made.state == "confirmed" else 202)


@writing("comment", "POST")
def comment(request: HttpRequest, reader: Reader, key: str) -> HttpResponseBase:
    """Comment on a paper."""
    said = given.text(given.fields(request), "comment", LONGEST_COMMENT)
    return _written(request, comments.write(reader, paper_of(key), said, now=now()))


@writing("comment", "POST")
def reply(request: HttpRequest, reader: Reader, key: str, number: str) -> HttpResponseBase:
    """Answer a comment."""
    said = given.text(given.fields(request), "comment", LONGEST_COMMENT)
    parent = comment_of(key, number)
    return _written(request, comments.write(reader, parent.paper, said, parent=parent, now=now()))


@writing("comment", "POST")
def hide(request: HttpRequest, reader: Reader, key: str, number: str) -> HttpResponseBase:
    """Delete a comment of one's own; moderators take away anybody's, with a reason that the public log shows."""
    found = comment_of(key, number)
    if found.author_id == reader.pk:
        comments.delete(reader, found, now=now())
        return JsonResponse({"state": "deleted"})
    if not reader.may("moderator"):
        raise ApiError(403, _("Only its author and moderators take a comment away."))
    moderation.remove(reader, found, given.text(given.fields(request), "reason", 1000), now=now())
    return JsonResponse({"state": "removed"})


def _written(request: HttpRequest, made: Comment) -> JsonResponse:
    """Tell of a new comment as the list of a paper's comments does."""
    place = absolute(f"{reverse('paper', args=[made.paper.key])}#comment-{made.pk}", request)
    told: dict[str, object] = {
        "id": str(made.pk),
        "paperId": made.paper.key,
        "state": made.state,
        "createdAt": hf_shapes.moment(made.written),
        "url": place,
        "raw": made.text,
        "html": made.html,
    }
    if made.parent_id:
        told["parentId"] = str(made.parent_id)
    if made.author:
        told["author"] = hf_shapes.reader(made.author, absolute("", request))
    return JsonResponse(told, status=201, headers={"Location": place})


@writing("vote", "POST", "DELETE")
def vote(request: HttpRequest, reader: Reader, key: str) -> HttpResponseBase:
    """Vote by POST, take the vote back by DELETE; the second time changes nothing."""
    paper, moment = paper_of(key), now()
    if request.method == "POST":
        count = votes.cast(reader, paper, now=moment, origin=origins.digest(client_address(request), moment))
    else:
        count = votes.take_back(reader, paper, now=moment)
    return JsonResponse({"upvotes": count.votes, "upvoted": count.voted})


@writing("save", "POST", "DELETE")
def save(request: HttpRequest, reader: Reader, key: str) -> HttpResponseBase:
    """Put a paper into one's library by POST, take it out by DELETE."""
    paper = paper_of(key)
    if request.method == "POST":
        library.save(reader, paper, now=now())
    else:
        library.remove(reader, paper)
    return JsonResponse({"saved": request.method == "POST"})


def find(name: str) -> Paper | None:
    """Find a paper by any name it has, or by the id of its discussion, here or where a list elsewhere tells of it."""
    if not name.isprintable():
        return None
    found = queries.by_key(name)
    if found is None and object_ids.is_object_id(name):
        key = object_ids.paper_key(name)
        found = queries.by_key(key) if key else None
        return found or Paper.objects.filter(listing__discussion=name).order_by("id").first()
    return found


def paper_of(name: str) -> Paper:
    """Give the paper of a name. Raises ApiError 404."""
    paper = find(name)
    if paper is None:
        raise ApiError(404, _("We have no paper of that name. It may not have come in yet."))
    return paper


def comment_of(key: str, number: str) -> Comment:
    """Give a comment on a paper. Raises ApiError 404."""
    paper = paper_of(key)
    is_number = number.isascii() and number.isdigit() and len(number) <= 18
    rows = Comment.objects.select_related("paper", "author")
    found = rows.filter(pk=int(number), paper=paper).first() if is_number else None
    if found is None:
        raise ApiError(404, _("There is no such comment on this paper."))
    return found
