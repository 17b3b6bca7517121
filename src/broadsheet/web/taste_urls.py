"""The addresses of the profile: what the program holds of a reader's taste, and the acts that change it."""

from django.urls import URLPattern, URLResolver, path
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from broadsheet.web.views import taste

# HEAD is answered as GET is.
form = require_http_methods(["GET", "HEAD", "POST"])

urlpatterns: list[URLPattern | URLResolver] = [
    path("foryou/profile", require_safe(taste.show), name="taste"),
    path("foryou/profile.json", require_safe(taste.export), name="taste-export"),
    path("foryou/profile/interest", require_POST(taste.interest), name="taste-interest"),
    path("foryou/profile/not-this", require_POST(taste.not_this), name="taste-not-this"),
    path("foryou/profile/undo", require_POST(taste.undo), name="taste-undo"),
    path("foryou/profile/forget", require_POST(taste.forget), name="taste-forget"),
    path("foryou/profile/start-over", form(taste.start_over), name="taste-start-over"),
    path("foryou/why/<path:key>", require_safe(taste.why), name="taste-why"),
]
