import logging

import pytest

from broadsheet.lib.redacted import WithoutSecrets


@pytest.mark.parametrize(
    ("message", "arguments", "written"),
    [
        ("Not Found: %s", ("/feeds/own/bs_abc-DEF_123456/digest.atom",), "Not Found: /feeds/own/bs_…/digest.atom"),
        ("Bearer bs_0123456789abcdef!", (), "Bearer bs_…!"),
        ("%d jobs_done_already in bs_x", (3,), "3 jobs_done_already in bs_x"),
        ("100 %", (), "100 %"),
        ("Gone: %s", (f"/confirm/{'a-_9' * 10}xyz.bWU.7.0...1764000000",), "Gone: /confirm/…"),
    ],
)
def test_secrets_are_not_written(message: str, arguments: tuple[object, ...], written: str) -> None:
    record = logging.LogRecord("x", logging.WARNING, "x", 1, message, arguments, None)
    assert WithoutSecrets().filter(record)
    assert record.getMessage() == written
