"""The addresses of the pages about one's account."""

from django.urls import URLPattern, URLResolver, include, path
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from broadsheet.web import admin
from broadsheet.web.views import invitations, join, me, notifications, reader, tokens

# HEAD is answered as GET is.
form = require_http_methods(["GET", "HEAD", "POST"])

urlpatterns: list[URLPattern | URLResolver] = [
    path("account/", include("allauth.urls")),
    path("admin/", admin.site.urls),
    path("join/<str:code>", form(join.show), name="join"),
    path("me", form(me.show), name="me"),
    path("me/export", require_POST(me.export), name="export"),
    path("me/erase", form(me.erase), name="erase"),
    path("me/invitations", form(invitations.show), name="invitations"),
    path("me/invitations/<int:number>/take-back", require_POST(invitations.take_back), name="take-back-invitation"),
    path("me/tokens", form(tokens.show), name="tokens"),
    path("me/tokens/<int:number>/revoke", require_POST(tokens.revoke), name="revoke-token"),
    path("notifications", require_safe(notifications.show), name="notifications"),
    path("notifications/read", require_POST(notifications.read), name="read-notifications"),
    path("readers/<str:handle>", require_safe(reader.show), name="reader"),
]
