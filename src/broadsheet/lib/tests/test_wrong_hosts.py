import io
import logging
from types import SimpleNamespace

from broadsheet.lib.wrong_hosts import OneLineEach


def lines_of(*told: tuple[str, object, bool]) -> list[str]:
    """Log a message by each logger about a request, with an exception or without, and give the lines."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.addFilter(OneLineEach())
    for name, request, raised in told:
        error = ValueError("no such host")
        info = (type(error), error, None) if raised else None
        handler.handle(logging.LogRecord(name, logging.ERROR, "", 0, f"said by {name}", (), info))
        record = logging.LogRecord(name, logging.ERROR, "", 0, f"of a request, by {name}", (), info)
        record.request = request
        handler.handle(record)
    return stream.getvalue().splitlines()


def test_a_wrong_host_makes_one_line_without_a_traceback() -> None:
    request = SimpleNamespace()
    said = lines_of(("django.security.DisallowedHost", request, True), ("django.request", request, False))
    assert said == [
        "said by django.security.DisallowedHost",
        "of a request, by django.security.DisallowedHost",
        "said by django.request",
    ]


def test_what_else_went_wrong_keeps_its_traceback() -> None:
    said = lines_of(("django.request", SimpleNamespace(), True))
    assert said == [
        "said by django.request",
        "ValueError: no such host",
        "of a request, by django.request",
        "ValueError: no such host",
    ]
