"""Invented papers on three subjects, and a group of readers, for the tests of groups."""

from datetime import UTC, date, datetime, timedelta
from random import Random

from broadsheet.community.models import Claim
from broadsheet.foryou import features
from broadsheet.groups import members
from broadsheet.groups.models import Group, Member
from broadsheet.papers.ingest import ingest
from broadsheet.papers.models import Paper
from broadsheet.papers.tests.again import written
from broadsheet.readers import library
from broadsheet.readers.models import Reader
from broadsheet.record.identifiers import arxiv_id
from broadsheet.record.paper import Author, PaperData
from broadsheet.web.tests.accounts import reader
from broadsheet.web.tests.conftest import made

NOW = datetime(2024, 5, 27, 12, tzinfo=UTC)
MONDAY = date(2024, 5, 27)
SUBJECTS = {
    "bees": "bees hive honey pollen nectar swarm queen dance foraging colony wax larvae beekeeper flower drone comb",
    "rivers": "river delta sediment flood erosion meander bank gravel basin runoff dam estuary silt bed gauge rapids",
    "clocks": "clock pendulum escapement gear spring dial chime watch weight horology tick regulator brass bell hour",
}
EACH = 14


def record(recent: int = 5) -> None:
    """Take in the papers of all subjects, the last `recent` of each announced on Monday, and learn from the record."""
    features.forget()
    written(f"three subjects, {recent} recent, {features.present_encoder()!r}", lambda: _write(recent))


def _write(recent: int) -> None:
    ingest(
        [_paper(place, subject, number, recent) for place, subject in enumerate(SUBJECTS) for number in range(EACH)],
        now=NOW,
    )
    features.build_background(NOW)


def _paper(place: int, subject: str, number: int, recent: int) -> PaperData:
    draw = Random(f"{subject} {number}")
    words = SUBJECTS[subject].split()
    telling = [" ".join(draw.sample(words, 7)) for _ in range(6)]
    days = 0 if number >= EACH - recent else 30 + number
    return made(
        100 * (place + 1) + number,
        title=f"{draw.choice(words)} {draw.choice(words)} {subject} {number}".capitalize(),
        abstract=". ".join(telling),
        authors=(Author(f"{subject.title()} Writer"), Author(f"Helper {subject}{number}")),
        announced=MONDAY - timedelta(days=days),
        submitted=datetime(2024, 5, 20, 10, number, tzinfo=UTC) - timedelta(days=days),
        signals=(),
        links=(),
    )


def key(subject: str, number: int) -> str:
    return arxiv_id(f"2405.{15000 + 100 * (list(SUBJECTS).index(subject) + 1) + number}").identifier.value


def paper(subject: str, number: int) -> Paper:
    return Paper.objects.get(key=key(subject, number))


def lab(*handles: str) -> tuple[Group, dict[str, Member]]:
    """A group kept by the first of the readers, with the others in it; nobody shares yet."""
    readers = {handle: Reader.objects.filter(handle=handle).first() or reader(handle) for handle in handles}
    first = readers[handles[0]]
    group = members.found(first, "Lab of small things", "", now=NOW)
    for place, handle in enumerate(handles[1:], 1):
        members.ask(place_of(first, group), handle, now=NOW)
        members.answer(readers[handle], group.slug, True, now=NOW + timedelta(hours=place))
    return group, {handle: place_of(who, group) for handle, who in readers.items()}


def place_of(who: Reader, group: Group) -> Member:
    found = members.place(who, group.slug)
    assert found is not None
    return found


def shares(place: Member, subject: str, first: int = 0, count: int = 5) -> None:
    """Let a member share, and save some papers of a subject."""
    members.share(place, True)
    for number in range(first, first + count):
        library.save(place.reader, paper(subject, number), now=NOW)


def claims(who: Reader, subject: str, number: int, position: int = 0) -> None:
    """Let a reader hold a confirmed claim on a paper."""
    of = paper(subject, number)
    evidence = {"author": of.authors[position]["name"]}
    Claim.objects.create(reader=who, paper=of, position=position, state="confirmed", evidence=evidence, at=NOW)
