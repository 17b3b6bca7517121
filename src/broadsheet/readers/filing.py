"""How a reader files the papers of the library: tags, a note, and whether a paper is still to be read.

All that writes here holds the reader's row while it does, so that two pages of one reader do not undo each other.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Final

from django.db import transaction
from django.db.models import Count, QuerySet
from django.utils.translation import gettext as _

from broadsheet.lib.text import fold, squash
from broadsheet.papers.models import Paper
from broadsheet.papers.store import LOOKUP
from broadsheet.readers.models import Reader, Saved, SavedTag
from broadsheet.readers.refused import Refused

MOST_TAGS: Final = 40
LONGEST_TAG: Final = 60
LONGEST_NOTE: Final = 20_000
# What one act may tag: more than a large library holds.
MOST_AT_ONCE: Final = 20_000
KEPT, TO_READ, READING, READ = "", "to-read", "reading", "read"
STATES: Final = (KEPT, TO_READ, READING, READ)
# What comes after a state, by one button: what was read stays read.
ONWARD: Final[Mapping[str, str]] = {KEPT: TO_READ, TO_READ: READING, READING: READ}
_BATCH: Final = 500
# Letters of a note that may stand in another one by chance.
_SHORT: Final = 20
_DIVIDERS: Final = re.compile(r"[,;\n]")
# Marks that turn the direction of writing: with them a text reads as another than it is.
_TURNS: Final = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff")


@dataclass(frozen=True, slots=True)
class Filed:
    """How one saved paper is filed: the names of its tags in order, its note in Markdown, its state."""

    state: str = KEPT
    note: str = ""
    tags: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        """Whether the reader did anything but save the paper."""
        return bool(self.state or self.note or self.tags)


@dataclass(frozen=True, slots=True)
class Tally:
    """A tag of a library, and how many papers are under it."""

    key: str
    name: str
    papers: int


def tag_key(name: str) -> str:
    """Give a tag as it is compared: without case and accents, at most LONGEST_TAG characters."""
    return (fold(name).strip() or name.casefold())[:LONGEST_TAG]


def tag_names(given: str | Iterable[str]) -> dict[str, str]:
    """Read tags, written one after the other with commas, semicolons or breaks between them, or given one by one.

    Gives their names by key, in order. A number sign before a tag is dropped. Raises Refused where there are too many,
    or one is too long or cannot be shown.
    """
    parts = [given] if isinstance(given, str) else given
    names: dict[str, str] = {}
    for part in parts:
        for written in _DIVIDERS.split(part):
            if name := _name(written):
                names.setdefault(tag_key(name), name)
                if len(names) > MOST_TAGS:
                    raise Refused(_("A paper takes at most %(most)d tags.") % {"most": MOST_TAGS})
    return names


def _name(written: str) -> str:
    name = squash(unicodedata.normalize("NFC", written)).lstrip("#").strip()
    if not _can_be_shown(name):
        raise Refused(_("A tag holds characters that cannot be shown. Please write it anew, in plain text."))
    if len(name) > LONGEST_TAG:
        told = {"tag": f"{name[:30]}…", "most": LONGEST_TAG}
        raise Refused(_("The tag “%(tag)s” is too long: at most %(most)d characters.") % told)
    return name


def _can_be_shown(text: str) -> bool:
    return not any(char in _TURNS or unicodedata.category(char) in ("Cc", "Cs") for char in text)


def note_of(text: str) -> str:
    """Give a note as it is kept. Raises Refused where it is too long or holds what cannot be shown."""
    # The length first: nothing else is done with a text of a megabyte.
    if len(text) > LONGEST_NOTE:
        told = {"length": f"{len(text):,}", "most": f"{LONGEST_NOTE:,}"}
        raise Refused(_("The note is %(length)s characters long; at most %(most)s are kept.") % told)
    text = text.replace("\r\n", "\n").replace("\r", "\n").strip()
    if not _can_be_shown(text.replace("\n", "").replace("\t", "")):
        raise Refused(_("The note holds characters that cannot be shown. Please write it anew, in plain text."))
    return unicodedata.normalize("NFC", text)[:LONGEST_NOTE]


def state_of(text: str) -> str:
    """Give a state. Raises Refused where there is none of that name."""
    if text not in STATES:
        raise Refused(_("There is no such state. A paper is to-read, reading, read, or none of them."))
    return text


def file(
    reader: Reader,
    paper: Paper,
    *,
    now: datetime,
    state: str | None = None,
    note: str | None = None,
    tags: str | Iterable[str] | None = None,
) -> Filed:
    """File a paper, which is saved first where it is not yet; what is None stays. Raises Refused, nothing changed."""
    wanted_state = None if state is None else state_of(state)
    wanted_note = None if note is None else note_of(note)
    names = None if tags is None else tag_names(tags)
    with _alone(reader):
        saved, _made = Saved.objects.get_or_create(reader=reader, paper=paper, defaults={"at": now})
        changed = {"state": wanted_state, "note": wanted_note}
        told = {name: value for name, value in changed.items() if value is not None}
        if told:
            Saved.objects.filter(pk=saved.pk).update(**told)
        if names is not None:
            _set_tags(reader, saved.pk, names)
    return of(reader, [paper.pk])[paper.pk]


def move(reader: Reader, paper: Paper, state: str, *, now: datetime) -> None:
    """Give a paper another state; it is saved first where it is not yet. Raises Refused."""
    state = state_of(state)
    changed = Saved.objects.filter(reader=reader, paper=paper).update(state=state)
    if not changed:
        Saved.objects.get_or_create(reader=reader, paper=paper, defaults={"at": now, "state": state})


def _set_tags(reader: Reader, saved: int, names: Mapping[str, str]) -> None:
    SavedTag.objects.filter(saved=saved).exclude(key__in=list(names)).delete()
    there = set(SavedTag.objects.filter(saved=saved).values_list("key", flat=True))
    known = _known(reader, [key for key in names if key not in there])
    fresh = {key: known.get(key, name) for key, name in names.items() if key not in there}
    SavedTag.objects.bulk_create([SavedTag(saved_id=saved, key=key, name=name) for key, name in fresh.items()])


def _known(reader: Reader, keys: Sequence[str]) -> dict[str, str]:
    """Give the names that the reader gave these tags before: a tag is written in one way in a library."""
    found = SavedTag.objects.filter(saved__reader=reader, key__in=keys).order_by("pk").values_list("key", "name")
    return dict(found) if keys else {}


def of(reader: Reader, numbers: Iterable[int]) -> dict[int, Filed]:
    """Give how papers are filed, by number; those that are not in the library are left out."""
    found: dict[int, Filed] = {}
    wanted = list(numbers)
    for start in range(0, len(wanted), LOOKUP):
        part = Saved.objects.filter(reader=reader, paper__in=wanted[start : start + LOOKUP])
        rows = list(part.values_list("pk", "paper_id", "state", "note"))
        tags = _tags_of([pk for pk, *_rest in rows])
        found |= {number: Filed(state, note, tuple(tags.get(pk, ()))) for pk, number, state, note in rows}
    return found


def _tags_of(saved: Sequence[int]) -> dict[int, list[str]]:
    found: dict[int, list[str]] = {}
    rows = SavedTag.objects.filter(saved__in=saved).order_by("pk").values_list("saved_id", "name")
    for pk, name in rows:
        found.setdefault(pk, []).append(name)
    return found


def tags(reader: Reader) -> list[Tally]:
    """Give the tags of a library with how many papers are under each, the largest first."""
    counted = SavedTag.objects.filter(saved__reader=reader).values_list("key", "name").annotate(papers=Count("pk"))
    names: dict[str, str] = {}
    papers: dict[str, int] = {}
    for key, name, count in counted.order_by("key", "-papers", "name"):
        names.setdefault(key, name)
        papers[key] = papers.get(key, 0) + count
    return sorted((Tally(key, names[key], papers[key]) for key in names), key=lambda tag: (-tag.papers, tag.key))


def add_tags(reader: Reader, numbers: Iterable[int], given: str | Iterable[str]) -> int:
    """Put more tags on papers of the library; give how many papers got one they had not. Raises Refused.

    Nothing is changed where one of the papers would have too many.
    """
    names = tag_names(given)
    if not names:
        raise Refused(_("Please name a tag."))
    with _alone(reader):
        saved = _of_papers(reader, numbers)
        names |= _known(reader, list(names))
        had = _keys_of(saved)
        fresh = [(pk, key) for pk in saved for key in names if key not in had.get(pk, ())]
        gained = {pk for pk, _key in fresh}
        full = [pk for pk in gained if len(had.get(pk, set()) | names.keys()) > MOST_TAGS]
        if full:
            told = {"papers": len(full), "most": MOST_TAGS}
            raise Refused(_("%(papers)d of these papers would have more than %(most)d tags.") % told)
        rows = [SavedTag(saved_id=pk, key=key, name=names[key]) for pk, key in fresh]
        SavedTag.objects.bulk_create(rows, batch_size=_BATCH)
    return len(gained)


def drop_tags(reader: Reader, numbers: Iterable[int], given: str | Iterable[str]) -> int:
    """Take tags off papers of the library; give how many papers had one of them. Raises Refused."""
    keys = list(tag_names(given))
    if not keys:
        raise Refused(_("Please name a tag."))
    with _alone(reader):
        lost: set[int] = set()
        for part in _parts(_of_papers(reader, numbers)):
            there = SavedTag.objects.filter(saved__in=part, key__in=keys)
            lost.update(there.values_list("saved_id", flat=True))
            there.delete()
    return len(lost)


def move_all(reader: Reader, numbers: Iterable[int], state: str) -> int:
    """Give papers of the library a state; give how many had another. Raises Refused."""
    state = state_of(state)
    with _alone(reader):
        parts = _parts(_of_papers(reader, numbers))
        return sum(Saved.objects.filter(pk__in=part).exclude(state=state).update(state=state) for part in parts)


def rename(reader: Reader, key: str, name: str) -> int:
    """Call a tag otherwise, wherever it stands; one of that name takes it in. Gives how many papers. Raises Refused."""
    names = tag_names(name)
    if len(names) != 1:
        raise Refused(_("Please give the tag one name."))
    (new, written), own = next(iter(names.items())), SavedTag.objects.filter(saved__reader=reader)
    with _alone(reader):
        count = own.filter(key=key).count()
        if not count:
            raise Refused(_("There is no such tag in your library."))
        if new != key:
            both = own.filter(key=key, saved__in=own.filter(key=new).values("saved"))
            for part in _parts(list(both.values_list("pk", flat=True))):
                SavedTag.objects.filter(pk__in=part).delete()
        own.filter(key__in=[key, new]).update(key=new, name=written)
    return count


def delete_tag(reader: Reader, key: str) -> int:
    """Take a tag off every paper; the papers stay. Gives how many had it."""
    with _alone(reader):
        count, _each = SavedTag.objects.filter(saved__reader=reader, key=key).delete()
    return count


def import_tags(reader: Reader, given: Mapping[int, Sequence[str]]) -> int:
    """Put the tags that came with papers on them, as far as they fit; give how many papers got one.

    given: by number of the paper. What is no tag, as it is too long or cannot be shown, is left out and no error.
    """
    with _alone(reader):
        saved = _numbered(reader, given)
        had = _keys_of(list(saved))
        names = {pk: _fitting(given[number], had.get(pk, set())) for pk, number in saved.items()}
        known = _known(reader, list({key for told in names.values() for key in told})[:LOOKUP])
        rows = [
            SavedTag(saved_id=pk, key=key, name=known.setdefault(key, name))
            for pk, told in names.items()
            for key, name in told.items()
        ]
        SavedTag.objects.bulk_create(rows, batch_size=_BATCH)
    return sum(1 for told in names.values() if told)


def import_notes(reader: Reader, given: Mapping[int, Iterable[tuple[str, str]]]) -> int:
    """Append the notes that came with papers to the reader's own, each once; give how many papers got one.

    given: by number of the paper, each note as (name, text); the name, or the text where there is none, tells it again,
        also after the reader changed what was appended, or took it out. What does not fit is left out.
    """
    changed: list[Saved] = []
    with _alone(reader):
        saved = _numbered(reader, given)
        for part in _parts(list(saved)):
            rows = Saved.objects.filter(pk__in=part)
            changed += [row for row in rows if _appended(row, given[saved[row.pk]])]
        Saved.objects.bulk_update(changed, ["note", "brought"], batch_size=100)
    return len(changed)


def _appended(row: Saved, given: Iterable[tuple[str, str]]) -> bool:
    """Append notes to a row, without writing it; say whether anything changed."""
    before = list(row.brought)
    for name, text in given:
        try:
            note = note_of(_shown(text[:LONGEST_NOTE]))
        except Refused:
            continue
        mark = sha256((name or _bare(note)).encode()).hexdigest()[:16]
        if not note or mark in row.brought:
            continue
        joined = f"{row.note}\n\n{note}" if row.note else note
        if not _holds(row.note, note):
            if len(joined) > LONGEST_NOTE:
                continue
            row.note = joined
        row.brought = [*row.brought, mark]
    return bool(row.brought != before)


def _holds(there: str, note: str) -> bool:
    """Whether a note stands in another already; a short one as a paragraph of its own."""
    bare = _bare(note)
    if len(bare) < _SHORT:
        return bare in {_bare(part) for part in (there, *there.split("\n"))}
    return bare in _bare(there)


def _bare(text: str) -> str:
    """Give what is left of a note without marks and blanks, which formats change."""
    return re.sub(r"[\W_]+", "", text).casefold()


def _shown(text: str) -> str:
    return "".join(char for char in text if char in "\n\t" or _can_be_shown(char))


def _fitting(given: Sequence[str], had: set[str]) -> dict[str, str]:
    names: dict[str, str] = {}
    for written in given:
        try:
            names |= {key: name for key, name in tag_names(written).items() if key not in had and key not in names}
        except Refused:
            continue
    return dict(list(names.items())[: max(0, MOST_TAGS - len(had))])


def _of_papers(reader: Reader, numbers: Iterable[int]) -> list[int]:
    return list(_numbered(reader, numbers))


def _numbered(reader: Reader, numbers: Iterable[int]) -> dict[int, int]:
    """Give the papers among these that are in the library, by the number of their place in it."""
    wanted = list(dict.fromkeys(numbers))[:MOST_AT_ONCE]
    own = Saved.objects.filter(reader=reader)
    rows = (own.filter(paper__in=part).values_list("pk", "paper") for part in _parts(wanted))
    return {pk: number for part in rows for pk, number in part}


def _keys_of(saved: Sequence[int]) -> dict[int, set[str]]:
    found: dict[int, set[str]] = {}
    for part in _parts(saved):
        for pk, key in SavedTag.objects.filter(saved__in=part).values_list("saved_id", "key"):
            found.setdefault(pk, set()).add(key)
    return found


def _parts(numbers: Sequence[int]) -> Iterator[Sequence[int]]:
    return (numbers[start : start + LOOKUP] for start in range(0, len(numbers), LOOKUP))


@contextmanager
def _alone(reader: Reader) -> Iterator[None]:
    with transaction.atomic():
        held: QuerySet[Reader] = Reader.objects.select_for_update(no_key=True).filter(pk=reader.pk)
        held.first()
        yield
