"""The addresses of groups. Whatever changes something is a POST."""

from collections.abc import Iterator

from django.urls import URLPattern, URLResolver, path
from django.views.decorators.http import require_safe

from broadsheet.web import formats
from broadsheet.web.community_urls import act, form, page
from broadsheet.web.views import group_list, group_who, groups


def _exports() -> Iterator[URLPattern]:
    for kind in formats.FORMATS:
        route = f"groups/<slug:slug>.{kind}"
        yield path(route, require_safe(group_list.export), {"kind": kind}, name=formats.route("group", kind))


urlpatterns: list[URLPattern | URLResolver] = [
    *_exports(),
    page("groups", groups.listed, "groups"),
    act("groups/new", groups.found, "new-group"),
    form("groups/put/<path:key>", group_list.put, "put-on-list"),
    page("groups/who/<path:key>", group_who.choose, "who-knows"),
    page("groups/<str:slug>", group_list.show, "group"),
    page("groups/<str:slug>/people", groups.people, "group-people"),
    form("groups/<str:slug>/who", group_who.ask, "group-who"),
    act("groups/<str:slug>/answer", groups.answer, "answer-group"),
    act("groups/<str:slug>/ask", groups.ask, "ask-into-group"),
    act("groups/<str:slug>/people/act", groups.act, "act-on-member"),
    act("groups/<str:slug>/share", groups.share, "share-with-group"),
    act("groups/<str:slug>/leave", groups.leave, "leave-group"),
    act("groups/<str:slug>/change", groups.change, "change-group"),
    act("groups/<str:slug>/close", groups.close, "close-group"),
    act("groups/<str:slug>/add", group_list.add, "add-to-group"),
    act("groups/<str:slug>/list/<int:number>", group_list.act, "act-on-shelved"),
]
