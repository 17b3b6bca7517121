"""Put a paper into one's library, or take it out."""

from django.http import HttpRequest, HttpResponseBase, JsonResponse
from django.utils.translation import gettext as _

from broadsheet.lib.clock import now
from broadsheet.papers.models import Paper
from broadsheet.readers import filing, library
from broadsheet.readers.models import Reader
from broadsheet.readers.refused import Refused
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
        # The library's own button is sure.
        if request.GET.get("sure") != "1":
            keep_what_was_filed(reader, paper)
        library.remove(reader, paper)
    return JsonResponse({"on": on}) if wants_json(request) else on_to(request, paper)


def keep_what_was_filed(reader: Reader, paper: Paper) -> None:
    """Refuse to throw away a note or tags by a click that says only that the paper be not saved. Raises Refused."""
    filed = filing.of(reader, [paper.pk]).get(paper.pk)
    if filed and (filed.note or filed.tags):
        raise Refused(_("Your note and tags would go with it. Take it out in your library, under “File”."))
