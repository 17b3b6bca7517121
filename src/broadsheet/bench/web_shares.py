"""Where a page's CPU time goes: what the database takes, what the templates take, and the rest.

Asked of the site's WSGI application in one process and one thread. Of SQLite alone: it works in the same thread.
"""

import json
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from io import BytesIO
from typing import Any, Final
from unittest.mock import patch

KINDS: Final = ("edition_made", "paper", "search", "trending", "foryou", "daily_papers_made")
TIMES: Final = 20
WARM: Final = 4


class Watch:
    """The CPU seconds spent in some functions; what one calls of another is the other's."""

    def __init__(self) -> None:
        self.spent: dict[str, float] = {}
        self._inside: list[float] = []

    def around(self, name: str, work: Callable[..., Any]) -> Callable[..., Any]:
        """Give a function that does the same and is counted under a name."""

        def watched(*given: Any, **named: Any) -> Any:  # noqa: ANN401 - whatever the function takes and gives
            began = time.thread_time()
            self._inside.append(0.0)
            try:
                return work(*given, **named)
            finally:
                whole = time.thread_time() - began
                self.spent[name] = self.spent.get(name, 0.0) + whole - self._inside.pop()
                if self._inside:
                    self._inside[-1] += whole

        return watched


def shares(asks: Mapping[str, Sequence[Mapping[str, Any]]], application: Callable[..., Any]) -> dict[str, float]:
    """Give, by kind, the shares of a page's CPU time that are `sql` and `template`, 0 to 1."""
    figures: dict[str, float] = {}
    for kind in KINDS:
        wanted = [asks[kind][n % len(asks[kind])] for n in range(WARM + TIMES)]
        for ask in wanted[:WARM]:
            _ask(application, ask)
        watch = Watch()
        with _watched(watch):
            began = time.thread_time()
            for ask in wanted[WARM:]:
                _ask(application, ask)
            whole = time.thread_time() - began
        for part in ("sql", "template"):
            figures[f"{kind}_{part}_share"] = watch.spent.get(part, 0.0) / whole
    return figures


def _watched(watch: Watch) -> ExitStack:
    from django.db.models.sql.compiler import SQLCompiler
    from django.template import Template

    stack = ExitStack()
    for name, owner, method in (("sql", SQLCompiler, "execute_sql"), ("template", Template, "render")):
        stack.enter_context(patch.object(owner, method, _method(watch, name, getattr(owner, method))))
    return stack


def _method(watch: Watch, name: str, work: Callable[..., Any]) -> Callable[..., Any]:
    watched = watch.around(name, work)

    def method(self: object, *given: Any, **named: Any) -> Any:  # noqa: ANN401 - as above
        return watched(self, *given, **named)

    return method


def _ask(application: Callable[..., Any], ask: Mapping[str, Any]) -> None:
    path, _mark, query = str(ask["path"]).partition("?")
    headers = {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in ask["headers"].items()}
    environ: dict[str, Any] = {
        "REQUEST_METHOD": "GET", "PATH_INFO": path, "QUERY_STRING": query, "SCRIPT_NAME": "",
        "SERVER_NAME": "localhost", "SERVER_PORT": "80", "SERVER_PROTOCOL": "HTTP/1.1", "HTTP_HOST": "localhost",
        "REMOTE_ADDR": "198.51.100.7", "wsgi.url_scheme": "http", "wsgi.input": BytesIO(), "wsgi.errors": sys.stderr,
        "HTTP_ACCEPT": "text/html", "HTTP_ACCEPT_ENCODING": "gzip", **headers,
    }  # fmt: skip
    answer = application(environ, lambda status, headers, problem=None: None)
    b"".join(answer)
    if close := getattr(answer, "close", None):
        close()


def main() -> None:
    """Read what can be asked from the standard input; print the shares."""
    from django.core.wsgi import get_wsgi_application

    sys.stdout.write(json.dumps(shares(json.load(sys.stdin), get_wsgi_application())))


if __name__ == "__main__":
    main()
