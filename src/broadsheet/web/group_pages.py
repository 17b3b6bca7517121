"""What the pages of groups share: who may see one, and what stands at their head."""

from django.http import HttpRequest
from django.utils.translation import gettext as _

from broadsheet.groups import members
from broadsheet.groups.models import Member
from broadsheet.readers.models import Reader
from broadsheet.web.views.errors import NotHere

SECTION = "groups"


def place_of(reader: Reader, slug: str) -> Member:
    """Give the reader's place in a group. Raises NotHere, with the same words whether the group is there or not."""
    place = members.place(reader, slug)
    if place is None:
        raise NotHere(_("There is no such group, or you are not in it."))
    return place


def head(request: HttpRequest, place: Member, tab: str) -> dict[str, object]:
    """Give what the templates of a group's pages need. tab: list, people or who."""
    return {
        "section": SECTION,
        "group": place.group,
        "place": place,
        "tab": tab,
        "here": request.get_full_path(),
    }
