"""Addresses as a page may show them: enough to know which one it is, not enough to use it."""

from typing import Final
from urllib.parse import urlsplit

_SHOWN: Final = 4
# A shorter one would be told by its last letters.
_LEAST: Final = 12


def masked(target: str) -> str:
    """Give an address as scheme://host/…last4; of a chat's own scheme the host is a token too and stays out."""
    scheme, _colon, rest = target.partition("://")
    is_web = scheme.lower() in ("http", "https")
    last = f"…{rest[-_SHOWN:]}" if len(rest) >= _LEAST else "…"
    return f"{scheme}://{host_of(target)}/{last}" if is_web else f"{scheme}://{last}"


def host_of(target: str) -> str:
    """Give the host of a web address without name and password; "" where there is none."""
    try:
        return urlsplit(target).hostname or ""
    except ValueError:
        return ""


def without(text: str, target: str) -> str:
    """Take an address, and the parts of it that may be secret, out of a sentence."""
    text = text.replace(target, masked(target))
    rest = target.partition("://")[2]
    secret = rest if not target.lower().startswith("http") else rest.partition("/")[2]
    parts = {secret, secret.partition("?")[0], *secret.replace("?", "/").replace("&", "/").replace("=", "/").split("/")}
    for part in sorted(parts, key=len, reverse=True):
        if len(part) >= 8:
            text = text.replace(part, "…")
    return text
