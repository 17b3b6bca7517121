"""Ways for a mail to leave: a mail server, a service of mail, or a folder in a dry run.

`ready` makes all of a mail that can fail to be made; what it gives hands the mail in and tells what was said to it.
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from email.utils import parseaddr
from pathlib import Path
from typing import Any, Final, Protocol
from urllib.parse import urlsplit

from anymail.exceptions import (
    AnymailAPIError,
    AnymailConfigurationError,
    AnymailError,
    AnymailRecipientsRefused,
)
from django.conf import settings
from django.core.mail import EmailMultiAlternatives, get_connection

from broadsheet.lib.files import write_whole
from broadsheet.mail import dkim, smtp
from broadsheet.mail.messages import Letter, build, mailbox
from broadsheet.mail.smtp import Accepted, Lost, Outcome, Refused

HandIn = Callable[[], Outcome]
# Answers of a gateway: the service behind it may have taken the mail all the same.
PERHAPS_TAKEN: Final = (502, 504)
NEVER_CONNECTED: Final = {"ConnectTimeout", "SSLError", "ProxyError", "NewConnectionError", "ConnectTimeoutError"}
NOT_LET_IN: Final = (401, 402, 403)
NOT_NOW: Final = (408, 425, 429)


class Transport(Protocol):
    """A way for mails to leave."""

    def ready(self, letter: Letter, envelope: str, token: str) -> HandIn:
        """Make a mail. envelope: the address that bounces go to; token: its name. Raises Unsendable."""

    def close(self) -> None:
        """Let go of connections."""


@dataclass(frozen=True)
class MailServer:
    """Hands signed mails to a server by SMTP."""

    pool: smtp.Pool
    signer: dkim.Signer | None

    def ready(self, letter: Letter, envelope: str, token: str) -> HandIn:
        """Write and sign the message."""
        message = signed(letter, self.signer)
        return lambda: self.pool.send(envelope, letter.to, message)

    def close(self) -> None:
        """Say goodbye."""
        self.pool.close()


class Service:
    """Hands mails to a service by its programming interface; it signs them itself.

    backend: of django-anymail, with its options; the site's own without.
    """

    def __init__(self, backend: str | None = None, options: Mapping[str, Any] | None = None) -> None:
        # What a service does not know is left out: the mail is whole without it.
        self.connection = get_connection(backend, **{"ignore_unsupported_features": True, **(options or {})})
        self.is_open = False

    def ready(self, letter: Letter, envelope: str, token: str) -> HandIn:
        """Make the message as Django knows it; building it as bytes too checks every address and header."""
        build(letter)
        message = _as_django(letter, envelope, token)
        return lambda: self._send(message)

    def close(self) -> None:
        """Let go of the connection."""
        if self.is_open:
            self.connection.close()
            self.is_open = False

    def _send(self, message: EmailMultiAlternatives) -> Outcome:
        try:
            self.is_open = bool(self.connection.open()) or self.is_open
            self.connection.send_messages([message])
        except (AnymailError, AnymailConfigurationError) as problem:
            return outcome_of(problem)
        status = getattr(message, "anymail_status", None)
        return Accepted(f"{'/'.join(sorted(status.status or ()))} {status.message_id}" if status else "taken")


def _as_django(letter: Letter, envelope: str, token: str) -> EmailMultiAlternatives:
    headers = dict(letter.headers) | {"Message-ID": letter.message_id, "Auto-Submitted": "auto-generated"}
    if letter.list_id:
        headers["List-Id"] = f"<{letter.list_id}>"
    if ways := [way for way in (letter.unsubscribe_url, letter.unsubscribe_mailto) if way]:
        headers["List-Unsubscribe"] = ", ".join(f"<{way}>" for way in ways)
    if letter.unsubscribe_url.startswith("https://"):
        headers["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    if letter.feedback_id:
        headers["Feedback-ID"] = letter.feedback_id
    # Folding is the service's own affair.
    sender = mailbox("From", letter.sender_name, letter.sender).replace("\r\n", "")
    message = EmailMultiAlternatives(
        " ".join(letter.subject.split()), letter.text, sender, [letter.to], headers=headers
    )
    if letter.html:
        message.attach_alternative(letter.html, "text/html")
    message.envelope_sender = envelope  # type: ignore[attr-defined]
    message.metadata = {"mail": token}  # type: ignore[attr-defined]
    message.track_clicks = message.track_opens = False  # type: ignore[attr-defined]
    return message


def outcome_of(problem: Exception) -> Outcome:
    """Tell what a service's error says of the mail."""
    words = " ".join(str(problem).split())[:300]
    if isinstance(problem, AnymailRecipientsRefused):
        return Refused(550, "", words, permanent=True, at="recipient")
    if isinstance(problem, AnymailConfigurationError):
        return Refused(535, "", words, permanent=False, at="login")
    if not isinstance(problem, AnymailAPIError):
        return Refused(554, "", words, permanent=True, at="message")
    code = problem.status_code
    if code is None:
        return Lost(words, in_doubt=not _was_never_there(problem))
    if 200 <= code < 300 or code in PERHAPS_TAKEN:
        return Lost(words, in_doubt=True)
    if code in NOT_LET_IN:
        return Refused(code, "", words, permanent=False, at="login")
    if code in NOT_NOW or code >= 500:
        return Refused(code, "", words, permanent=False, at="connection")
    return Refused(code, "", words, permanent=True, at="message")


def _was_never_there(problem: BaseException) -> bool:
    """Whether the service cannot have heard of the mail: the connection was never made."""
    cause = problem.__cause__
    reason = getattr(cause.args[0], "reason", None) if cause and cause.args else None
    # By their names: what speaks to the network is anymail's own affair.
    kinds = {kind.__name__ for error in (problem, reason) for kind in type(error).__mro__}
    return bool(kinds & NEVER_CONNECTED)


@dataclass(frozen=True)
class Folder:
    """Writes mails into files, as they would be sent."""

    path: Path
    signer: dkim.Signer | None

    def ready(self, letter: Letter, envelope: str, token: str) -> HandIn:
        """Write and sign the message, with the sender of the envelope on top as a receiver would."""
        message = f"Return-Path: <{envelope}>\r\n".encode() + signed(letter, self.signer)
        path = self.path / f"{token}.eml"

        def write() -> Outcome:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_whole(path, message, mode=0o600)
            return Accepted(str(path))

        return write

    def close(self) -> None:
        """Nothing is open."""


def signed(letter: Letter, signer: dkim.Signer | None) -> bytes:
    """Write a letter, signed where there is a key."""
    message = build(letter)
    return signer.sign(message) if signer else message


def chosen(*, dry: bool | None = None) -> Transport | None:
    """The way that the settings choose; None where there is none.

    Raises ValueError, in words for the operator, where a key or the address of the server is no good.
    """
    config = settings.CONFIG
    if config.mail_dry_run if dry is None else dry:
        return Folder(config.home / "mail" / "dry", signer())
    if config.mail_provider:
        return Service()
    if config.mail_url:
        return MailServer(smtp.Pool(smtp.server(config.mail_url, hello=_hello())), signer())
    return None


def signer() -> dkim.Signer | None:
    """The signer that the settings choose; None where no key is named. Raises ValueError."""
    config = settings.CONFIG
    named = [(config.dkim_selector, config.dkim_key), (config.dkim_ed25519_selector, config.dkim_ed25519_key)]
    keys = [dkim.read_key(selector, _pem(config.home / name)) for selector, name in named if name]
    if not keys:
        return None
    return dkim.Signer(config.dkim_domain or sender_host(), keys)


def sender_host() -> str:
    """The domain that mails come from."""
    return parseaddr(settings.DEFAULT_FROM_EMAIL)[1].rpartition("@")[2].lower() or "localhost"


def _pem(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as problem:
        raise ValueError(f"the DKIM key {path} cannot be read: {problem.strerror}") from problem


def _hello() -> str:
    """What we call ourselves: where the site is, as servers want a name with a dot."""
    host = ""
    with suppress(ValueError):
        host = urlsplit(settings.CONFIG.public_url).hostname or ""
    return host if "." in host and not host.replace(".", "").isdigit() else "[127.0.0.1]"
