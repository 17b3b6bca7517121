"""What the value of a setting may be: readers of TOML values and of texts from the environment.

Each gives what the program uses, or raises ValueError with what is allowed.
"""

import re
from collections.abc import Callable, Sequence
from datetime import date
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit

ENCODER = re.compile(r"[a-z0-9][a-z0-9._-]{0,39}")
MAILBOX = re.compile(r"[A-Za-z0-9._=-]{1,39}@[A-Za-z0-9.-]+")


def text(value: object) -> str:
    """Read a text."""
    if not isinstance(value, str):
        raise ValueError("a text in quotes")
    return value.strip()


def texts(value: object) -> tuple[str, ...]:
    """Read a list of texts; in the environment they are divided by commas."""
    if isinstance(value, str):
        value = value.split(",")
    if not isinstance(value, list | tuple) or not all(isinstance(item, str) for item in value):
        raise ValueError("a list of texts")
    return tuple(item.strip() for item in value if item.strip())


def dates(value: object) -> tuple[date, ...]:
    """Read a list of days."""
    if isinstance(value, str):
        return dates(value.split(","))
    if not isinstance(value, Sequence):
        raise ValueError("a list of days such as 2026-11-26")
    try:
        return tuple(date.fromisoformat(str(item).strip()) for item in value if item)
    except ValueError:
        raise ValueError("a list of days such as 2026-11-26") from None


def number(least: float, most: float) -> Callable[[Any], float]:
    """Make a reader for a number between two bounds, both allowed."""

    def read(value: object) -> float:
        try:
            found = float(str(value))
        except ValueError:
            found = float("nan")
        if isinstance(value, bool) or not least <= found <= most:
            raise ValueError(f"a number from {least:g} to {most:g}")
        return found

    return read


def whole(least: int, most: int) -> Callable[[Any], int]:
    """Make a reader for a whole number between two bounds, both allowed."""

    def read(value: object) -> int:
        try:
            found = int(str(value))
        except ValueError:
            found = least - 1
        if isinstance(value, bool) or not least <= found <= most:
            raise ValueError(f"a whole number from {least} to {most}")
        return found

    return read


def yes_or_no(value: object) -> bool:
    """Read a truth value."""
    known = {"true": True, "false": False, "1": True, "0": False, "yes": True, "no": False}
    found = known.get(str(value).lower())
    if found is None:
        raise ValueError("true or false")
    return found


def one_of(*allowed: str) -> Callable[[Any], str]:
    """Make a reader for one of a few words."""

    def read(value: object) -> str:
        if value not in allowed:
            raise ValueError("one of " + ", ".join(allowed))
        return str(value)

    return read


def some_of(*allowed: str) -> Callable[[Any], tuple[str, ...]]:
    """Make a reader for a list of a few words."""

    def read(value: object) -> tuple[str, ...]:
        found = texts(value)
        if not set(found) <= set(allowed):
            raise ValueError("a list of " + ", ".join(allowed))
        return found

    return read


def address(value: object) -> str:
    """Read the address of a web server."""
    found = text(value).rstrip("/")
    if found and not ((parts := _parts(found, "http", "https")) and parts.hostname):
        raise ValueError("an address that begins with http:// or https://")
    return found


def mail_server(value: object) -> str:
    """Read where mails are handed in."""
    found = text(value)
    if found and not _parts(found, "smtp", "smtps"):
        raise ValueError("empty, or smtp://user:password@host:port, or smtps:// with TLS at once")
    return found


def mailbox(value: object) -> str:
    """Read one mail address without a name."""
    found = text(value)
    if found and not MAILBOX.fullmatch(found):
        raise ValueError("empty, or an address such as bounces@lab.example")
    return found


def encoder_name(value: object) -> str:
    """Read which encoder is to answer."""
    found = text(value)
    if not ENCODER.fullmatch(found):
        raise ValueError("auto, none, or the name of an encoder such as minilm-int8")
    return found


def imap_mailbox(value: object) -> str:
    """Read where a mailbox is."""
    found = text(value)
    if found and not ((parts := _parts(found, "imaps")) and _names_mailbox(parts)):
        raise ValueError("empty, or imaps://user:password@host/folder, with % and two digits for signs such as @")
    return found


def _names_mailbox(parts: SplitResult) -> bool:
    plain = unquote(parts.geturl()).isprintable() and unquote(parts.path).isascii()
    return bool(parts.hostname and parts.username and parts.password and plain)


def database(value: object) -> str:
    """Read where the record is kept."""
    found = text(value)
    if found and not _parts(found, "postgres", "postgresql"):
        raise ValueError("empty for SQLite, or postgresql://user:password@host:port/name")
    return found


def cluster_head(value: object) -> str:
    """Read where the head of a cluster is."""
    found = text(value)
    host, _, port = found.rpartition(":")
    if found and (not host or not re.fullmatch(r"\d{1,5}", port, re.ASCII) or not 0 < int(port) < 2**16):
        raise ValueError("empty, or host:port of the cluster's head, such as 192.0.2.1:6379")
    return found


def _parts(url: str, *schemes: str) -> SplitResult | None:
    """Take an address apart; None where it has another scheme, or a host or port that cannot be read."""
    try:
        parts = urlsplit(url)
        return parts if parts.scheme in schemes and parts.port != 0 else None
    except ValueError:
        return None
