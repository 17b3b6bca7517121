"""What every template knows of the site."""

from django.conf import settings
from django.http import HttpRequest

from broadsheet import __version__


def site(request: HttpRequest) -> dict[str, object]:
    """Give `site`: its name and the program's version. Asks no database, so that error pages can use it too."""
    return {"site": {"name": settings.CONFIG.site_name, "version": __version__}}
