"""Log lines without the secrets that stand in addresses."""

import logging
import re
from typing import Final

_SECRET: Final = re.compile(r"\bbs_[\w-]{8,}", re.ASCII)
# The signed links of mails: a signature, and what it signs.
_LINK: Final = re.compile(r"(/)[\w-]{43}\.[\w.-]+", re.ASCII)
# Invitations, and links that set a password or prove an address.
_DOOR: Final = re.compile(r"(/join/|/password/reset/key/|/confirm-email/)[\w:-]{8,}", re.ASCII)


class WithoutSecrets(logging.Filter):
    """Leaves tokens of readers, invitations and mails out of what is logged, as the address of a page not found."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Let every record pass, without secrets."""
        message = record.getMessage()
        shown = _SECRET.sub("bs_\N{HORIZONTAL ELLIPSIS}", message)
        for secret in (_LINK, _DOOR):
            shown = secret.sub("\\1\N{HORIZONTAL ELLIPSIS}", shown)
        if shown != message:
            record.msg, record.args = shown, ()
        return True
