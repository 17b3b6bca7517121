"""What the page of follows says of each list that a reader follows, in groups of one kind."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext_lazy

from broadsheet.editions import named
from broadsheet.editions.named import NoSuchList
from broadsheet.editions.unseen import unseen
from broadsheet.readers import follows
from broadsheet.readers.models import Follow
from broadsheet.web import following
from broadsheet.web.following import FeedLink

# In the order in which they stand on the page, each with its name as a heading.
GROUPS: Final[Mapping[str, Any]] = {
    "search": gettext_lazy("Searches by words"),
    "like": gettext_lazy("Searches by meaning"),
    "similar": gettext_lazy("Papers like this one"),
    "author": gettext_lazy("Authors"),
    "category": gettext_lazy("Categories"),
    "tag": gettext_lazy("Tags"),
    "organisation": gettext_lazy("Organisations"),
    "": gettext_lazy("The paper itself"),
}


@dataclass(frozen=True, slots=True)
class Line:
    """A list that a reader follows. own: what it is called without the reader's name for it. new: papers not seen yet.

    path: "" where the list is gone. says: why it is empty, where that is not for want of papers.
    """

    key: str
    title: str
    own: str
    path: str
    says: str
    new: frozenset[int]
    row: Follow

    @property
    def kind(self) -> str:
        """The group it stands in."""
        kind = self.key.partition("/")[0]
        return kind if kind in GROUPS else ""

    @property
    def hint(self) -> str:
        """What stands beside its title: its own name where the reader gave it one, the code of a category."""
        code = self.key.partition("/")[2] if self.kind == "category" else ""
        return ", ".join(part for part in (self.own, code) if part != self.title and part)

    @property
    def chip(self) -> str:
        """What it is called where there is little room; categories by their codes, as some share a name."""
        return self.key.partition("/")[2] if self.kind == "category" and not self.row.name else self.title

    @property
    def only(self) -> str:
        """The address of the page with the papers of this list alone."""
        return f"{reverse('follows')}?{urlencode({'list': self.key})}#new"

    @property
    def chat(self) -> str:
        """The address of the form that sends the list to a chat or a program."""
        return f"{reverse('deliveries')}?{urlencode({'list': self.key})}"

    @property
    def feeds(self) -> list[FeedLink]:
        """Its feeds; none of a list that is gone."""
        return following.feed_links(self.key) if self.path else []

    @property
    def can_alert(self) -> bool:
        """Whether one can be told of its papers at once."""
        return follows.can_alert(self.key)


@dataclass(frozen=True, slots=True)
class Group:
    """Lists of one kind, those with the most news first."""

    kind: str
    name: Any
    lines: tuple[Line, ...]


def lines(rows: Sequence[Follow], now: datetime) -> list[Line]:
    """Give what a reader follows, the latest first."""
    new = unseen(rows, now)
    return [_line(row, new.get(row.key, frozenset())) for row in rows]


def groups(found: Sequence[Line]) -> list[Group]:
    """Put lists into groups of a kind, each in the order of what is new and of the alphabet."""
    by_kind: dict[str, list[Line]] = {}
    for line in found:
        by_kind.setdefault(line.kind, []).append(line)
    return [
        Group(kind, name, tuple(sorted(by_kind[kind], key=lambda line: (-len(line.new), line.title.casefold()))))
        for kind, name in GROUPS.items()
        if kind in by_kind
    ]


def _line(row: Follow, new: frozenset[int]) -> Line:
    try:
        found = named.head(row.key)
    except NoSuchList:
        return Line(row.key, row.name or row.key, row.key, "", "", new, row)
    own = found.short or following.title(found)
    return Line(row.key, row.name or own, own, found.path, found.says, new, row)
