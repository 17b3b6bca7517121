"""Texts as readers give them: bounded, and free of what no database keeps and no page can show."""

import re
import unicodedata
from typing import Final

from django.utils.translation import gettext as _

from broadsheet.lib.text import squash
from broadsheet.readers.refused import Refused

# Marks that turn the direction of writing: with them a text reads as another than it is.
_TURNS: Final = re.compile("[\u202a-\u202e\u2066-\u2069]")
_KEPT: Final = frozenset("\n\t")


def passage(text: str, most: int) -> str:
    """Give a text of several lines as it is kept. Raises Refused where it is too long or holds control characters."""
    # The length first: nothing else is done with a text of a megabyte.
    if len(text) > most:
        raise Refused(
            _("That is %(length)s characters long; at most %(most)s are taken.")
            % {"length": f"{len(text):,}", "most": f"{most:,}"}
        )
    text = text.replace("\r\n", "\n").replace("\r", "\n").strip()
    if any(unicodedata.category(char) in ("Cc", "Cs") and char not in _KEPT for char in text) or _TURNS.search(text):
        raise Refused(_("That holds characters that cannot be shown. Please write it anew, in plain text."))
    return unicodedata.normalize("NFC", text)


def line(text: str, most: int) -> str:
    """Give a text of one line; breaks become blanks. Raises Refused as `passage` does."""
    return squash(passage(text, most))


def reason(text: str) -> str:
    """Give a curator's reason, which the public log shows. Raises Refused where there is none."""
    said = line(text, 1000)
    if not said:
        raise Refused(_("Please give a reason: it stands in the public log."))
    return said
