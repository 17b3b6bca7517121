"""Signatures are checked by dkimpy against a DNS that holds the records we tell people to publish."""

import base64
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from types import SimpleNamespace

import dkim
import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1
from cryptography.hazmat.primitives.asymmetric.ec import generate_private_key as elliptic
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from dkim.canonicalization import Relaxed
from hypothesis import given, settings
from hypothesis import strategies as st

from broadsheet.mail.dkim import SIGNED, Signer, make_key, read_key, relaxed_body
from broadsheet.mail.messages import build
from broadsheet.mail.tests.test_messages import LETTER

NOON = datetime(2026, 3, 3, 12, tzinfo=UTC)
RSA = make_key("lab.example", "rsa1")
ED25519 = make_key("lab.example", "ed1", algorithm="ed25519")
DNS = {f"{key.record.name}.".encode(): key.record.text.encode() for key in (RSA, ED25519)}
SIGNER = Signer("lab.example", [read_key("rsa1", RSA.pem), read_key("ed1", ED25519.pem)], clock=lambda: NOON)
SENT = SIGNER.sign(build(LETTER))


class Public:
    """Stands where dkimpy looks for PyNaCl, with the Ed25519 of `cryptography`."""

    def __init__(self, text: bytes, encoder: object) -> None:
        self.key = Ed25519PublicKey.from_public_bytes(base64.b64decode(text))

    def verify(self, message: bytes, signature: bytes) -> None:
        self.key.verify(signature, message)


@pytest.fixture(autouse=True)
def _ed25519_for_dkimpy(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    nacl = SimpleNamespace(
        signing=SimpleNamespace(VerifyKey=Public),
        encoding=SimpleNamespace(Base64Encoder=None),
        exceptions=SimpleNamespace(BadSignatureError=InvalidSignature, ValueError=ValueError),
    )
    monkeypatch.setattr(dkim, "nacl", nacl, raising=False)
    yield


def verified(message: bytes, which: int) -> bool:
    try:
        return bool(dkim.DKIM(message).verify(idx=which, dnsfunc=lambda name, timeout=5: DNS.get(name)))
    except dkim.DKIMException:
        return False


def test_both_signatures_hold() -> None:
    assert (verified(SENT, 0), verified(SENT, 1)) == (True, True)
    assert SENT.endswith(build(LETTER))


def test_a_letter_with_little_in_it_is_signed_too() -> None:
    few = replace(LETTER, list_id="", unsubscribe_url="", unsubscribe_mailto="", html="", text="", feedback_id="")

    assert verified(SIGNER.sign(build(few)), 0)


@pytest.mark.parametrize(
    "change",
    [
        lambda sent: sent.replace(b"/digest/stop/abc", b"/digest/stop/eve"),
        lambda sent: sent.replace(b"Subject: Ten", b"Subject: Two"),
        lambda sent: sent.replace(b"One paper.", b"Two paper."),
        lambda sent: sent.replace(b"To: ada", b"To: eve"),
        lambda sent: sent.replace(b"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n", b""),
        lambda sent: sent.replace(b"From:", b"From: eve@evil.example\r\nFrom:", 1),
        lambda sent: sent.replace(b"Subject:", b"Subject: Another\r\nSubject:", 1),
        lambda sent: b"Reply-To: eve@evil.example\r\n" + sent,
        lambda sent: sent + b"more\r\n",
    ],
)
def test_a_change_on_the_way_breaks_both(change: Callable[[bytes], bytes]) -> None:
    changed = change(SENT)

    assert changed != SENT
    assert (verified(changed, 0), verified(changed, 1)) == (False, False)


def test_new_folds_and_blanks_on_the_way_break_nothing() -> None:
    changed = SENT.replace(b"Subject: Ten papers", b"subject:  Ten\r\n\tpapers") + b"\r\n\r\n"

    assert (verified(changed, 0), verified(changed, 1)) == (True, True)


def test_the_headers_that_receivers_ask_for_are_signed() -> None:
    signed = re.search(rb"h=([^;]*);", SENT)

    assert signed
    names = re.sub(r"\s", "", signed[1].decode()).split(":")
    assert set(names) == set(SIGNED)
    assert all(names.count(name) == 2 for name in ("from", "list-unsubscribe", "list-unsubscribe-post", "feedback-id"))
    assert b"t=1772539200;" in SENT


@settings(max_examples=25, deadline=None)
@given(st.lists(st.sampled_from([b"\r\n", b" ", b"\t", b"a", b"b.", b"  ", b"=20"]), max_size=30).map(b"".join))
def test_the_body_has_the_canonical_form_of_dkimpy(body: bytes) -> None:
    assert relaxed_body(body) == Relaxed.canonicalize_body(body)


@settings(max_examples=25, deadline=None)
@given(st.text(max_size=60), st.text(max_size=200), st.sampled_from(["", "Étude 日本", "a" * 200]))
def test_whatever_is_written_can_be_signed(subject: str, text: str, name: str) -> None:
    sent = SIGNER.sign(build(replace(LETTER, subject=subject, text=text, sender_name=name)))

    assert verified(sent, 0)
    assert max(map(len, sent.split(b"\r\n"))) <= 998


@pytest.mark.parametrize("message", [b"From: a\nTo: b\n\nx\n", b"From: a\r\n\r\nx\ry\r\n", b"To: b\r\n\r\nx\r\n"])
def test_what_is_not_ready_to_be_sent_is_not_signed(message: bytes) -> None:
    with pytest.raises(ValueError, match="sign"):
        SIGNER.sign(message)


def test_keys_of_openssl_of_before_are_read_too() -> None:
    old = read_key("rsa1", RSA.pem).private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )

    assert verified(Signer("lab.example", [read_key("rsa1", old)], clock=lambda: NOON).sign(build(LETTER)), 0)


def test_what_is_no_key_is_refused_in_words() -> None:
    other = elliptic(SECP256R1())
    short = generate_private_key(65537, 1024)
    assert read_key("s", _pem(short)).algorithm == "rsa-sha256"
    for pem, says in ((b"nonsense", "not a private key"), (_pem(other), "neither RSA nor Ed25519")):
        with pytest.raises(ValueError, match=says):
            read_key("s", pem)
    with pytest.raises(ValueError, match="selector"):
        read_key("a b", RSA.pem)


def test_the_record_fits_into_the_strings_of_a_zone_file() -> None:
    line = RSA.record.zone_line()
    strings = re.findall(r'"([^"]*)"', line)

    assert line.startswith("rsa1._domainkey.lab.example. IN TXT ( ")
    assert "".join(strings) == RSA.record.text
    assert max(map(len, strings)) <= 255


def _pem(key: object) -> bytes:
    found: bytes = key.private_bytes(  # type: ignore[attr-defined]
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return found
