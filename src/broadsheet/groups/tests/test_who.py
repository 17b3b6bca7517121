import numpy as np
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from broadsheet.foryou import features
from broadsheet.groups import members, who
from broadsheet.groups.tests.lab import EACH, NOW, SUBJECTS, claims, key, lab, paper, place_of, record, shares
from broadsheet.papers.models import Paper
from broadsheet.readers import belongings
from broadsheet.readers.refused import Refused
from broadsheet.web.tests.accounts import reader

pytestmark = pytest.mark.django_db
BEES = "Bees and the honey of a hive", " ".join([SUBJECTS["bees"]] * 2)


@pytest.fixture(autouse=True)
def papers(own_home: object, db: None) -> None:
    record()


def handles(people: tuple[who.Knows, ...]) -> list[str]:
    return [one.reader.handle for one in people]


def test_who_saved_the_nearest_papers_comes_first_with_the_papers_named() -> None:
    group, places = lab("ada", "bo", "cy")
    shares(places["ada"], "rivers")
    shares(places["bo"], "bees")
    answer = who.ask(group, who.of_paper(paper("bees", 9)))
    assert answer.state == "ready" and handles(answer.people) == ["bo"]
    (bo,) = answer.people
    assert 1 <= len(bo.evidence) <= who.TOLD and bo.conflict is None
    assert all(each.kind == "saved" and each.paper.title.lower().find("bees") >= 0 for each in bo.evidence)
    assert all(each.close == (each.closeness >= who.CLOSE) for each in bo.evidence)
    assert [each.closeness for each in bo.evidence] == sorted((e.closeness for e in bo.evidence), reverse=True)


def test_a_pasted_text_is_answered_and_kept_nowhere() -> None:
    group, places = lab("ada", "bo")
    shares(places["ada"], "rivers")
    shares(places["bo"], "bees")
    with CaptureQueriesContext(connection) as asked:
        answer = who.ask(group, who.of_text(*BEES, "Somebody Else"))
    assert handles(answer.people) == ["bo"]
    assert all(query["sql"].lstrip().upper().startswith("SELECT") for query in asked)
    assert not Paper.objects.filter(title=BEES[0]).exists()


def test_nobody_is_near_where_the_evidence_is_weak() -> None:
    group, places = lab("ada")
    assert who.ask(group, who.of_text(*BEES, "")).state == "nobody"
    shares(places["ada"], "rivers")
    answer = who.ask(group, who.of_text("Quantum gravity in eleven dimensions", "Branes and strings are studied.", ""))
    assert answer.state == "far" and not answer.people and not answer.apart


def test_only_those_who_share_are_looked_at() -> None:
    group, places = lab("ada", "bo")
    shares(places["ada"], "rivers")
    shares(places["bo"], "bees")
    claims(places["bo"].reader, "bees", 9)
    subject = who.of_paper(paper("bees", 9))
    assert "bo" in handles(who.ask(group, subject).people)
    members.share(places["bo"], False)
    answer = who.ask(group, subject)
    assert "bo" not in repr(answer) and answer.state == "far"
    members.share(places["bo"], True)
    belongings.erase(places["bo"].reader)
    assert "bo" not in repr(who.ask(group, subject))


def test_conflicts_of_interest_are_flagged() -> None:
    group, places = lab("ada", "bo", "cy", "di", "eve")
    # An author by a claim; a co-author of one of its authors; one who bears an author's name; one in no conflict.
    for handle, subject in (("ada", "bees"), ("bo", "bees"), ("di", "bees"), ("eve", "bees")):
        shares(places[handle], subject, count=4)
    members.share(places["cy"], True)
    claims(places["ada"].reader, "bees", 9)
    claims(places["bo"].reader, "bees", 2, position=1)
    di = places["di"].reader
    di.name = "Helper Bees9"
    di.save()
    answer = who.ask(group, who.of_paper(paper("bees", 9)))
    found = {one.reader.handle: one.conflict for one in (*answer.people, *answer.apart)}
    assert {handle: conflict and conflict.kind for handle, conflict in found.items()} == {
        "ada": "author", "bo": "coauthor", "di": "name", "eve": None,
    }  # fmt: skip
    bo = found["bo"]
    assert bo and bo.names == ("Bees Writer",) and bo.paper == paper("bees", 2)
    # The paper itself is no evidence that its author knows it.
    assert all(each.paper.key != key("bees", 9) for one in answer.people for each in one.evidence)


def test_authors_of_a_pasted_text_are_looked_for_and_a_known_title_is_recognised() -> None:
    group, places = lab("ada", "bo")
    shares(places["bo"], "rivers")
    claims(places["bo"].reader, "bees", 2, position=1)
    answer = who.ask(group, who.of_text(*BEES, "A. N. Other; bees  WRITER and Some One"))
    assert [(one.reader.handle, one.conflict and one.conflict.kind) for one in (*answer.people, *answer.apart)] == [
        ("bo", "coauthor")
    ]
    known = paper("bees", 9)
    Paper.objects.filter(pk=known.pk).update(title="Bees of a long title")
    known.refresh_from_db()
    from broadsheet.record.linkage import short_title_key

    Paper.objects.filter(pk=known.pk).update(title_key=short_title_key(known.title))
    subject = who.of_text("BEES of a long: title", "", "")
    assert subject.paper == known and "bees writer" in subject.authors


@pytest.mark.parametrize(
    ("title", "abstract", "authors"),
    [
        ("", "", ""),
        ("\0", "", ""),
        ("x" * 501, "", ""),
        ("", "x" * 10_001, ""),
        ("A", "", "y" * 5001),
        ("!?", " ", ","),
    ],
)
def test_a_text_that_is_none_is_refused(title: str, abstract: str, authors: str) -> None:
    with pytest.raises(Refused):
        who.of_text(title, abstract, authors)


def test_more_members_ask_the_database_no_more() -> None:
    group, places = lab("ada")
    shares(places["ada"], "bees")
    claims(places["ada"].reader, "bees", 3)
    subject = who.of_paper(paper("bees", 9))
    who.ask(group, subject)

    def asked() -> int:
        with CaptureQueriesContext(connection) as queries:
            who.ask(group, subject)
        return len(queries)

    first = asked()
    for handle in ("bo", "cy", "di"):
        other = reader(handle)
        members.ask(places["ada"], handle, now=NOW)
        members.answer(other, group.slug, True, now=NOW)
        shares(place_of(other, group), "bees", first=5, count=EACH - 6)
    assert asked() <= first


def test_closeness_is_what_it_is_said_to_be() -> None:
    background = features.background()
    assert background is not None
    numbers = [paper("bees", number).pk for number in range(4)]
    prepared, _found = features.prepared_of(numbers, background)
    got = who.closeness(prepared, prepared.take([0]), len(background.vocabulary))

    def row(place: int) -> dict[int, float]:
        start, stop = prepared.words.start[place], prepared.words.start[place + 1]
        return dict(
            zip(prepared.words.term[start:stop].tolist(), prepared.words.weight[start:stop].tolist(), strict=True)
        )

    for place in range(4):
        words = sum(weight * row(place).get(term, 0.0) for term, weight in row(0).items())
        places = float(np.dot(prepared.meaning[place], prepared.meaning[0]))
        assert got[place] == pytest.approx((places + 2 * words) / 3, abs=1e-5)
    assert got[0] == pytest.approx(1, abs=1e-4)
