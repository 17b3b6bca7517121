"""Addresses that mail may go to: one form for each, and none that could say more than an address in a header."""

import re
from typing import Final

from django.utils.encoding import punycode
from django.utils.translation import gettext as _

from broadsheet.readers import accounts
from broadsheet.readers.refused import Refused

# RFC 5321, section 4.5.3.1.1.
LONGEST_LOCAL: Final = 64
# Quoted local parts may hold line breaks by RFC 5322, and a host may be a bare number; nobody reads mail there.
_PLAIN: Final = re.compile(r"[^\s\"()<>,:;\\\[\]]+@[a-z0-9.-]+", re.ASCII)


def written(text: str) -> str:
    """Give an address in lower case, its host in ASCII (RFC 5890). Raises Refused where mail can go to none such."""
    local, _at, host = accounts.check_email(text).rpartition("@")
    try:
        address = f"{local}@{punycode(host)}"
    except UnicodeError:
        raise Refused(_("This is no mail address.")) from None
    if not _PLAIN.fullmatch(address) or len(local) > LONGEST_LOCAL or len(address) > 254:
        raise Refused(_("This is no mail address."))
    return address


def host_of(address: str) -> str:
    """Give what stands after the @."""
    return address.rpartition("@")[2]
