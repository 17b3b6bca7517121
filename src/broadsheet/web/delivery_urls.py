"""The addresses of the pages about deliveries: web hooks and chats."""

from django.urls import URLPattern, URLResolver, path
from django.views.decorators.http import require_http_methods, require_POST

from broadsheet.web.views import deliveries

# HEAD is answered as GET is.
form = require_http_methods(["GET", "HEAD", "POST"])

urlpatterns: list[URLPattern | URLResolver] = [
    path("me/deliveries", form(deliveries.show), name="deliveries"),
    path("me/deliveries/<int:number>", form(deliveries.one), name="delivery-place"),
    path("me/deliveries/<int:number>/change", form(deliveries.change), name="change-place"),
    path("me/deliveries/<int:number>/<str:act>", require_POST(deliveries.act), name="act-on-place"),
    path("me/deliveries/<int:number>/retry/<uuid:delivery>", require_POST(deliveries.retry), name="retry-delivery"),
]
