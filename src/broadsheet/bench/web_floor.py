"""The same server and framework with nothing to do: Django under granian by WSGI, one empty page, no middleware."""

import sys
from typing import Final

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, HttpResponse
from django.urls import path

THREADS: Final = 2


def empty(request: HttpRequest) -> HttpResponse:
    """Answer with nothing."""
    return HttpResponse()


urlpatterns = [path("", empty)]


def main() -> None:
    """Serve on a port until told to stop."""
    from granian.constants import Interfaces
    from granian.server import Server

    Server(
        "broadsheet.bench.web_floor:application",
        address="127.0.0.1",
        port=int(sys.argv[1]),
        interface=Interfaces.WSGI,
        workers=1,
        blocking_threads=THREADS,
        backlog=1024,
        log_access=False,
        websockets=False,
    ).serve()


if __name__ == "__main__":
    main()
else:
    settings.configure(ALLOWED_HOSTS=["*"], ROOT_URLCONF=__name__, SECRET_KEY="none is kept", MIDDLEWARE=[])
    application = get_wsgi_application()
