"""The site as a WSGI application."""

import os

from django.core.wsgi import get_wsgi_application

from broadsheet.lib.processes import end_with_parent

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "broadsheet.settings")
if os.environ.get("BROADSHEET_CHILD"):
    end_with_parent()
application = get_wsgi_application()
