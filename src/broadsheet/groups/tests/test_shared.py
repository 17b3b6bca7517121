from datetime import date

import pytest
from django.core.cache import caches
from django.db import connection
from django.test.utils import CaptureQueriesContext

from broadsheet.community.models import Vote
from broadsheet.foryou import signals
from broadsheet.foryou.models import Shown
from broadsheet.groups import likes, members, remembered, shared, shelf
from broadsheet.groups.likes import Known, Like
from broadsheet.groups.tests.lab import EACH, NOW, claims, key, lab, paper, place_of, record, shares
from broadsheet.readers import belongings, library
from broadsheet.web.tests.accounts import reader

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def papers(own_home: object, db: None) -> None:
    record()


def keys(found: shared.ForGroup) -> list[str]:
    return [pick.entry.paper.key for pick in found.picks]


def recent(subject: str) -> set[str]:
    return {key(subject, number) for number in range(EACH - 5, EACH)}


def test_nobody_counts_who_does_not_share() -> None:
    group, places = lab("ada", "bo")
    library.save(places["bo"].reader, paper("clocks", 1), now=NOW)
    assert shared.list_for(group, NOW).state == "nobody"
    shares(places["ada"], "bees", count=2)
    assert shared.list_for(group, NOW).state == "few"
    shares(places["ada"], "bees")
    found = shared.list_for(group, NOW)
    assert found.state == "ready" and [who.handle for who in found.sharing] == ["ada"]
    assert keys(found)[0] in recent("bees") and recent("bees") < set(keys(found))
    assert {handle for pick in found.picks for handle in pick.serves} == {"ada"}


def test_papers_serve_those_whose_likes_speak_for_them() -> None:
    group, places = lab("ada", "bo")
    shares(places["ada"], "bees")
    shares(places["bo"], "rivers")
    serves = {pick.entry.paper.key: pick.serves for pick in shared.list_for(group, NOW).picks}
    assert all(serves[one] == ("ada",) for one in recent("bees"))
    assert all(serves[one] == ("bo",) for one in recent("rivers"))
    interests = shared.list_for(group, NOW).interests
    assert {interest.whose for interest in interests} == {("ada",), ("bo",)}
    assert all(interest.words and interest.papers for interest in interests)


def test_each_member_weighs_the_same_in_total() -> None:
    many = Known(tuple(Like(number, "saved", NOW) for number in range(1, 41)))
    few = Known((Like(1, "saved", NOW), Like(99, "voted", NOW)))
    found = shared.weights({1: many, 2: few, 3: Known()})
    totals = {who: sum(parts.get(who, 0) for parts in found.values()) for who in (1, 2)}
    assert totals[1] == pytest.approx(totals[2]) == pytest.approx(21)
    assert set(found[1]) == {1, 2}


def test_what_all_who_share_saw_is_left_out_and_what_one_saw_is_not() -> None:
    group, places = lab("ada", "bo", "cy")
    shares(places["ada"], "bees")
    shares(places["bo"], "bees", first=3)
    one, both, put = (paper("bees", EACH - number) for number in (1, 2, 3))
    for place, which in ((places["ada"], [one, both]), (places["bo"], [both])):
        for number, each in enumerate(which):
            day = date(2024, 5, 27)
            Shown.objects.create(reader=place.reader, paper=each, day=day, place=number, at=NOW)
    shelf.put(places["cy"], put, "", "", now=NOW)
    shown = keys(shared.list_for(group, NOW))
    assert one.key in shown and both.key not in shown and put.key not in shown


@pytest.mark.parametrize("way", ["stops", "leaves", "is removed", "is erased", "is suspended"])
def test_nothing_derived_from_a_member_remains(way: str) -> None:
    group, places = lab("ada", "bo")
    shares(places["ada"], "rivers")
    alone = shared.list_for(group, NOW)
    shares(places["bo"], "bees")
    claims(places["bo"].reader, "bees", 7, position=1)
    before = shared.list_for(group, NOW)
    assert set(keys(before)) & recent("bees") and "bo" in repr(before)
    who = places["bo"].reader
    if way == "stops":
        members.share(places["bo"], False)
    elif way == "leaves":
        members.leave(places["bo"], now=NOW)
    elif way == "is removed":
        members.remove(places["ada"], places["bo"].pk, now=NOW)
    elif way == "is erased":
        belongings.erase(who)
    else:
        who.state = "suspended"
        who.save()
    if way != "is suspended":
        # Neither in the process nor, as nothing is ever written down, in the database.
        assert remembered.get(group.pk) is None
    after = shared.list_for(group, NOW)
    assert after == alone and "bo" not in [handle for pick in after.picks for handle in pick.serves]
    assert after.interests == alone.interests


def test_the_list_is_written_to_no_table() -> None:
    group, places = lab("ada")
    shares(places["ada"], "bees")
    with CaptureQueriesContext(
        connection,
    ) as asked:
        shared.list_for(group, NOW)
    assert all(query["sql"].lstrip().upper().startswith("SELECT") for query in asked)


def test_more_members_ask_the_database_no_more() -> None:
    group, places = lab("ada")
    shares(places["ada"], "bees")
    shared.list_for(group, NOW)

    def asked() -> int:
        shared.list_for(group, NOW)
        caches["memory"].clear()
        with CaptureQueriesContext(connection) as queries:
            shared.list_for(group, NOW)
        return len(queries)

    first = asked()
    for handle in ("bo", "cy", "di"):
        who = reader(handle)
        members.ask(places["ada"], handle, now=NOW)
        members.answer(who, group.slug, True, now=NOW)
        shares(place_of(who, group), "rivers")
        claims(who, "rivers", 7, position=1) if handle == "bo" else None
    assert asked() <= first + 1


def test_a_member_lets_the_group_know_what_they_wrote_saved_voted_for_and_named_and_nothing_else() -> None:
    _group, places = lab("ada")
    ada = places["ada"].reader
    claims(ada, "bees", 1)
    library.save(ada, paper("bees", 1), now=NOW)
    library.save(ada, paper("clocks", 2), now=NOW)
    Vote.objects.create(reader=ada, paper=paper("clocks", 3), cast=NOW, day=NOW.date(), nth=1)
    signals.seed(ada, [paper("clocks", 4).pk], "ids", NOW)
    signals.opine(ada, paper("clocks", 5), False, "list", NOW)
    signals.opine(ada, paper("rivers", 1), True, "asked", NOW)
    signals.tune(ada, "paper", str(paper("clocks", 2).pk), 0, "", NOW)
    known = likes.of([ada.pk])[ada.pk]
    kinds = {like.paper: like.kind for like in known.likes}
    assert kinds[paper("bees", 1).pk] == "wrote"
    assert kinds[paper("clocks", 3).pk] == "voted"
    assert {kinds[paper("clocks", 4).pk], kinds[paper("rivers", 1).pk]} == {"named"}
    # Silenced, and never liked.
    assert not {paper("clocks", 2).pk, paper("clocks", 5).pk} & kinds.keys()
    # The name under which one claimed a paper stands on the others.
    assert all(kinds[paper("bees", number).pk] == "signed" for number in range(2, EACH))
    assert known.names == {"bees writer"}


def test_a_name_of_many_papers_is_taken_for_nobody_s(monkeypatch: pytest.MonkeyPatch) -> None:
    _group, places = lab("ada")
    claims(places["ada"].reader, "bees", 1)
    monkeypatch.setattr(likes, "MOST_UNDER_A_NAME", 5)
    assert [like.kind for like in likes.of([places["ada"].reader_id])[places["ada"].reader_id].likes] == ["wrote"]
