"""Addresses in text."""

import re

_LOCAL = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}"
_DOMAIN = r"[A-Za-z0-9_-]{1,63}(?:\.[A-Za-z0-9_-]{1,63}){0,12}"
# The look-behind keeps a search over a long run of letters linear: only the start of a word is tried.
ADDRESS = re.compile(rf"(?<![A-Za-z0-9._+-])(?:\"[^\"\n]{{1,64}}\"|{_LOCAL})@{_DOMAIN}")
_TYPE = re.compile(r"^\s*[\w.-]{1,30}\s*;")
_PIPE = re.compile(r"^[\s|\"]*[/|]")


def clean(address: str) -> str:
    """An address without what stands around it, in lower case."""
    return address.strip().strip("<>()[],;:'`. \t").lower().removeprefix("mailto:").removeprefix("smtp:")


def addresses_in(text: str) -> list[str]:
    """Addresses in order, each once, in lower case."""
    return list(dict.fromkeys(clean(found[0]) for found in ADDRESS.finditer(text)))


def address_of_field(value: str) -> str:
    """The address of a field like "rfc822; ada@example.org", or ""; a file or program a mail was piped to is none."""
    value = _TYPE.sub("", value, count=1)
    if _PIPE.match(value):
        return ""
    return next(iter(addresses_in(value)), "")


def local_part(address: str) -> str:
    """What stands before the @."""
    return address.rpartition("@")[0] or address
