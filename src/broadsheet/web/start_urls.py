"""The addresses of the start: from a new account to a first list of one's own."""

from django.urls import URLPattern, URLResolver, path
from django.views.decorators.http import require_http_methods, require_POST

from broadsheet.web.views import start

# HEAD is answered as GET is.
form = require_http_methods(["GET", "HEAD", "POST"])

urlpatterns: list[URLPattern | URLResolver] = [
    path("foryou/start", form(start.show), name="start"),
    path("foryou/start/papers", require_POST(start.papers), name="start-papers"),
    path("foryou/start/wish", require_POST(start.unwish), name="start-unwish"),
    path("foryou/ask", form(start.ask), name="start-ask"),
]
