"""What reports and acts are about, by name: comment:12, paper:2405.12345, reader:ada, link:7, claim:3, submission:4."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from django.db.models import Model, QuerySet
from django.urls import reverse
from django.utils.translation import gettext as _

from broadsheet.community.models import AddedLink, Claim, Comment, Organisation, Submission
from broadsheet.markup import maths
from broadsheet.papers.models import Paper
from broadsheet.readers.models import Reader
from broadsheet.readers.refused import Refused

_LONGEST_TITLE: Final = 200
# What PostgreSQL's numbers of rows hold.
_MOST: Final = 2**63


@dataclass(frozen=True, slots=True)
class Subject:
    """Something that was reported or acted on.

    row: of the database. title: plain text. url: its place on this site. affected: whose it is, where it is anybody's.
    """

    name: str
    row: Model
    title: str
    url: str
    affected: Reader | None


def find(subject: str) -> Subject:
    """Give what a name stands for. Raises Refused where there is no such thing."""
    found = find_all([subject]).get(subject)
    if found is None:
        raise Refused(_("There is no such thing here, or not any more."))
    return found


def find_all(names: Iterable[str]) -> dict[str, Subject]:
    """Give what names stand for, by name, with one query for each kind; those without a meaning are left out."""
    wanted: dict[str, set[str]] = {}
    for name in names:
        kind, _colon, key = name.partition(":")
        if kind in _KINDS and _is_key(kind, key):
            wanted.setdefault(kind, set()).add(key)
    found = (_KINDS[kind].of(row) for kind, keys in wanted.items() for row in _rows(_KINDS[kind], keys))
    return {subject.name: subject for subject in found}


def of(row: Model) -> str:
    """Give the name of a row. Raises ValueError for one that has none."""
    for name, kind in _KINDS.items():
        if isinstance(row, kind.rows().model):
            return f"{name}:{getattr(row, kind.key)}"
    raise ValueError(f"a {type(row).__name__} is no subject")


@dataclass(frozen=True, slots=True)
class _Kind:
    rows: Callable[[], QuerySet[Any]]
    of: Callable[[Any], Subject]
    key: str = "pk"


def _is_key(kind: str, key: str) -> bool:
    if _KINDS[kind].key == "pk":
        return key.isascii() and key.isdecimal() and int(key) < _MOST if len(key) < 20 else False
    return key.isprintable()


def _rows(kind: _Kind, keys: set[str]) -> QuerySet[Any]:
    return kind.rows().filter(**{f"{kind.key}__in": keys})


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST_TITLE else line[: _LONGEST_TITLE - 1].rstrip() + "…"


def _paper_place(paper: Paper, anchor: str = "") -> str:
    return reverse("paper", args=[paper.key]) + anchor


def _comment(row: Comment) -> Subject:
    title = _("Comment on “%(title)s”") % {"title": _short(maths.as_text(row.paper.title))}
    return Subject(of(row), row, title, _paper_place(row.paper, f"#comment-{row.pk}"), row.author)


def _paper(row: Paper) -> Subject:
    return Subject(of(row), row, _short(maths.as_text(row.title)), _paper_place(row), None)


def _reader(row: Reader) -> Subject:
    return Subject(of(row), row, f"{row.name} (@{row.handle})", reverse("reader", args=[row.handle]), row)


def _link(row: AddedLink) -> Subject:
    return Subject(of(row), row, _short(row.url), _paper_place(row.paper), row.reader)


def _claim(row: Claim) -> Subject:
    title = _("Claim of @%(handle)s to “%(title)s”")
    told = {"handle": row.reader.handle, "title": _short(maths.as_text(row.paper.title))}
    return Subject(of(row), row, title % told, _paper_place(row.paper), row.reader)


def _submission(row: Submission) -> Subject:
    place = _paper_place(row.paper) if row.paper else reverse("submissions")
    return Subject(of(row), row, _short(maths.as_text(row.title)), place, row.reader)


def _organisation(row: Organisation) -> Subject:
    return Subject(of(row), row, row.name, reverse("organisation", args=[row.slug]), row.made_by)


_KINDS: Final[Mapping[str, _Kind]] = {
    "comment": _Kind(lambda: Comment.objects.select_related("paper", "author"), _comment),
    "paper": _Kind(Paper.objects.all, _paper, "key"),
    "reader": _Kind(Reader.objects.exclude(state="waiting").all, _reader, "handle"),
    "link": _Kind(lambda: AddedLink.objects.select_related("paper", "reader"), _link),
    "claim": _Kind(lambda: Claim.objects.select_related("paper", "reader"), _claim),
    "submission": _Kind(lambda: Submission.objects.select_related("paper", "reader"), _submission),
    "organisation": _Kind(lambda: Organisation.objects.select_related("made_by"), _organisation, "slug"),
}
