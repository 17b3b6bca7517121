"""The site as the application that granian serves."""

import logging
import os
import threading

import django
from django.conf import settings

from broadsheet.front import Front
from broadsheet.lib.processes import end_with_parent

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "broadsheet.settings")
if os.environ.get("BROADSHEET_CHILD"):
    end_with_parent()
django.setup()
application = Front(settings.CONFIG.web_threads)


def _open_index() -> None:
    from broadsheet.papers import finding
    from broadsheet.search.shard import DamagedShard

    try:
        finding.reader().warm()
    except DamagedShard as problem:
        logging.getLogger(__name__).warning("the search index cannot be opened: %s", problem)


# Pages are served meanwhile; a search that comes first opens the index itself.
threading.Thread(target=_open_index, name="open-index", daemon=True).start()
