"""The addresses of digests: subscribing, preferences, what a mail links to, the archive."""

from django.urls import URLPattern, URLResolver, path
from django.views.decorators.http import require_http_methods, require_safe

from broadsheet.web.views import archive, desk_digests, mail_actions, preferences, provider_events, subscribe

# HEAD is answered as GET is.
form = require_http_methods(["GET", "HEAD", "POST"])

urlpatterns: list[URLPattern | URLResolver] = [
    path("subscribe", form(subscribe.show), name="subscribe"),
    path("confirm/<str:token>", form(subscribe.confirm), name="confirm"),
    path("digest/preferences/<str:token>", form(preferences.by_link), name="digest-preferences"),
    path("digest/unsubscribe/<str:token>", form(subscribe.unsubscribe), name="unsubscribe"),
    path("me/digest", form(preferences.mine), name="my-digest"),
    path("me/digests", require_safe(archive.mine), name="my-digests"),
    path("me/digests/<str:day>", require_safe(archive.mine_of), name="my-digests-of"),
    path("digest/archive/<str:token>", require_safe(archive.by_link), name="digest-archive"),
    path("digest/vote/<str:token>", mail_actions.vote, name="digest-vote"),
    path("digest/save/<str:token>", mail_actions.save, name="digest-save"),
    path("digest/less/<str:token>", mail_actions.less, name="digest-less"),
    path("digest/events/<slug:provider>/", provider_events.hear, name="provider-events"),
    path("desk/digests", form(desk_digests.show), name="desk-digests"),
    path("desk/digests/<int:number>", require_safe(desk_digests.sample), name="desk-digest"),
]
