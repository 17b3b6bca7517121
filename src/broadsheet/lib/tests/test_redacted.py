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
        ("Too Many Requests: %s", ("/join/DVhcBAsDnsDexJZe-s8y0bh37QhoMrQl",), "Too Many Requests: /join/…"),
        (
            "Forbidden: /account/password/reset/key/2-dieknk-214f4dca000afda5/",
            (),
            "Forbidden: /account/password/reset/key/…/",
        ),
        ("Forbidden: /account/confirm-email/MTI:1abcDE:x_Yz-0123/", (), "Forbidden: /account/confirm-email/…/"),
    ],
)
def test_secrets_are_not_written(message: str, arguments: tuple[object, ...], written: str) -> None:
    record = logging.LogRecord("x", logging.WARNING, "x", 1, message, arguments, None)
    assert WithoutSecrets().filter(record)
    assert record.getMessage() == written
