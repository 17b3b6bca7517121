"""Signs mails by DKIM (RFC 6376) with an RSA key and, beside it, an Ed25519 key (RFC 8463).

dkimpy reads and selects the headers; the body is put into its canonical form and the keys are used here, because in
pure Python these two are most of what signing costs. The tests hold both against dkimpy.
"""

import base64
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from dkim import select_headers
from dkim.canonicalization import Relaxed

from broadsheet.lib.clock import Clock, now
from broadsheet.mail.messages import host

# Each is named once more than it is there, so that none can be added without breaking the signature.
SIGNED = (
    *("from", "to", "reply-to", "subject", "date", "message-id"),
    *("mime-version", "content-type", "content-transfer-encoding"),
    *("list-id", "list-unsubscribe", "list-unsubscribe-post", "feedback-id", "auto-submitted"),
)
SHORTEST_RSA = 1024
SELECTOR = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*")

PrivateKey = RSAPrivateKey | Ed25519PrivateKey
Headers = list[tuple[bytes, bytes]]


@dataclass(frozen=True, slots=True)
class Key:
    """A private key and the selector under which its public half stands in the DNS."""

    selector: str
    private: PrivateKey

    @property
    def algorithm(self) -> str:
        """The name that a signature gives it."""
        return "rsa-sha256" if isinstance(self.private, RSAPrivateKey) else "ed25519-sha256"

    def sign(self, digest: bytes) -> bytes:
        """Sign a SHA-256 digest."""
        if isinstance(self.private, RSAPrivateKey):
            return self.private.sign(digest, PKCS1v15(), Prehashed(hashes.SHA256()))
        return self.private.sign(digest)


@dataclass(frozen=True, slots=True)
class Record:
    """A TXT record to add to the DNS: its full name and its text."""

    name: str
    text: str

    def zone_line(self) -> str:
        """Write it as a zone file wants it, cut into strings of at most 255 characters."""
        strings = " ".join(f'"{self.text[at : at + 255]}"' for at in range(0, len(self.text), 255))
        return f"{self.name}. IN TXT ( {strings} )"


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key made just now: the private half as PEM (PKCS #8), and the record for its public half."""

    pem: bytes
    record: Record


def read_key(selector: str, pem: bytes) -> Key:
    """Read a private key, RSA (PKCS #1 or #8) or Ed25519. Raises ValueError, in words for the operator."""
    if not SELECTOR.fullmatch(selector):
        raise ValueError(f"{selector!r} cannot be a DKIM selector: letters, digits and hyphens are wanted")
    try:
        private = serialization.load_pem_private_key(pem, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise ValueError("the DKIM key is not a private key in PEM without a password") from error
    if not isinstance(private, RSAPrivateKey | Ed25519PrivateKey):
        raise ValueError("the DKIM key is neither RSA nor Ed25519")
    if isinstance(private, RSAPrivateKey) and private.key_size < SHORTEST_RSA:
        raise ValueError(f"the DKIM key has {private.key_size} bits; receivers want 2048")
    return Key(selector, private)


def make_key(domain: str, selector: str, *, algorithm: str = "rsa", bits: int = 2048) -> NewKey:
    """Make a key, "rsa" or "ed25519", and tell the record to publish."""
    if algorithm not in ("rsa", "ed25519"):
        raise ValueError("a DKIM key is rsa or ed25519")
    private = generate_private_key(65537, bits) if algorithm == "rsa" else Ed25519PrivateKey.generate()
    pem = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return NewKey(pem, record(domain, Key(selector, private)))


def record(domain: str, key: Key) -> Record:
    """Tell the TXT record that lets receivers check what `key` signs for `domain`."""
    public = key.private.public_key()
    if isinstance(key.private, RSAPrivateKey):
        kind, data = (
            "rsa",
            public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo),
        )
    else:
        kind, data = "ed25519", public.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    text = f"v=DKIM1; k={kind}; p={base64.b64encode(data).decode('ascii')}"
    return Record(f"{key.selector}._domainkey.{host(domain)}", text)


class Signer:
    """Signs messages for one domain, with one signature for each key."""

    def __init__(self, domain: str, keys: Sequence[Key], *, clock: Clock = now) -> None:
        if not keys:
            raise ValueError("nothing can be signed without a key")
        self.domain = host(domain)
        self.keys = tuple(keys)
        self.clock = clock

    def sign(self, message: bytes) -> bytes:
        """Give the message with its signatures in front, relaxed/relaxed.

        Raises ValueError if a line ends in anything but CRLF, or there is no From to sign.
        """
        head, body = _split(message)
        headers = _headers(head)
        names = [name.decode("ascii") for name, _value in headers]
        if "from" not in names:
            raise ValueError("a message without From cannot be signed")
        signed = [name for wanted in SIGNED for name in [wanted] * (names.count(wanted) + 1)]
        selected = select_headers(headers, [name.encode("ascii") for name in signed])
        hashed = b"".join(name + b":" + value for name, value in selected)
        body_hash = base64.b64encode(hashlib.sha256(relaxed_body(body)).digest()).decode("ascii")
        moment = int(self.clock().timestamp())
        return b"".join(self._signature(key, moment, signed, hashed, body_hash) for key in self.keys) + message

    def _signature(self, key: Key, moment: int, signed: list[str], hashed: bytes, body_hash: str) -> bytes:
        tags = (
            f"v=1; a={key.algorithm}; c=relaxed/relaxed; d={self.domain}; s={key.selector};\r\n"
            f" t={moment}; h={_folded(signed)};\r\n bh={body_hash};\r\n b="
        ).encode("ascii")
        unsigned = Relaxed.canonicalize_headers([(b"DKIM-Signature", tags)])[0][1].rstrip()
        digest = hashlib.sha256(hashed + b"dkim-signature:" + unsigned).digest()
        signature = base64.b64encode(key.sign(digest))
        lines = b"\r\n ".join(signature[at : at + 72] for at in range(0, len(signature), 72))
        return b"DKIM-Signature: " + tags + lines + b"\r\n"


def relaxed_body(body: bytes) -> bytes:
    """Put a body with CRLF line ends into its relaxed form (RFC 6376, 3.4.4)."""
    text = body.replace(b"\t", b" ")
    while b"  " in text:
        text = text.replace(b"  ", b" ")
    text = text.replace(b" \r\n", b"\r\n").rstrip(b"\r\n")
    return text + b"\r\n" if text else b""


def _split(message: bytes) -> tuple[bytes, bytes]:
    if message.count(b"\n") != message.count(b"\r\n") or message.count(b"\r") != message.count(b"\r\n"):
        raise ValueError("a message is signed as it is sent: with CRLF at the end of each line and nowhere else")
    head, _blank, body = message.partition(b"\r\n\r\n")
    return head, body


def _headers(head: bytes) -> Headers:
    unfolded = re.sub(rb"\r\n(?=[ \t])", b"", head).split(b"\r\n")
    pairs = [(name, value) for name, colon, value in (line.partition(b":") for line in unfolded) if colon]
    canonical: Headers = Relaxed.canonicalize_headers(pairs)
    return canonical


def _folded(names: list[str]) -> str:
    lines = [names[at : at + 5] for at in range(0, len(names), 5)]
    return ":\r\n  ".join(":".join(line) for line in lines)
