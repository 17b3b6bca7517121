"""The services of mail that can stand in for a server: their names, and of which parts their keys are made."""

from collections.abc import Mapping
from typing import Final

# As django-anymail names the parts. What stands after a key's last colon may hold colons itself, as an address does.
KEY_PARTS: Final[Mapping[str, tuple[str, ...]]] = {
    "brevo": ("api_key",),
    "mailersend": ("api_token",),
    "mailgun": ("api_key", "api_url"),
    "mailjet": ("api_key", "secret_key"),
    "mailtrap": ("api_token",),
    "mandrill": ("api_key",),
    "postal": ("api_key", "api_url"),
    "postmark": ("server_token",),
    "resend": ("api_key",),
    "scaleway": ("secret_key", "project_id"),
    "sparkpost": ("api_key", "api_url"),
    "unisender_go": ("api_key", "api_url"),
}
# Parts that have a default at the service itself.
OPTIONAL: Final = frozenset({("mailgun", "api_url"), ("sparkpost", "api_url")})


def key_parts(service: str, key: str) -> dict[str, str]:
    """Take a key apart, written with a colon between its parts. Raises ValueError, in words, without the key."""
    names = KEY_PARTS[service]
    given = key.split(":", len(names) - 1) if key else []
    wanted = [name for name in names if (service, name) not in OPTIONAL]
    if len(given) < len(wanted) or not all(given):
        raise ValueError(f"the key of {service} is written {':'.join(names)}")
    return dict(zip(names, given, strict=False))
