from collections.abc import Callable
from datetime import timedelta

import pytest

from broadsheet.groups import members, shelf
from broadsheet.groups.models import Group, Member
from broadsheet.groups.tests.lab import NOW, lab, paper, place_of, record
from broadsheet.readers import belongings, notifications
from broadsheet.readers.models import Notification, Reader
from broadsheet.readers.refused import Refused
from broadsheet.web.tests.accounts import reader

pytestmark = pytest.mark.django_db


def told(who: Reader) -> list[str]:
    return [notifications.sentence(row) for row in Notification.objects.filter(reader=who, kind="group").order_by("pk")]


def test_nobody_is_in_a_group_without_their_own_yes() -> None:
    ada, bo = reader("ada"), reader("bo")
    group = members.found(ada, "Lab of bees", "We read.", now=NOW)
    assert group.slug == "lab-of-bees" and place_of(ada, group).keeper
    members.ask(place_of(ada, group), " @Bo ", now=NOW)
    assert members.place(bo, group.slug) is None and [row.group for row in members.asked(bo)] == [group]
    assert told(bo) == ["@ada asks you into the group “Lab of bees”. You are in it once you say yes."]
    assert members.answer(bo, group.slug, True, now=NOW) == group
    assert not place_of(bo, group).keeper and not place_of(bo, group).shares
    assert told(ada) == ["@bo came into the group “Lab of bees”."]
    assert members.answer(bo, group.slug, True, now=NOW) is None


def test_who_said_no_is_left_alone_for_a_while() -> None:
    ada, bo = reader("ada"), reader("bo")
    group = members.found(ada, "Lab", "", now=NOW)
    place = place_of(ada, group)
    members.ask(place, "bo", now=NOW)
    members.answer(bo, group.slug, False, now=NOW)
    assert not members.asked(bo) and members.place(bo, group.slug) is None
    with pytest.raises(Refused, match="said no"):
        members.ask(place, "bo", now=NOW + timedelta(days=1))
    members.ask(place, "bo", now=NOW + members.LEFT_ALONE + timedelta(days=1))
    assert len(members.asked(bo)) == 1 and len(told(bo)) == 2


def test_only_keepers_ask_remove_change_and_close() -> None:
    _group, places = lab("ada", "bo", "cy")
    reader("di")
    bo, cy = places["bo"], places["cy"]
    for act in (
        lambda: members.ask(bo, "di", now=NOW),
        lambda: members.remove(bo, cy.pk, now=NOW),
        lambda: members.name_keeper(bo, bo.pk, True, now=NOW),
        lambda: members.change(bo, "Mine", ""),
        lambda: members.close(bo, now=NOW),
        lambda: members.take_back(bo, cy.pk),
    ):
        with pytest.raises(Refused, match="Only keepers"):
            act()
    assert Member.objects.filter(state="in").count() == 3


def test_the_last_keeper_names_another_or_closes() -> None:
    group, places = lab("ada", "bo")
    with pytest.raises(Refused, match="last keeper"):
        members.leave(places["ada"], now=NOW)
    with pytest.raises(Refused, match="not in the group"):
        members.leave(places["ada"], places["ada"].pk, now=NOW)
    members.leave(places["ada"], places["bo"].pk, now=NOW)
    assert [place.reader.handle for place in members.everyone(group)] == ["bo"]
    assert place_of(places["bo"].reader, group).keeper
    members.close(places["bo"], now=NOW)
    assert not Group.objects.exists()


def test_one_of_two_keepers_leaves_freely() -> None:
    group, places = lab("ada", "bo")
    members.name_keeper(places["ada"], places["bo"].pk, True, now=NOW)
    members.leave(places["ada"], now=NOW)
    assert [place.keeper for place in members.everyone(group)] == [True]


def test_a_member_of_another_group_cannot_be_touched() -> None:
    _first, ours = lab("ada", "bo")
    _second, theirs = lab("cy", "di")
    acts: tuple[Callable[[], None], ...] = (
        lambda: members.remove(ours["ada"], theirs["di"].pk, now=NOW),
        lambda: members.name_keeper(ours["ada"], theirs["di"].pk, True, now=NOW),
        lambda: members.leave(ours["ada"], theirs["di"].pk, now=NOW),
    )
    for act in acts:
        with pytest.raises(Refused):
            act()
    members.take_back(ours["ada"], theirs["di"].pk)
    assert Member.objects.filter(state="in").count() == 4


def test_who_was_removed_meanwhile_can_do_nothing_more() -> None:
    _group, places = lab("ada", "bo", "cy")
    members.name_keeper(places["ada"], places["bo"].pk, True, now=NOW)
    places["bo"].refresh_from_db()
    members.remove(places["ada"], places["bo"].pk, now=NOW)
    with pytest.raises(Refused, match="not in this group any more"):
        members.remove(places["bo"], places["cy"].pk, now=NOW)
    assert told(places["bo"].reader)[-1] == "You are no longer in the group “Lab of small things”."


@pytest.mark.parametrize("name", ["", " ", "\0", "x" * 5000, "a\u202eb", "\ud800"])
def test_a_name_that_is_none_is_refused(name: str) -> None:
    with pytest.raises(Refused):
        members.found(reader("ada"), name, "", now=NOW)


def test_slugs_are_no_page_s_and_nobody_else_s() -> None:
    ada = reader("ada")
    slugs = [members.found(ada, name, "", now=NOW).slug for name in ("New", "new", "物理", "Put", "Who?", "-- --x")]
    assert slugs == ["new-2", "new-3", "group", "put-2", "who-2", "x"]


@pytest.mark.parametrize("slug", ["", "\0", "x" * 5000, "lab/../x", "%00", "ｌａｂ"])
def test_a_slug_that_is_none_leads_nowhere(slug: str) -> None:
    _group, places = lab("ada")
    assert members.place(places["ada"].reader, slug) is None
    assert members.answer(places["ada"].reader, slug, True, now=NOW) is None


def test_there_is_an_end_to_groups_and_members(monkeypatch: pytest.MonkeyPatch) -> None:
    _group, places = lab("ada", "bo")
    reader("cy")
    monkeypatch.setattr(members, "MOST_MEMBERS", 2)
    monkeypatch.setattr(members, "MOST_FOUNDED", 1)
    with pytest.raises(Refused, match="2 readers"):
        members.ask(places["ada"], "cy", now=NOW)
    with pytest.raises(Refused, match="founded 1"):
        members.found(places["ada"].reader, "Another", "", now=NOW)


def test_a_group_outlives_the_erasure_of_its_last_keeper() -> None:
    record()
    group, places = lab("ada", "bo", "cy")
    members.ask(places["ada"], reader("di").handle, now=NOW)
    shelf.put(places["ada"], paper("bees", 1), "Read it", "", now=NOW)
    belongings.erase(places["ada"].reader)
    group.refresh_from_db()
    assert group.made_by is None
    assert [(place.reader.handle, place.keeper) for place in members.everyone(group)] == [("bo", True), ("cy", False)]
    (row,) = shelf.of(group).open
    assert row.by is None and row.note == "Read it"
    assert "ada" not in " ".join(told(places["bo"].reader) + told(Reader.objects.get(handle="di")))


def test_a_group_that_nobody_is_in_any_more_goes_with_the_last_one() -> None:
    group, places = lab("ada")
    members.ask(places["ada"], reader("bo").handle, now=NOW)
    belongings.erase(places["ada"].reader)
    assert not Group.objects.filter(pk=group.pk).exists() and not Member.objects.exists()


def test_a_reader_takes_memberships_and_what_they_put_along() -> None:
    record()
    _group, places = lab("ada", "bo")
    shelf.put(places["bo"], paper("bees", 1), "Good", "2024-06-01", now=NOW)
    told = belongings.export(places["bo"].reader)["groups"]
    assert isinstance(told, dict)
    assert told["memberships"][0]["group"] == "lab-of-small-things" and told["papers"][0]["note"] == "Good"
