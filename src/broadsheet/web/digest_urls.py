"""The addresses of digests: subscribing, preferences, what a mail links to, the archive."""

from django.urls import URLPattern, URLResolver, path
from django.views.decorators.http import require_http_methods

from broadsheet.web.views import mail_actions, preferences, subscribe

# HEAD is answered as GET is.
form = require_http_methods(["GET", "HEAD", "POST"])

urlpatterns: list[URLPattern | URLResolver] = [
    path("subscribe", form(subscribe.show), name="subscribe"),
    path("confirm/<str:token>", form(subscribe.confirm), name="confirm"),
    path("digest/preferences/<str:token>", form(preferences.by_link), name="digest-preferences"),
    path("digest/unsubscribe/<str:token>", form(subscribe.unsubscribe), name="unsubscribe"),
    path("me/digest", form(preferences.mine), name="my-digest"),
    path("digest/vote/<str:token>", mail_actions.vote, name="digest-vote"),
    path("digest/save/<str:token>", mail_actions.save, name="digest-save"),
    path("digest/less/<str:token>", mail_actions.less, name="digest-less"),
]
