"""What every template knows of the site and of the reader who looks at it."""

from django.conf import settings
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from broadsheet import __version__
from broadsheet.groups import members
from broadsheet.readers import joining, notifications
from broadsheet.readers.models import Reader


def site(request: HttpRequest) -> dict[str, object]:
    """Give `site` (its name and the program's version), the same as `masthead` and `version`, and who looks, as `me`.

    The pages for signing in bring a `site` of their own; `masthead` is ours on every page. Asks no database, so that
    error pages can use it too: `me`, `unread` (a number), `invitation` (the one a person came with, or None) and
    `in_groups` (whether who looks is in a group) are looked up where a template uses them. alone: nobody has to sign in
    here.
    """
    reader = getattr(request, "user", None)
    return {
        "site": {"name": settings.CONFIG.site_name, "version": __version__},
        "masthead": settings.CONFIG.site_name,
        "version": __version__,
        "me": reader,
        "unread": SimpleLazyObject(lambda: notifications.unread(reader) if isinstance(reader, Reader) else 0),
        "invitation": SimpleLazyObject(lambda: joining.invitation_of(request)),
        "in_groups": SimpleLazyObject(lambda: isinstance(reader, Reader) and members.is_anywhere(reader)),
        "alone": getattr(request, "alone", False),
    }
