from datetime import date, timedelta

import pytest

from broadsheet.delivery import choose
from broadsheet.delivery.models import Hook
from broadsheet.editions import named
from broadsheet.editions.named import NoSuchList
from broadsheet.groups import members, shelf
from broadsheet.groups.models import Shelved
from broadsheet.groups.tests.lab import NOW, key, lab, paper, record
from broadsheet.papers.models import Paper
from broadsheet.readers.refused import Refused

pytestmark = pytest.mark.django_db
KEY = "group/lab-of-small-things"


@pytest.fixture(autouse=True)
def papers(own_home: object, db: None) -> None:
    record()


def test_the_list_is_in_the_order_of_what_comes_next() -> None:
    group, places = lab("ada", "bo")
    for number, due in ((1, ""), (2, "2024-06-20"), (3, "2024-06-06"), (4, ""), (5, "2024-05-02")):
        shelf.put(places["bo"], paper("bees", number), "", due, now=NOW + timedelta(minutes=number))
    shelf.mark(places["ada"], Shelved.objects.get(paper=paper("bees", 5)), True)
    found = shelf.of(group)
    order = [[row.paper.key for row in rows] for rows in (found.due, found.open, found.done)]
    assert order == [[key("bees", 3), key("bees", 2)], [key("bees", 4), key("bees", 1)], [key("bees", 5)]]
    assert found.to_read == 4
    assert [row.paper.key for row in shelf.in_order(group)] == [*order[0], *order[1], *order[2]]


def test_a_paper_stands_there_once_with_a_note_and_a_day_that_make_sense() -> None:
    _group, places = lab("ada")
    row = shelf.put(places["ada"], paper("bees", 1), " Why\nnot ", "2024-06-06", now=NOW)
    assert (row.note, row.due) == ("Why not", date(2024, 6, 6))
    with pytest.raises(Refused, match="already"):
        shelf.put(places["ada"], paper("bees", 1), "", "", now=NOW)
    for note, due in (
        ("x" * 301, ""),
        ("\0", ""),
        ("", "tomorrow"),
        ("", "0001-01-01"),
        ("", "2024-W22-1x"),
        ("", "٢٠٢٤-٠٦-٠٦"),
    ):
        with pytest.raises(Refused):
            shelf.change(places["ada"], row, note, due)
    shelf.change(places["ada"], row, "", "")
    row.refresh_from_db()
    assert (row.note, row.due) == ("", None)


def test_who_put_it_there_or_a_keeper_takes_it_off() -> None:
    _group, places = lab("ada", "bo", "cy")
    row = shelf.put(places["bo"], paper("bees", 1), "", "", now=NOW)
    with pytest.raises(Refused, match="Who put it there"):
        shelf.remove(places["cy"], row)
    shelf.remove(places["bo"], row)
    shelf.remove(places["ada"], shelf.put(places["bo"], paper("bees", 1), "", "", now=NOW))
    assert not Shelved.objects.exists()


def test_who_was_removed_meanwhile_puts_and_changes_nothing() -> None:
    _group, places = lab("ada", "bo")
    row = shelf.put(places["bo"], paper("bees", 1), "", "", now=NOW)
    members.remove(places["ada"], places["bo"].pk, now=NOW)
    for act in (
        lambda: shelf.put(places["bo"], paper("bees", 2), "", "", now=NOW),
        lambda: shelf.change(places["bo"], row, "Mine", ""),
        lambda: shelf.mark(places["bo"], row, True),
        lambda: shelf.remove(places["bo"], row),
    ):
        with pytest.raises(Refused, match="not in this group any more"):
            act()
    row.refresh_from_db()
    assert (row.note, row.done) == ("", False)


def test_hidden_papers_are_neither_put_nor_shown() -> None:
    group, places = lab("ada")
    shelf.put(places["ada"], paper("bees", 1), "", "", now=NOW)
    Paper.objects.filter(key__in=[key("bees", 1), key("bees", 2)]).update(hidden=True)
    assert not shelf.of(group).open and shelf.one(group, Shelved.objects.get().pk) is None
    with pytest.raises(Refused):
        shelf.put(places["ada"], paper("bees", 2), "", "", now=NOW)


def test_the_list_is_a_list_of_its_members_and_of_nobody_else() -> None:
    _group, places = lab("ada", "bo")
    lab("cy")
    shelf.put(places["ada"], paper("bees", 1), "", "", now=NOW)
    bo, cy = places["bo"].reader, members.everyone(lab("di")[0])[0].reader
    found = named.named(KEY, reader=bo, now=NOW)
    assert found.own and found.title == "Reading list of Lab of small things"
    assert [entry.paper.key for entry in found.entries] == [key("bees", 1)]
    assert KEY in named.own_keys(bo) and KEY not in named.own_keys(cy)
    for who in (None, cy):
        with pytest.raises(NoSuchList):
            named.named(KEY, reader=who, now=NOW)
    assert not named.exists(KEY)
    members.leave(places["bo"], now=NOW)
    with pytest.raises(NoSuchList):
        named.named(KEY, reader=bo, now=NOW)


def test_a_chat_of_a_member_is_told_what_comes_to_the_list_until_they_leave() -> None:
    _group, places = lab("ada", "bo")
    hook = Hook(
        reader=places["bo"].reader, kind="webhook", target="https://hooks.example/x", key=KEY, rhythm="at-once",
        least=1, most=10, made=NOW, since=NOW, looked=NOW,
    )  # fmt: skip
    hook.save()
    shelf.put(places["ada"], paper("bees", 1), "", "", now=NOW + timedelta(hours=1))
    _list, numbers = choose.fresh(hook, NOW + timedelta(hours=2))
    assert numbers == [paper("bees", 1).pk]
    members.remove(places["ada"], places["bo"].pk, now=NOW)
    with pytest.raises(NoSuchList):
        choose.fresh(hook, NOW + timedelta(hours=3))
