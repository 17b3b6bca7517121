"""The addresses of what readers do together. Whatever changes something is a POST."""

from collections.abc import Callable

from django.http import HttpResponseBase
from django.urls import URLPattern, URLResolver, path
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from broadsheet.web.views import (
    claim,
    comment,
    desk,
    desk_claims,
    desk_readers,
    desk_reports,
    desk_submissions,
    desk_votes,
    link,
    moderation,
    organisation,
    report,
    save,
    submit,
    vote,
)

View = Callable[..., HttpResponseBase]


def page(route: str, view: View, name: str) -> URLPattern:
    """Give a page that is only read its address."""
    return path(route, require_safe(view), name=name)


def form(route: str, view: View, name: str) -> URLPattern:
    """Give a page that shows a form and takes it its address."""
    return path(route, require_http_methods(["GET", "HEAD", "POST"])(view), name=name)


def act(route: str, view: View, name: str) -> URLPattern:
    """Give what a button does its address."""
    return path(route, require_POST(view), name=name)


urlpatterns: list[URLPattern | URLResolver] = [
    act("vote/<path:key>", vote.give, "vote"),
    act("save/<path:key>", save.keep, "save"),
    form("comment/on/<path:key>", comment.write, "comment"),
    form("comment/<int:number>/edit", comment.edit, "edit-comment"),
    act("comment/<int:number>/delete", comment.delete, "delete-comment"),
    page("comment/<int:number>/history", comment.history, "comment-history"),
    form("report/<path:subject>", report.file, "report"),
    form("submit", submit.bring, "submit"),
    page("submissions", submit.listed, "submissions"),
    act("submissions/<int:number>/take-back", submit.take_back, "take-back-submission"),
    act("claim/<int:number>/take-back", claim.take_back, "take-back-claim"),
    form("claim/<path:key>", claim.make, "claim"),
    act("link/<int:number>/remove", link.remove, "remove-link"),
    form("link/<path:key>", link.add, "add-link"),
    page("organisations", organisation.listed, "organisations"),
    form("found-organisation", organisation.found, "new-organisation"),
    page("organisations/<str:slug>", organisation.show, "organisation"),
    form("organisations/<str:slug>/edit", organisation.change, "edit-organisation"),
    act("organisations/<str:slug>/join", organisation.join, "join-organisation"),
    act("organisations/<str:slug>/leave", organisation.leave, "leave-organisation"),
    act("organisations/<str:slug>/confirm", organisation.confirm, "confirm-member"),
    act("organisations/<str:slug>/papers", organisation.affiliate, "affiliate"),
    page("desk", desk.show, "desk"),
    form("desk/submissions", desk_submissions.show, "desk-submissions"),
    form("desk/claims", desk_claims.show, "desk-claims"),
    form("desk/reports", desk_reports.show, "desk-reports"),
    form("desk/readers", desk_readers.show, "desk-readers"),
    form("desk/readers/<str:handle>", desk_readers.one, "desk-reader"),
    form("desk/votes", desk_votes.show, "desk-votes"),
    act("desk/comment/<int:number>", desk_reports.comment, "desk-comment"),
    act("desk/paper/<path:key>", desk_reports.paper, "desk-paper"),
    page("moderation", moderation.log, "moderation-log"),
]
