"""Log lines of requests for a host that is not this site: one each, without a traceback."""

import logging
from typing import Final

REFUSED: Final = "django.security.DisallowedHost"
# What remembers, on the request, that its line is written.
MARK: Final = "_wrong_host_is_told"


class OneLineEach(logging.Filter):
    """Shortens what is logged when somebody asks for a wrong host, as robots that try every address do all day."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Let one record of such a request pass, without its traceback."""
        request = getattr(record, "request", None)
        if record.name == REFUSED:
            record.exc_info = record.exc_text = None
            if request is not None:
                setattr(request, MARK, True)
            return True
        return not getattr(request, MARK, False)
