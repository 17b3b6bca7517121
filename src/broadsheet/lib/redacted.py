"""Log lines without the secrets that stand in addresses."""

import logging
import re
from typing import Final

_SECRET: Final = re.compile(r"\bbs_[\w-]{8,}", re.ASCII)
# The signed links of mails: a signature, and what it signs.
_LINK: Final = re.compile(r"(?<=/)[\w-]{43}\.[\w.-]+", re.ASCII)


class WithoutSecrets(logging.Filter):
    """Leaves tokens of readers and of mails out of what is logged, such as the address of a page that was not found."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Let every record pass, without secrets."""
        message = record.getMessage()
        shown = _LINK.sub("\N{HORIZONTAL ELLIPSIS}", _SECRET.sub("bs_\N{HORIZONTAL ELLIPSIS}", message))
        if shown != message:
            record.msg, record.args = shown, ()
        return True
