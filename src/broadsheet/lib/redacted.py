"""Log lines without the secrets that stand in addresses."""

import logging
import re
from typing import Final

_SECRET: Final = re.compile(r"\bbs_[\w-]{8,}", re.ASCII)


class WithoutSecrets(logging.Filter):
    """Writes bs_… for a reader's token in what is logged, such as the address of a page that was not found."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Let every record pass, without secrets."""
        message = record.getMessage()
        if "bs_" in message:
            record.msg, record.args = _SECRET.sub("bs_\N{HORIZONTAL ELLIPSIS}", message), ()
        return True
