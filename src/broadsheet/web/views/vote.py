"""Vote for a paper, or take the vote back."""

from django.http import HttpRequest, HttpResponseBase, JsonResponse
from django.utils.translation import gettext as _

from broadsheet.community import origins, votes
from broadsheet.lib.clock import now
from broadsheet.readers.models import Reader
from broadsheet.readers.network import client_address
from broadsheet.readers.refused import Refused
from broadsheet.web.acting import acting, on_to, paper_of, wants_json
from broadsheet.web.cards import votes_apart
from broadsheet.web.limits import limited


@limited("vote")
@acting
def give(request: HttpRequest, reader: Reader, key: str) -> HttpResponseBase:
    """Vote, where `on` is 1; take the vote back, where it is 0."""
    paper, moment = paper_of(key), now()
    if wished(request):
        count = votes.cast(reader, paper, now=moment, origin=origins.digest(client_address(request), moment))
    else:
        count = votes.take_back(reader, paper, now=moment)
    if not wants_json(request):
        return on_to(request, paper)
    hint = votes_apart(count.votes - paper.votes_outside, paper.votes_outside)
    return JsonResponse({"on": count.voted, "count": count.votes, "hint": hint})


def wished(request: HttpRequest) -> bool:
    """Tell whether a button was switched on or off. Raises Refused for anything else."""
    on = request.POST.get("on", "")
    if on not in ("0", "1"):
        raise Refused(_("That request could not be understood: it says neither yes nor no."))
    return on == "1"
