"""The door to the network, as the settings of this site have it."""

from functools import lru_cache

from django.conf import settings

from broadsheet.lib.http import Http


@lru_cache(maxsize=1)
def http() -> Http:
    """The one client of this process; the limiter's state is in the home, so that all processes share it."""
    return Http(settings.CONFIG.contact, limits={}, state_dir=settings.CONFIG.home / "limits")
