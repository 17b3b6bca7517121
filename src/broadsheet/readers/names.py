"""Handles and names: what may stand beside what a reader wrote, so that nobody passes for another."""

import re
import unicodedata
from typing import Final

from django.utils.translation import gettext as _

from broadsheet.readers.refused import Refused

SHORTEST_HANDLE: Final = 2
LONGEST_HANDLE: Final = 30
LONGEST_NAME: Final = 80
# What is looked at at all: a name of a megabyte is refused before it costs anything.
LONGEST_GIVEN: Final = 400
HANDLE: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?")
# Words of addresses and of offices. `local` is the one person of a site that needs no sign-in.
_WORDS: Final = (
    "about account accounts admin administrator all anonymous api ask broadsheet claim comment community curator "
    "curators date deleted desk digest edit edition editions everyone feed feeds for-you health help healthz here "
    "home invite invitations join library link local login logout mail mcp me moderation moderator moderators month "
    "news nobody none notifications null official organisation organisations owner owners paper papers reader readers "
    "register report reports root save search security settings sign-in sign-up signin signup site staff static "
    "submission submissions submit subscribe support system team trending undefined unsubscribe vote votes webmaster "
    "week"
)
RESERVED: Final = frozenset(_WORDS.split())
# Scripts with letters that look like one another; a name keeps to one of them. Others may stand together, as
# Japanese needs.
ALIKE: Final = frozenset({"LATIN", "CYRILLIC", "GREEK", "COPTIC", "ARMENIAN", "CHEROKEE", "LISU", "DESERET"})
MOST_MARKS: Final = 2


def check_handle(text: str) -> str:
    """Give the handle that a text asks for, in lower case. Raises Refused with the rule it breaks."""
    handle = text[:LONGEST_GIVEN].strip().removeprefix("@").lower()
    if not SHORTEST_HANDLE <= len(handle) <= LONGEST_HANDLE or not HANDLE.fullmatch(handle):
        raise Refused(
            _("A handle has 2 to 30 characters: a to z, 0 to 9 and hyphens, with a letter or digit at both ends.")
        )
    if handle in RESERVED:
        raise Refused(_("This handle is kept for the site itself. Please choose another."))
    return handle


def check_name(text: str) -> str:
    """Give a name as it may be shown: NFKC, one line, nothing invisible. Raises Refused with the rule it breaks.

    Characters of control, direction and no width are taken out (Unicode categories Cc, Cf, Co, Cs and Cn); letters of
    scripts that look alike do not mix, after the idea of Unicode Technical Standard 39, section 5.1.
    """
    if len(text) > LONGEST_GIVEN:
        raise Refused(_("A name has at most 80 characters."))
    name = " ".join(_visible(unicodedata.normalize("NFKC", text)).split())
    if len(name) > LONGEST_NAME:
        raise Refused(_("A name has at most 80 characters."))
    if not any(unicodedata.category(char).startswith("L") for char in name):
        raise Refused(_("Please give a name with at least one letter."))
    if len(_scripts(name) & ALIKE) > 1:
        raise Refused(_("Please write the name in one alphabet: letters of this one look like letters of another."))
    if _most_marks(name) > MOST_MARKS:
        raise Refused(_("Please give the name without stacked accents."))
    return name


def _visible(text: str) -> str:
    kept = (" " if char.isspace() else char for char in text if char.isspace() or unicodedata.category(char)[0] != "C")
    return unicodedata.normalize("NFC", "".join(kept))


def _scripts(name: str) -> set[str]:
    letters = (char for char in name if unicodedata.category(char).startswith("L"))
    return {unicodedata.name(char, "").split(" ")[0] for char in letters}


def _most_marks(name: str) -> int:
    most = row = 0
    for char in name:
        row = row + 1 if unicodedata.category(char) in ("Mn", "Me") else 0
        most = max(most, row)
    return most
