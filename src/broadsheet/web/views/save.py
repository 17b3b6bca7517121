"""Put a paper into one's library, or take it out."""

from django.http import HttpRequest, HttpResponseBase, JsonResponse

from broadsheet.lib.clock import now
from broadsheet.readers import library
from broadsheet.readers.models import Reader
from broadsheet.web.acting import acting, on_to, paper_of, wants_json
from broadsheet.web.limits import limited
from broadsheet.web.views.vote import wished


@limited("save")
@acting
def keep(request: HttpRequest, reader: Reader, key: str) -> HttpResponseBase:
    """Save, where `on` is 1; remove, where it is 0."""
    paper, on = paper_of(key), wished(request)
    if on:
        library.save(reader, paper, now=now())
    else:
        library.remove(reader, paper)
    return JsonResponse({"on": on}) if wants_json(request) else on_to(request, paper)
