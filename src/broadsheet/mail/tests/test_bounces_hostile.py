import json
import random

import pytest

from broadsheet.lib.tests.quick import within
from broadsheet.mail.bounces.read import read
from broadsheet.mail.tests.bounce_messages import block, mail, report

PIECES = ["a", " ", "<", "-", "@", ".", "5.", "550 ", "a@", "a@b.", "user ", "mailbox ", "recipient address rejected "]
PIECES += ["host ", "(", "=?", '"', "|", "{", "[", '{"a":', "a:", "a: b\n", "<a@b.c>:\n", "<a ", "<style>", "not be "]
PIECES += ["Final-Recipient: rfc822; a@b.c\n\n", "To: a@b.c, ", "\0", "\r", "\n", "&#65;", "> ", "unknown ", "sender "]
NESTED = "".join(f'Content-Type: multipart/mixed; boundary="b{depth}"\n\n--b{depth}\n' for depth in range(2_000))


@pytest.mark.slow
@pytest.mark.parametrize("piece", PIECES)
def test_no_text_is_slow_however_it_repeats(piece: str) -> None:
    long, lines = piece * (300_000 // len(piece)), (piece * (1_500 // len(piece)) + "\n") * 200
    raws = [mail(long), mail(lines), mail(long, Content_Type="text/html"), mail("", subject=long)]

    for raw in [*raws, report(block("a@b.c", said=long))]:
        with within(3):
            read(raw)


def test_parts_within_parts_cost_no_more_than_their_size() -> None:
    with within(3):
        read(NESTED.encode())


@pytest.mark.parametrize(
    "charset", ["punycode", "idna", "unicode_escape", "zlib", "utf-7", "utf-16", "no-such", "mbcs"]
)
def test_no_charset_breaks_it(charset: str) -> None:
    junk = bytes(random.Random(1).randrange(256) for _ in range(5_000))

    read(mail("", Content_Type=f"text/plain; charset={charset}") + junk)
    read(mail("x", subject=f"=?{charset}?B?////AAA=?= =?{charset}?Q?=FF?="))


@pytest.mark.parametrize(
    "told",
    [
        {"notificationType": "Bounce", "bounce": []},
        {
            "notificationType": "Bounce",
            "bounce": {"bouncedRecipients": [1, {"emailAddress": [], "status": {}}]},
            "mail": 3,
        },
        {"notificationType": "Delivery", "delivery": {"recipients": {"a": 1}, "smtpResponse": None}},
        {"Message": "{" * 10_000},
    ],
)
def test_json_of_any_shape_is_read_or_left(told: object) -> None:
    read(mail(json.dumps(told)))


def test_half_a_character_in_json_can_be_written_down() -> None:
    raw = mail('{"notificationType": "Bounce", "bounce": {"bouncedRecipients": [{"emailAddress": "a\\ud800@b.c"}]}}')

    assert read(raw).recipients[0].address.encode()


def test_json_nested_beyond_reason_is_left() -> None:
    assert read(mail('{"a":' * 50_000 + "1" + "}" * 50_000)).kind == "unknown"


def test_no_damage_raises() -> None:
    chance = random.Random(5)
    whole = report(block("ada@there.example", status="5.1.1", said="550 5.1.1 User unknown") * 3)
    for _ in range(100):
        raw = bytearray(whole)
        for _ in range(chance.randrange(1, 30)):
            at = chance.randrange(len(raw) + 1)
            raw[at : at + chance.randrange(40)] = bytes([chance.choice(b'\0\n\r:;<>@="\xff')]) * chance.randrange(20)
        read(bytes(raw))


@pytest.mark.parametrize("raw", [b"", b"\n\n\n", b"\0", b"\xff" * 100, b":", b"--\n--", b"From \n"])
def test_almost_nothing_is_unknown(raw: bytes) -> None:
    assert read(raw).kind == "unknown"
