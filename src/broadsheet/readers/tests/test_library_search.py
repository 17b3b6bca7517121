import random
import unicodedata
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from broadsheet.lib.tests.quick import within
from broadsheet.papers.ingest import ingest
from broadsheet.papers.models import Paper
from broadsheet.papers.tests.again import written
from broadsheet.papers.tests.factory import paper
from broadsheet.readers import filing, library, library_search
from broadsheet.readers.library_search import Asked, find
from broadsheet.readers.models import Reader, Saved, SavedTag
from broadsheet.readers.tests.site import NOON, reader
from broadsheet.record.paper import Author

pytestmark = pytest.mark.django_db
TEXTS = (
    ("Rivers of dust", "We follow dust down a dry valley.", ("Åsa Öberg",)),
    ("An atlas of wells", r"Wells of S\~ao Tom\'e, and the caf\'es beside them.", ("Bo Brandt", "Cy Corso")),
    ("On wind", "Why wind-blown dust $x^2$ settles; a re-measurement.", ("Di Dell",)),
    ("Zebra crossings", "", ()),
)


@pytest.fixture
def ada() -> Reader:
    """A reader with four papers, saved one after the other."""
    written("four papers, saved", fill)
    return Reader.objects.get()


def fill() -> None:
    made = [
        paper(number, title=title, abstract=abstract, authors=tuple(map(Author, names)),
              submitted=datetime(2026, 11, 10 - number, tzinfo=UTC))
        for number, (title, abstract, names) in enumerate(TEXTS, 1)
    ]  # fmt: skip
    ingest(made, now=NOON)
    ada = reader("ada")
    for place, one in enumerate(Paper.objects.order_by("pk")):
        library.save(ada, one, now=NOON + timedelta(minutes=place))
    file(ada, "Rivers of dust", tags="Thesis, Geology", note="Compare with **Müller** (2019)", state="to-read")
    file(ada, "On wind", tags="thesis", state="reading")
    file(ada, "Zebra crossings", tags="Geology", note="see the appendix of the atlas", state="read")


def file(ada: Reader, title: str, **wanted: str) -> None:
    filing.file(ada, Paper.objects.get(title=title), now=NOON, **wanted)


def titles(ada: Reader, **asked: object) -> list[str]:
    known = dict(Paper.objects.values_list("pk", "title"))
    return [known[number].split()[-1] for number in find(ada, Asked(**asked)).numbers]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("q", "found"),
    [
        ("", ["crossings", "wind", "wells", "dust"]),
        ("dust", ["wind", "dust"]),
        ("DUST", ["wind", "dust"]),
        ("dus", ["wind", "dust"]),
        ("dus valley", []),
        ("valley dus", ["dust"]),
        ("oberg", ["dust"]),
        ("Åsa ÖBERG dust", ["dust"]),
        ("muller", ["dust"]),
        ("sao tome", ["wells"]),
        ("cafés", ["wells"]),
        ("thesis", ["wind", "dust"]),
        ("thesis geo", ["dust"]),
        ("atlas", ["crossings", "wells"]),
        ("atlas append", ["crossings"]),
        ("wind-blown", ["wind"]),
        ("ust", []),
        ("!!!", ["crossings", "wind", "wells", "dust"]),
        ("nothing of that", []),
    ],
)
def test_all_words_must_stand_in_a_paper_or_what_was_filed_with_it(ada: Reader, q: str, found: list[str]) -> None:
    assert titles(ada, q=q) == found


def test_tags_and_states_narrow_it_down_and_are_counted(ada: Reader) -> None:
    assert titles(ada, tags=("thesis",)) == ["wind", "dust"]
    assert titles(ada, tags=("thesis", "geology")) == ["dust"]
    assert titles(ada, tags=("nothing",)) == []
    assert titles(ada, state="list", order="added") == ["dust", "wind"]
    assert titles(ada, state="read") == ["crossings"] and titles(ada, state="kept") == ["wells"]
    found = find(ada, Asked(tags=("thesis",), state="reading"))
    assert found.total == 4 and [(tag.name, tag.papers) for tag in found.tags] == [("Thesis", 1)]
    assert dict(found.states) == {"list": 2, "to-read": 1, "reading": 1, "read": 0, "kept": 0}


def test_it_is_sorted_by_what_is_asked(ada: Reader) -> None:
    assert titles(ada, order="saved") == ["crossings", "wind", "wells", "dust"]
    assert titles(ada, order="added") == ["dust", "wells", "wind", "crossings"]
    assert titles(ada, order="newest") == ["dust", "wells", "wind", "crossings"]
    assert titles(ada, order="title") == ["wells", "wind", "dust", "crossings"]


def test_a_library_is_its_readers_alone(ada: Reader) -> None:
    bo = reader("bo")
    assert find(bo, Asked(q="dust")).rows == () and find(bo, Asked()).total == 0


def test_what_changes_is_found_at_once(ada: Reader) -> None:
    assert titles(ada, q="zanzibar") == []
    file(ada, "An atlas of wells", note="zanzibar")
    assert titles(ada, q="zanzibar") == ["wells"]
    file(ada, "An atlas of wells", note="zebra", tags="zanzibar")
    assert titles(ada, q="zanzibar") == ["wells"]
    changed = paper(4, version=2, title="Zebra crossings", abstract="Of Zanzibar.", source="arxiv-oai")
    ingest([replace(changed, authors=(Author("Yo Yak"),))], now=NOON + timedelta(days=1))
    assert titles(ada, q="zanzibar") == ["crossings", "wells"] and titles(ada, q="yak") == ["crossings"]


def test_the_words_found_are_told_for_marking() -> None:
    assert library_search.query_words("Dust of dust Wind dust") == ("dust", "of", "wind", "dust")
    assert library_search.marked(("dust", "wi"), "Wind, dust, window", "duster; Wìnd") == ("dust", "wind", "window")
    assert library_search.marked((), "Wind") == ()


@pytest.mark.parametrize("q", ["'; DROP", "%", "_", "\\", "\x00", "a" * 5000, "(" * 300, "\ud800", "%00 %25", "🦓"])
def test_any_text_is_a_query(ada: Reader, q: str) -> None:
    find(ada, Asked(q=q))


def plainly(text: str) -> list[str]:
    """The words of a text by another way than the one that is tested; the texts here hold no TeX."""
    kept = (char for char in unicodedata.normalize("NFKD", text.lower()) if not unicodedata.combining(char))
    return "".join(char if char.isalnum() else " " for char in kept).split()


@pytest.mark.thorough
def test_it_finds_what_a_slow_search_finds() -> None:
    chance = random.Random(6)
    words = ["alpha", "álpha", "Beta", "gamma", "gammas", "delta-ray", "Epsilon", "zeta", "eta"]
    ingest(
        [paper(number, title=" ".join(chance.choices(words, k=3)), abstract=" ".join(chance.choices(words, k=4)))
         for number in range(1, 40)], now=NOON
    )  # fmt: skip
    ada = reader("ada")
    texts: dict[int, list[str]] = {}
    for one in Paper.objects.order_by("pk"):
        note, tag = " ".join(chance.choices(words, k=2)), chance.choice(words)
        filing.file(ada, one, now=NOON, note=note, tags=tag)
        names = " ".join(author["name"] for author in one.authors)
        name = SavedTag.objects.get(saved__paper=one).name
        texts[one.pk] = plainly(f"{one.key} {one.title} {one.abstract} {names} {note} {name}")
    for _round in range(60):
        asked = chance.choices(words, k=chance.randint(1, 3))
        asked[-1] = asked[-1][: chance.randint(1, 6)].rstrip("-")
        *whole, last = plainly(" ".join(asked))
        right = {pk for pk, told in texts.items()
                 if set(whole) <= set(told) and any(word.startswith(last) for word in told)}  # fmt: skip
        assert set(find(ada, Asked(q=" ".join(asked))).numbers) == right, asked


def test_questions_to_the_database_do_not_grow(ada: Reader) -> None:
    def asked(**wanted: object) -> int:
        with CaptureQueriesContext(connection) as seen:
            find(ada, Asked(**wanted))  # type: ignore[arg-type]
        return len(seen)

    before = [asked(q="dust"), asked(q="dust", order="title"), asked(order="newest", tags=("thesis",))]
    ingest([paper(number) for number in range(10, 40)], now=NOON)
    library.add(ada, Paper.objects.values_list("pk", flat=True), now=NOON)
    filing.add_tags(ada, Paper.objects.values_list("pk", flat=True), "thesis, more")
    library_search.find(ada, Asked(q="warm"))
    after = [asked(q="dust"), asked(q="dust", order="title"), asked(order="newest", tags=("thesis",))]
    assert all(new <= old for new, old in zip(after, before, strict=True))


@pytest.mark.slow
def test_five_thousand_papers_are_searched_in_a_moment() -> None:
    words = [f"word{number}" for number in range(3000)]
    chance = random.Random(1)
    ingest([paper(number, abstract=" ".join(chance.choices(words, k=150))) for number in range(1, 5001)], now=NOON)
    ada = reader("ada")
    library.add(ada, Paper.objects.values_list("pk", flat=True), now=NOON)
    Saved.objects.update(note=" ".join(words[:40]))
    find(ada, Asked(q="word1"))
    with within(3):
        found = find(ada, Asked(q="word1 word22"))
    assert len(found.rows) == 5000
