"""Where a request comes from, and where this site is. One answer for all: rate limits, lockout and ours."""

import ipaddress
from typing import Final

from django.conf import settings
from django.http import HttpRequest

from broadsheet.lib.files import write_whole

# Stands for an address that is not known, as on a Unix socket; all who have none share it.
UNKNOWN: Final = "0.0.0.0"


def client_address(request: HttpRequest) -> str:
    """Give the IP address of whoever asks, as text; "0.0.0.0" where it is not known.

    X-Forwarded-For is believed as far as the setting `trusted_proxies` says: with n proxies of the operator's own in
    front, the n-th entry from the right is what the outermost of them saw; what stands left of it anyone can write.
    """
    trusted = settings.CONFIG.trusted_proxies
    entries = request.headers.get("X-Forwarded-For", "").split(",") if trusted else []
    found = entries[-trusted] if trusted and len(entries) >= trusted else request.META.get("REMOTE_ADDR", "")
    return _address(found) or _address(request.META.get("REMOTE_ADDR", "")) or UNKNOWN


def is_loopback(address: str) -> bool:
    """Whether an IP address, or the host name of a request, is this machine's own."""
    name = address.removeprefix("[").removesuffix("]").lower()
    if name == "localhost":
        return True
    plain = _address(name)
    return bool(plain) and ipaddress.ip_address(plain).is_loopback


def site_address() -> str:
    """Give the address under which readers reach the site, with a slash at its end.

    Without the setting `public_url` it is where the site was last started, or where it starts unasked.
    """
    if settings.CONFIG.public_url:
        return f"{settings.CONFIG.public_url}/"
    noted = settings.CONFIG.home / "address"
    return noted.read_text().strip() if noted.exists() else "http://localhost:8000/"


def note_address(address: str) -> None:
    """Remember where the site was started, for links that commands print."""
    write_whole(settings.CONFIG.home / "address", address.encode())


def _address(text: str) -> str:
    """Bring an address into its one form, without port and brackets; "" for what is none."""
    plain = text.strip()[:100]
    if plain.startswith("["):
        plain = plain[1:].partition("]")[0]
    elif plain.count(":") == 1:
        plain = plain.partition(":")[0]
    try:
        found = ipaddress.ip_address(plain.partition("%")[0])
    except ValueError:
        return ""
    mapped = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
    return str(mapped or found)
