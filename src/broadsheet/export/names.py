"""Authors' names in the parts that reference managers ask for."""

import re
from dataclasses import dataclass
from typing import Final

from broadsheet.lib.text import squash
from broadsheet.sources.names import NOBODY

_SUFFIXES: Final = frozenset(("jr", "jr.", "sr", "sr.", "ii", "iii", "iv"))
_GROUP: Final = re.compile(
    r"\b(?:collaborations?|consortium|teams?|groups?|project|initiative|network|society|committee|alliance|foundation|"
    r"institute|laboratory|openai|deepmind)\b",
    re.IGNORECASE,
)
_JOINED: Final = re.compile(r"[,;&/]|\b(?:and|for|on behalf of)\b|\d", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Name:
    """A person's name in its parts, or a literal one: of a group, or of one word.

    particle: "van", "de la"; suffix: "Jr", "III".
    """

    family: str = ""
    given: str = ""
    particle: str = ""
    suffix: str = ""
    literal: str = ""

    @property
    def last(self) -> str:
        """The particle and the family name."""
        return f"{self.particle} {self.family}".strip()


def split(name: str) -> Name:
    """Split a name written "Given particle Family Suffix"; joined by blanks its parts give the name again."""
    name = squash(name)
    words = name.split(" ")
    if len(words) < 2 or name.lower() in NOBODY or _GROUP.search(name) or _JOINED.search(name):
        return Name(literal=name)
    suffix = words.pop() if len(words) > 2 and words[-1].lower() in _SUFFIXES else ""
    begin = next((place for place, word in enumerate(words[:-1]) if place and word[0].islower()), len(words) - 1)
    end = next((place for place in range(begin, len(words)) if not words[place][0].islower()), len(words) - 1)
    return Name(" ".join(words[end:]), " ".join(words[:begin]), " ".join(words[begin:end]), suffix)
