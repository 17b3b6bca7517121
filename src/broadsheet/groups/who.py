"""Who in a group knows a paper best: which members wrote, saved or voted for what is nearest, and who should not say.

Closeness of two papers is (c + 2 w) / 3 of the cosine c of their places among the axes and the cosine w of their words.
A member's score is the sum of the closeness of their five nearest papers, each counted half of the one before, so that
the nearest decides and the others tell apart those who are as near. How it was chosen and measured: docs/groups.md.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from django.utils.translation import gettext as _

from broadsheet.community.given import line, passage
from broadsheet.community.models import Claim
from broadsheet.foryou import features
from broadsheet.groups import likes, members
from broadsheet.groups.likes import Known
from broadsheet.groups.models import Group
from broadsheet.learning.background import Background, Prepared
from broadsheet.learning.features import Features, FloatArray, Words
from broadsheet.learning.vocabulary import Text
from broadsheet.lib.text import fold, squash
from broadsheet.papers import finding, queries
from broadsheet.papers.models import Authorship, Paper
from broadsheet.papers.store import LOOKUP
from broadsheet.readers.models import Reader
from broadsheet.readers.refused import Refused
from broadsheet.record.linkage import short_title_key

# Of strangers to a paper 1.5 % have one that is as near, 0.3 % one that is as close; of its authors 70 % and 50 %.
NEAR: Final = 0.22
CLOSE: Final = 0.30
NEAREST: Final = 5
TOLD: Final = 3
# What one read or liked says a little less than what one wrote. Not measured: no public set tells it.
WEIGHTS: Final = {"wrote": 1.0, "signed": 1.0, "saved": 0.85, "voted": 0.85, "named": 0.85}
LONGEST_TITLE: Final = 500
LONGEST_ABSTRACT: Final = 10_000
LONGEST_AUTHORS: Final = 5_000
MOST_AUTHORS: Final = 500
# A shorter title may be that of another paper.
FEWEST_WORDS: Final = 4


@dataclass(frozen=True, slots=True)
class Subject:
    """What is asked about. paper: where it is one of the record. authors: their names, folded."""

    title: str
    abstract: str = field(repr=False)
    authors: frozenset[str]
    paper: Paper | None = None


@dataclass(frozen=True, slots=True)
class Evidence:
    """A member's paper near to the subject. kind: as in `likes`. close: it is more than near."""

    paper: Paper
    kind: str
    closeness: float
    close: bool


@dataclass(frozen=True, slots=True)
class Conflict:
    """Why a member should not judge a paper.

    kind: author (they claimed it), name (it bears a name of theirs) or coauthor (of those named, on `paper`).
    """

    kind: str
    names: tuple[str, ...] = ()
    paper: Paper | None = None


@dataclass(frozen=True, slots=True)
class Knows:
    """A member with what speaks for them, the nearest first, and what speaks against asking them."""

    reader: Reader
    score: float
    evidence: tuple[Evidence, ...]
    conflict: Conflict | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """Who knows it best, first; state: nobody (shares), unready, far (nobody is near) or ready.

    apart: members with a conflict who are not near.
    """

    state: str
    people: tuple[Knows, ...] = ()
    apart: tuple[Knows, ...] = ()


def of_paper(paper: Paper) -> Subject:
    """Ask about a paper of the record."""
    names = Authorship.objects.filter(paper=paper).order_by("position").values_list("name_key", flat=True)
    return Subject(paper.title, paper.abstract, frozenset(names[:MOST_AUTHORS]), paper)


def of_text(title: str, abstract: str, authors: str) -> Subject:
    """Ask about a pasted title and abstract, which are kept nowhere; authors: separated by commas, semicolons or lines.

    A paper of the record with the same title is taken for it. Raises Refused.
    """
    called, said = line(title, LONGEST_TITLE), passage(abstract, LONGEST_ABSTRACT)
    names = passage(authors, LONGEST_AUTHORS).replace(";", "\n").replace(",", "\n").replace(" and ", "\n").split("\n")
    if not any(char.isalnum() for char in called + said):
        raise Refused(_("Paste a title, an abstract or both."))
    folded = frozenset(name for given in names[:MOST_AUTHORS] if (name := fold(squash(given))))
    same = _same(called)
    known = of_paper(same).authors if same else frozenset()
    return Subject(called, said, folded | known, same)


def _same(title: str) -> Paper | None:
    if len(title.split()) < FEWEST_WORDS:
        return None
    return Paper.objects.filter(title_key=short_title_key(title), hidden=False).order_by("pk").first()


def ask(group: Group, subject: Subject) -> Answer:
    """Say who of the members who share knows a paper best; of others nothing is looked at."""
    readers = {place.reader_id: place.reader for place in members.sharing(group)}
    if not readers:
        return Answer("nobody")
    background = features.background()
    if background is None:
        return Answer("unready")
    known = likes.of(readers)
    near = _near(subject, known, background)
    conflicts = _conflicts(subject, readers, known)
    papers = _papers([found[0] for of_one in near.values() for found in of_one], conflicts)
    people = [
        Knows(reader, _score(near.get(number, [])), _evidence(near.get(number, []), papers), conflict)
        for number, reader in readers.items()
        for conflict in [_with_paper(conflicts.get(number), papers)]
    ]
    people.sort(key=lambda one: (-one.score, one.reader.handle))
    close = tuple(one for one in people if one.evidence)
    apart = tuple(one for one in people if one.conflict and not one.evidence)
    return Answer("ready" if close else "far", close, apart)


Found = tuple[int, str, float]


def _near(subject: Subject, known: Mapping[int, Known], background: Background) -> dict[int, list[Found]]:
    """Give each member's nearest papers, the nearest first, as (number, kind, closeness); who has none is left out."""
    wanted = sorted({like.paper for one in known.values() for like in one.likes})
    prepared, numbers = features.prepared_of(wanted, background)
    if not numbers:
        return {}
    alike = closeness(prepared, _prepared(subject, background), len(background.vocabulary))
    by_number = dict(zip(numbers, alike.tolist(), strict=True))
    itself = subject.paper.pk if subject.paper else None
    found = {}
    for reader, one in known.items():
        own = [(like.paper, like.kind, by_number.get(like.paper, 0.0)) for like in one.likes if like.paper != itself]
        own.sort(key=lambda each: (-each[2] * WEIGHTS[each[1]], each[0]))
        # The nearest decides whether there is evidence at all; those after it only add to it.
        if any(each[2] >= NEAR for each in own):
            found[reader] = own[:NEAREST]
    return found


def closeness(papers: Prepared, subject: Prepared, terms: int) -> FloatArray:
    """Give how close papers are to one, (n,): about 0 to strangers, 1 to itself."""
    dense = np.zeros(terms, np.float32)
    dense[subject.words.term] = subject.words.weight
    return np.asarray((papers.meaning @ subject.meaning[0] + 2 * papers.words.times(dense)) / 3, np.float32)


def _prepared(subject: Subject, background: Background) -> Prepared:
    if subject.paper is not None:
        prepared, found = features.prepared_of([subject.paper.pk], background)
        if found:
            return prepared
    words = background.vocabulary.read([Text(subject.title, subject.abstract)])
    vectors = np.zeros((1, len(background.centre) if background.encoder else 0), np.float32)
    encoder = finding.query_encoder() if background.encoder else None
    if encoder is not None and encoder.id == background.encoder:
        vectors = np.asarray(encoder.encode_papers([(subject.title, subject.abstract)]), np.float32)
    return background.prepare(Features(words, Words.empty(1), vectors))


def summed(closeness: Sequence[float]) -> float:
    """Give what the nearest papers come to, the nearest first: each counts half of the one before."""
    return sum(0.5**place * close for place, close in enumerate(closeness[:NEAREST]))


def _score(found: Sequence[Found]) -> float:
    return summed([WEIGHTS[kind] * close for _number, kind, close in found])


def _evidence(found: Sequence[Found], papers: Mapping[int, Paper]) -> tuple[Evidence, ...]:
    near = [each for each in found if each[2] >= NEAR and each[0] in papers][:TOLD]
    return tuple(Evidence(papers[number], kind, close, close >= CLOSE) for number, kind, close in near)


@dataclass(frozen=True, slots=True)
class _Against:
    kind: str
    names: tuple[str, ...] = ()
    paper: int = 0


def _conflicts(subject: Subject, readers: Mapping[int, Reader], known: Mapping[int, Known]) -> dict[int, _Against]:
    """Give what speaks against members: authors first, then those who bear an author's name, then co-authors."""
    found = {
        number: _Against("coauthor", names, paper) for number, (names, paper) in _coauthors(subject, known).items()
    }
    for number, reader in readers.items():
        if subject.authors & (known[number].names | {fold(reader.name)}):
            found[number] = _Against("name")
    if subject.paper is not None:
        claimed = Claim.objects.filter(paper=subject.paper, reader__in=list(readers), state="confirmed")
        wrote = {number for number, one in known.items() if any(_is_own(like, subject.paper) for like in one.likes)}
        for number in wrote | set(claimed.values_list("reader_id", flat=True)):
            found[number] = _Against("author")
    return found


def _is_own(like: likes.Like, paper: Paper) -> bool:
    return like.paper == paper.pk and like.kind == "wrote"


def _coauthors(subject: Subject, known: Mapping[int, Known]) -> dict[int, tuple[tuple[str, ...], int]]:
    """Give with which authors of the subject members wrote other papers: their names, and one such paper."""
    written: dict[int, list[int]] = {}
    for number, one in known.items():
        for paper in one.written:
            written.setdefault(paper, []).append(number)
    found: dict[int, tuple[tuple[str, ...], int]] = {}
    for paper, name_key, name in _signatures(sorted(written), subject.authors):
        for number in written[paper]:
            names, first = found.get(number, ((), paper))
            if name_key not in known[number].names and name not in names:
                found[number] = (*names, name), first
    return found


def _signatures(papers: Sequence[int], authors: frozenset[str]) -> Iterable[tuple[int, str, str]]:
    wanted = sorted(authors)
    if not wanted:
        return
    for start in range(0, len(papers), LOOKUP):
        rows = Authorship.objects.filter(paper__in=papers[start : start + LOOKUP], name_key__in=wanted)
        yield from rows.order_by("-paper_id", "position").values_list("paper_id", "name_key", "name")


def _papers(near: Iterable[int], conflicts: Mapping[int, _Against]) -> dict[int, Paper]:
    wanted = {*near, *(against.paper for against in conflicts.values() if against.paper)}
    return {paper.pk: paper for paper in queries.in_order(sorted(wanted)) if not paper.hidden}


def _with_paper(against: _Against | None, papers: Mapping[int, Paper]) -> Conflict | None:
    return Conflict(against.kind, against.names, papers.get(against.paper)) if against else None
