import json
from collections.abc import Callable

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from broadsheet.papers.ingest import ingest
from broadsheet.papers.models import Paper
from broadsheet.papers.tests.factory import paper
from broadsheet.readers import belongings, filing, library
from broadsheet.readers.filing import Filed
from broadsheet.readers.models import Reader, Saved, SavedTag
from broadsheet.readers.refused import Refused
from broadsheet.readers.tests.site import NOON, reader

pytestmark = pytest.mark.django_db
Do = Callable[[], object]


@pytest.fixture
def papers() -> list[Paper]:
    """Six papers."""
    ingest([paper(number) for number in range(1, 7)], now=NOON)
    return list(Paper.objects.order_by("pk"))


@pytest.fixture
def ada(papers: list[Paper]) -> Reader:
    """A reader with all but the last of them in the library."""
    ada = reader("ada")
    library.add(ada, [one.pk for one in papers[:5]], now=NOON)
    return ada


def filed(ada: Reader, one: Paper) -> Filed:
    return filing.of(ada, [one.pk])[one.pk]


def test_a_paper_is_filed_in_part_and_what_is_left_out_stays(ada: Reader, papers: list[Paper]) -> None:
    one = papers[0]
    filing.file(ada, one, now=NOON, tags="Vision, to cite; #long context")
    filing.file(ada, one, now=NOON, note="  Ask *Bo*\r\nabout it ", state="reading")
    assert filed(ada, one) == Filed("reading", "Ask *Bo*\nabout it", ("Vision", "to cite", "long context"))
    assert filing.file(ada, one, now=NOON, tags=["to cite"]).tags == ("to cite",)
    assert filing.file(ada, one, now=NOON, tags="", note="", state="") == Filed()
    assert not SavedTag.objects.exists()


def test_filing_a_paper_saves_it_first(ada: Reader, papers: list[Paper]) -> None:
    filing.file(ada, papers[5], now=NOON, tags="new")
    filing.move(reader("bo"), papers[5], "to-read", now=NOON)
    assert Saved.objects.filter(paper=papers[5]).count() == 2


def test_a_tag_is_one_whatever_its_case_and_accents(ada: Reader, papers: list[Paper]) -> None:
    filing.file(ada, papers[0], now=NOON, tags="Müller, MULLER, muller")
    filing.file(ada, papers[1], now=NOON, tags="MÜLLER")
    assert filed(ada, papers[0]).tags == filed(ada, papers[1]).tags == ("Müller",)
    assert filing.tags(ada) == [filing.Tally("muller", "Müller", 2)]


@pytest.mark.parametrize("tag", ["C++", "C#", "日本語", "~", "$", "{}", "naïve Bayes", "a/b?c=d&e", "<b>", "ß"])
def test_odd_tags_are_tags(ada: Reader, papers: list[Paper], tag: str) -> None:
    assert filing.file(ada, papers[0], now=NOON, tags=tag).tags == (tag,)
    assert filing.delete_tag(ada, filing.tag_key(tag)) == 1


@pytest.mark.parametrize(
    "wrong",
    [
        {"tags": "x" * 61},
        {"tags": [f"tag {number}" for number in range(41)]},
        {"tags": "a\0b"},
        {"tags": "a\u202eb"},
        {"tags": "a\ud800"},
        {"note": "x" * 20_001},
        {"note": "a\0b"},
        {"note": "a\u202eb"},
        {"state": "lost"},
        {"state": "READ"},
    ],
    ids=str,
)
def test_what_is_too_much_or_cannot_be_shown_is_refused_whole(
    ada: Reader, papers: list[Paper], wrong: dict[str, object]
) -> None:
    filing.file(ada, papers[0], now=NOON, tags="kept", note="kept", state="read")
    with pytest.raises(Refused):
        filing.file(ada, papers[0], now=NOON, **({"tags": "new", "note": "new", "state": "reading"} | wrong))  # type: ignore[arg-type]
    assert filed(ada, papers[0]) == Filed("read", "kept", ("kept",))


def test_forty_tags_and_a_long_note_are_kept(ada: Reader, papers: list[Paper]) -> None:
    names = [f"{number} ".ljust(60, "x") for number in range(40)]
    kept = filing.file(ada, papers[0], now=NOON, tags=names, note="ä" * 20_000)
    assert len(kept.tags) == 40 and len(kept.note) == 20_000
    with pytest.raises(Refused, match="more than 40 tags"):
        filing.add_tags(ada, [papers[0].pk, papers[1].pk], "one more")
    assert filed(ada, papers[1]) == Filed()


def test_a_tag_is_put_on_and_taken_off_several_papers(ada: Reader, papers: list[Paper]) -> None:
    numbers = [one.pk for one in papers]
    filing.file(ada, papers[0], now=NOON, tags="Thesis")
    assert filing.add_tags(ada, numbers, "thesis, chapter two") == 5
    assert filing.add_tags(ada, numbers, "THESIS") == 0
    assert {name for one in papers[:5] for name in filed(ada, one).tags} == {"Thesis", "chapter two"}
    assert filing.drop_tags(ada, numbers[:2], "thesis") == 2
    assert [tag.papers for tag in filing.tags(ada)] == [5, 3]
    assert filing.move_all(ada, numbers, "to-read") == 5 and filing.move_all(ada, numbers[:3], "to-read") == 0


def test_renaming_a_tag_joins_it_with_another(ada: Reader, papers: list[Paper]) -> None:
    filing.file(ada, papers[0], now=NOON, tags="vision, images")
    filing.file(ada, papers[1], now=NOON, tags="images")
    filing.file(ada, papers[2], now=NOON, tags="vision")
    assert filing.rename(ada, "images", "Vision") == 2
    assert filing.tags(ada) == [filing.Tally("vision", "Vision", 3)]
    assert filing.rename(ada, "vision", "VISION") == 3
    assert filing.tags(ada)[0].name == "VISION"
    for key, name in (("nothing", "new"), ("vision", ""), ("vision", "a, b"), ("vision", "x" * 61)):
        with pytest.raises(Refused):
            filing.rename(ada, key, name)


def test_tags_of_others_are_out_of_reach(ada: Reader, papers: list[Paper]) -> None:
    bo = reader("bo")
    filing.file(bo, papers[0], now=NOON, tags="secret", note="mine")
    assert filing.tags(ada) == [] and filing.delete_tag(ada, "secret") == 0
    assert filing.add_tags(ada, [papers[0].pk], "seen") == 1
    assert filed(bo, papers[0]) == Filed("", "mine", ("secret",))


def test_brought_tags_are_kept_as_far_as_they_fit(ada: Reader, papers: list[Paper]) -> None:
    filing.file(ada, papers[0], now=NOON, tags=[f"t{number}" for number in range(39)])
    given = {papers[0].pk: ("T1", "new, newer"), papers[1].pk: ("x" * 99, "bad\0", "Good"), papers[5].pk: ("no",)}
    assert filing.import_tags(ada, given) == 2
    assert len(filed(ada, papers[0]).tags) == 40 and filed(ada, papers[1]).tags == ("Good",)
    assert papers[5].pk not in filing.of(ada, [papers[5].pk])


@pytest.mark.parametrize("what", ["add", "drop", "move", "import", "rename"])
def test_questions_to_the_database_do_not_grow_with_the_papers(ada: Reader, papers: list[Paper], what: str) -> None:
    numbers = [one.pk for one in papers]
    filing.add_tags(ada, numbers, "old")

    def asked(some: list[int]) -> int:
        acts: dict[str, Do] = {
            "add": lambda: filing.add_tags(ada, some, f"new {len(some)}, second, third"),
            "drop": lambda: filing.drop_tags(ada, some, "old"),
            "move": lambda: filing.move_all(ada, some, "to-read"),
            "import": lambda: filing.import_tags(ada, dict.fromkeys(some, ("x", "y"))),
            "rename": lambda: filing.rename(ada, "old" if len(some) == 1 else "older", "older"),
        }
        with CaptureQueriesContext(connection) as seen:
            acts[what]()
        return len(seen)

    assert asked(numbers[4:5]) >= asked(numbers[:4]) - 1


def test_an_export_and_an_erasure_hold_tags_notes_and_states(ada: Reader, papers: list[Paper]) -> None:
    filing.file(ada, papers[0], now=NOON, tags="zanzibar, two", note="My own *words*", state="read")
    told = json.loads(json.dumps(belongings.export(ada)["library"]))
    assert len(told) == 5
    one = next(each for each in told if each["paper"] == papers[0].key)
    assert set(one) == {"paper", "title", "at", "state", "tags", "note"}
    assert (one["state"], one["tags"], one["note"]) == ("read", ["zanzibar", "two"], "My own *words*")
    belongings.erase(ada)
    assert not SavedTag.objects.exists() and not Saved.objects.exists()


def test_notes_that_are_brought_are_appended_once(ada: Reader, papers: list[Paper]) -> None:
    one, two, three = papers[:3]
    filing.file(ada, one, now=NOON, note="Mine.\n\nAsk *Bo* about the loud bees.")
    filing.file(ada, two, now=NOON)
    given = {
        one.pk: [("", "ask Bo about the loud bees"), ("", "Bo"), ("zotero A", "Old text")],
        two.pk: [("", "\u202eTurned\x00 text"), ("", "  "), ("", "x" * 30_000)],
        three.pk: [("", "Not in the library")],
    }
    library.remove(ada, three)
    assert filing.import_notes(ada, given) == 2
    told = "Mine.\n\nAsk *Bo* about the loud bees.\n\nBo\n\nOld text"
    assert filed(ada, one).note == told
    assert filed(ada, two).note.startswith("Turned text") and len(filed(ada, two).note) <= filing.LONGEST_NOTE
    assert filing.import_notes(ada, given) == 0
    # Known again by its name, whatever became of it here or there.
    filing.file(ada, one, now=NOON, note="Nothing left.")
    assert filing.import_notes(ada, {one.pk: [("zotero A", "New text"), ("", "Bo")]}) == 0
    assert filed(ada, one).note == "Nothing left."
    assert not filing.of(ada, [three.pk])
