"""Comment on a paper: write, look at it before, edit, delete, and read what it said before."""

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from broadsheet.community import comments
from broadsheet.community.models import Comment
from broadsheet.lib.clock import now
from broadsheet.markup import maths
from broadsheet.papers.models import Paper
from broadsheet.readers.models import Reader
from broadsheet.readers.refused import Refused
from broadsheet.web.acting import SeeOther, acting, paper_of, reader_of, typed, whole
from broadsheet.web.limits import limited
from broadsheet.web.views.errors import NotHere

LONGEST = 100_000


def write(request: HttpRequest, key: str) -> HttpResponseBase:
    """Show the form, on its own; keep a comment; or show what it would look like."""
    return _look(request, key=key) if "preview" in request.POST else _keep(request, key=key)


@limited("comment")
@acting
def _keep(request: HttpRequest, reader: Reader, key: str) -> HttpResponseBase:
    paper = paper_of(key)
    parent = _parent(request, paper)
    if request.method != "POST":
        return _form(request, paper, parent=parent)
    text = typed(request, "text", LONGEST)
    try:
        comment = comments.write(reader, paper, text, parent=parent, now=now())
    except Refused as refusal:
        return _form(request, paper, parent=parent, text=text, says=str(refusal))
    return SeeOther(address(comment))


@limited("preview")
@acting
def _look(request: HttpRequest, reader: Reader, key: str) -> HttpResponseBase:
    paper = paper_of(key)
    return _form(request, paper, parent=_parent(request, paper), text=typed(request, "text", LONGEST), look=True)


def edit(request: HttpRequest, number: int) -> HttpResponseBase:
    """Show the form with what a comment says; keep what it says now; or show what that would look like."""
    return _look_again(request, number=number) if "preview" in request.POST else _change(request, number=number)


@limited("comment")
@acting
def _change(request: HttpRequest, reader: Reader, number: int) -> HttpResponseBase:
    comment = _own(reader, number)
    if request.method != "POST":
        return _form(request, comment.paper, comment=comment, text=comment.text)
    text = typed(request, "text", LONGEST)
    try:
        comments.edit(reader, comment, text, now=now())
    except Refused as refusal:
        return _form(request, comment.paper, comment=comment, text=text, says=str(refusal))
    return SeeOther(address(comment))


@limited("preview")
@acting
def _look_again(request: HttpRequest, reader: Reader, number: int) -> HttpResponseBase:
    comment = _own(reader, number)
    return _form(request, comment.paper, comment=comment, text=typed(request, "text", LONGEST), look=True)


@limited("comment")
@acting
def delete(request: HttpRequest, reader: Reader, number: int) -> HttpResponseBase:
    """Delete a comment of one's own."""
    comment = comment_of(number)
    comments.delete(reader, comment, now=now())
    return SeeOther(f"{reverse('paper', args=[comment.paper.key])}#discussion")


def history(request: HttpRequest, number: int) -> HttpResponse:
    """Show what a comment said before it was edited; of one that was taken away only to moderators."""
    comment, reader = comment_of(number), reader_of(request)
    if comment.state != "shown" and not (reader and reader.may("moderator")):
        raise NotHere(_("That comment is not shown any more."))
    wordings = list(comment.history.order_by("-until", "-id"))
    context = {"comment": comment, "wordings": wordings, "place": address(comment), **_named(comment.paper)}
    return render(request, "web/comment_history.html", context)


def comment_of(number: int) -> Comment:
    """Give the comment with that number. Raises NotHere."""
    found = Comment.objects.select_related("paper", "author").filter(pk=number).first() if number < 2**63 else None
    if found is None:
        raise NotHere(_("There is no such comment."))
    return found


def address(comment: Comment) -> str:
    """Give the place of a comment on its paper's page."""
    return f"{reverse('paper', args=[comment.paper.key])}#comment-{comment.pk}"


def _own(reader: Reader, number: int) -> Comment:
    comment = comment_of(number)
    if comment.author_id != reader.pk or comment.state != "shown":
        raise Refused(_("Only a comment of your own that is still shown can be edited."))
    return comment


def _parent(request: HttpRequest, paper: Paper) -> Comment | None:
    given = request.POST.get("parent", "") or request.GET.get("parent", "")
    if not given:
        return None
    number = whole(given)
    found = Comment.objects.select_related("author", "paper").filter(pk=number, paper=paper).first() if number else None
    if found is None:
        raise Refused(_("The comment you answer is not here any more."))
    return found


def _named(paper: Paper) -> dict[str, object]:
    return {"paper": paper, "title": maths.render(paper.title), "plain_title": maths.as_text(paper.title)}


def _form(
    request: HttpRequest,
    paper: Paper,
    *,
    parent: Comment | None = None,
    comment: Comment | None = None,
    text: str = "",
    says: str = "",
    look: bool = False,
) -> HttpResponse:
    """Show the form on its own page, with what was typed; with a look at what it would be, where one is wanted."""
    preview = ""
    try:
        preview = comments.preview(text) if look else ""
    except Refused as refusal:
        says = str(refusal)
    context = {
        "parent": parent,
        "comment": comment,
        "text": text,
        "says": says,
        "preview": preview,
        "action": reverse("edit-comment", args=[comment.pk]) if comment else reverse("comment", args=[paper.key]),
        **_named(paper),
    }
    return render(request, "web/comment.html", context, status=400 if says else 200)
