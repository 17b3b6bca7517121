"""A mailbox on loopback that speaks as much of IMAP, over TLS, as the tests need."""

import base64
import re
import socketserver
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

Words = list[str]
USER, PASSWORD = "bounces@lab.example", 'pass "word" ö'


@dataclass
class Box:
    """The state of the mailbox, and what can go wrong with it."""

    messages: dict[int, bytes]
    flags: dict[int, set[str]] = field(default_factory=dict)
    moved: list[int] = field(default_factory=list)
    folders: set[str] = field(default_factory=lambda: {"INBOX"})
    said: list[str] = field(default_factory=list)
    can_move: bool = True
    can_mark: bool = True
    hangs_up_at: int = 0
    port: int = 0

    def unread(self) -> list[int]:
        return [uid for uid in self.messages if not {"\\Seen", "\\Flagged"} & self.flags.get(uid, set())]


class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True
    box: Box
    tls: ssl.SSLContext

    def handle_error(self, request: object, client_address: object) -> None:
        """Callers that hang up are what is tested."""


class Handler(socketserver.StreamRequestHandler):
    server: Server
    # Each line goes out at once: else it waits 40 ms for the client to confirm the one before.
    disable_nagle_algorithm = True

    def setup(self) -> None:
        self.request = self.server.tls.wrap_socket(self.request, server_side=True)
        super().setup()

    def finish(self) -> None:
        super().finish()
        self.request.close()

    def handle(self) -> None:
        self.say("* OK ready")
        while line := self.rfile.readline().decode().strip():
            tag, _blank, command = line.partition(" ")
            self.server.box.said.append(command)
            words = command.removeprefix("UID ").split(" ")
            result = getattr(self, words[0].lower())(words, command)
            if not result:
                return
            self.say(f"{tag} {result}")

    def say(self, text: str) -> None:
        self.wfile.write(text.encode() + b"\r\n")

    def capability(self, words: Words, command: str) -> str:
        self.say(f"* CAPABILITY IMAP4rev1 AUTH=PLAIN{' MOVE' if self.server.box.can_move else ''}")
        return "OK done"

    def authenticate(self, words: Words, command: str) -> str:
        self.say("+ ")
        given = base64.b64decode(self.rfile.readline()).decode().split("\0")
        return "OK in" if given == ["", USER, PASSWORD] else "NO [AUTHENTICATIONFAILED] no"

    def select(self, words: Words, command: str) -> str:
        found = command.partition(" ")[2].strip('"') in self.server.box.folders
        return "OK [READ-WRITE] open" if found else "NO no such folder"

    def list(self, words: Words, command: str) -> str:
        for folder in self.server.box.folders & {words[2]}:
            self.say(f'* LIST () "/" {folder}')
        return "OK done"

    def create(self, words: Words, command: str) -> str:
        self.server.box.folders.add(words[1])
        return "OK done"

    def search(self, words: Words, command: str) -> str:
        self.say("* SEARCH " + " ".join(map(str, self.server.box.unread())))
        return "OK done"

    def store(self, words: Words, command: str) -> str:
        found = re.search(r"\((.*)\)", command)
        if not self.server.box.can_mark or not found:
            return "NO read-only"
        self.server.box.flags.setdefault(int(words[1]), set()).add(found[1])
        return "OK done"

    def move(self, words: Words, command: str) -> str:
        self.server.box.moved.append(int(words[1]))
        del self.server.box.messages[int(words[1])]
        return "OK done"

    def logout(self, words: Words, command: str) -> str:
        self.say("* BYE")
        return "OK bye"

    def fetch(self, words: Words, command: str) -> str:
        box, uid = self.server.box, int(words[1])
        if uid == box.hangs_up_at:
            return ""
        most = re.search(r"BODY\.PEEK\[\]<0\.(\d+)>", command)
        if uid in box.messages and most:
            raw = box.messages[uid][: int(most[1])]
            self.wfile.write(b"* 1 FETCH (UID %d BODY[]<0> {%d}\r\n%b)\r\n" % (uid, len(raw), raw))
        return "OK done"


@contextmanager
def serving(*messages: bytes, folder: Path) -> Iterator[tuple[Box, ssl.SSLContext]]:
    """Serve a mailbox; gives it, and a context that trusts its certificate alone. folder: for the certificate."""
    tls, trusting = _certified(folder)
    box = Box(dict(enumerate(messages, 1)))
    with Server(("127.0.0.1", 0), Handler) as server:
        server.box, server.tls = box, tls
        box.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield box, trusting
        finally:
            server.shutdown()
            thread.join()


def _certified(folder: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path = folder / "certificate.pem"
    path.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(path)
    return server, ssl.create_default_context(cadata=made.public_bytes(serialization.Encoding.PEM).decode())
