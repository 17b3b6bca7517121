from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from pytest_django import Settings

from broadsheet.community import organisations
from broadsheet.community.tests.factory import reader
from broadsheet.editions import named as lists
from broadsheet.editions.named import NamedList, NoSuchList, exists, head, named, of_kind
from broadsheet.papers import finding, store
from broadsheet.papers.ingest import ingest
from broadsheet.papers.models import Paper
from broadsheet.papers.tests.again import indexed, written
from broadsheet.papers.tests.factory import paper
from broadsheet.readers import follows, library
from broadsheet.record.paper import Author, PaperData

pytestmark = pytest.mark.django_db
DAY = date(2026, 11, 18)
NOW = datetime(2026, 11, 18, 17, tzinfo=UTC)
KEYS = [
    "edition", "edition/2026-11-18", "edition/2026-W47", "edition/2026-11", "trending", "category/cs.CL",
    "author/Bo Sample", "tag/imagenet", "organisation/lab", "search/two suns",
]  # fmt: skip


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, settings: Settings) -> Iterator[None]:
    settings.CONFIG = replace(settings.CONFIG, home=tmp_path, values={**settings.CONFIG.values, "encoder": "none"})
    finding.forget()
    yield
    finding.forget()


def take(*items: PaperData, now: datetime = NOW) -> None:
    ingest(items, now=now)


def keys(found: NamedList) -> list[int]:
    return [int(entry.paper.key.split(".")[1]) for entry in found.entries]


def of(number: int) -> Paper:
    return Paper.objects.get(key=f"2611.{number:05}")


@pytest.fixture
def world() -> None:
    """Paper 1 is in every list there is; paper 9 is of the day before, and in every list but that of its day."""
    written("every list", fill)
    indexed("every list")


def fill() -> None:
    abstract = "We study two suns on ImageNet."
    take(paper(1, abstract=abstract), paper(9, abstract=abstract, announced=DAY - timedelta(days=1)))
    take(paper(2, authors=(Author("Cy Other"),), abstract="Of slow rivers."))
    curator = reader(1, role="curator")
    lab = organisations.found(curator, "Lab", "", [], "", now=NOW)
    for number in (1, 9):
        organisations.affiliate(curator, lab, of(number), now=NOW)


@pytest.mark.parametrize("key", KEYS)
def test_every_list_has_its_papers_under_its_key(world: None, key: str) -> None:
    found = named(key, now=NOW)
    assert found.key == key and found.title and found.path.startswith("/") and not found.own
    wanted = (
        {1, 2} if key == "edition/2026-11-18" else {1, 9} | ({2} if key.startswith(("edition", "trend")) else set())
    )
    assert set(keys(found)) == wanted
    # Across editions each paper keeps the place it has in its own.
    ranks = [1, 2, 1] if key == "edition" else list(range(1, len(wanted) + 1))
    assert [entry.rank for entry in found.entries] == ranks
    # Whole papers: nothing is left to be read one by one.
    assert not any(entry.paper.get_deferred_fields() for entry in found.entries)
    assert replace(found, entries=()) == head(key)
    assert exists(key)


@pytest.mark.parametrize("key", KEYS)
def test_hidden_and_withdrawn_papers_are_in_no_list(world: None, key: str) -> None:
    store.hide(of(1).id, True)
    Paper.objects.filter(id=of(9).id).update(withdrawn=True)
    store.file_anew(of(9).id)
    assert set(keys(named(key, now=NOW))) <= {2}


@pytest.mark.parametrize("key", KEYS)
def test_a_list_is_cut_and_gone_on_with(world: None, key: str) -> None:
    everything = keys(named(key, now=NOW))
    assert keys(named(key, limit=1, now=NOW)) == everything[:1]
    rest = named(key, limit=1, skip=1, now=NOW)
    assert keys(rest) == everything[1:2]
    assert keys(named(key, limit=5, skip=len(everything), now=NOW)) == []


@pytest.mark.parametrize(
    "key",
    [
        "", "/", "nonsense", "nonsense/x", "category", "category/", "category/ ", "category/cs.CL'--", "category/çs",
        "author/Nobody At All", "author/", "tag/unheard", "organisation/none", "search", "search/", "trending/now",
        "edition/2026-13", "edition/2026-02-30", "edition/2026-W54", "edition/1066-10-14", "edition/٢٠٢٦-١١",
        "edition/trending", "search/a\nb", "search/\x00", "category/" + "x" * 400, "digest", "library",
        "Category/cs.CL",
        "edition/2026-W00", "edition/0000-00",
    ],
)  # fmt: skip
def test_what_names_no_list_is_said_to_be_none(world: None, key: str) -> None:
    with pytest.raises(NoSuchList):
        named(key, now=NOW)
    with pytest.raises(NoSuchList):
        head(key)
    assert not exists(key)


@pytest.mark.parametrize(
    ("given", "key"),
    [
        ("author/bo  sample", "author/Bo Sample"),
        ("tag/ImageNet", "tag/imagenet"),
        ("search/ two   suns ", "search/two suns"),
        ("category/ cs.CL", "category/cs.CL"),
        ("edition/", "edition"),
    ],
)
def test_a_key_is_brought_into_its_one_form(world: None, given: str, key: str) -> None:
    assert head(given).key == named(given, now=NOW).key == key


def test_a_name_that_no_address_holds_is_called_as_it_was_asked_for(db: None) -> None:
    take(paper(1, authors=(Author("Ada\n{Odd}"),)))
    found = named("author/ada odd")
    assert (found.key, found.title, keys(found)) == ("author/ada odd", "ada odd", [1])


def test_a_category_is_matched_as_a_whole_and_by_case(db: None) -> None:
    take(paper(1, categories=("cs.CL",)), paper(2, categories=("math", "cs")), paper(3, categories=("cs.CLX", "x.cs")))
    assert keys(named("category/cs")) == [2]
    assert keys(named("category/cs.CL")) == [1]
    assert keys(named("category/cs.cl")) == keys(named("category/cs.C")) == []


def test_the_newest_day_comes_first_and_in_it_the_most_votes(db: None) -> None:
    take(
        paper(1, announced=DAY - timedelta(days=2)),
        paper(3, signals=(("upvotes", 2),)),
        paper(5, signals=(("upvotes", 9),)),
    )
    assert keys(named("category/cs.CL")) == [5, 3, 1]
    assert of_kind("category", "cs.CL").count() == 3


def test_a_limit_is_kept_within_bounds(world: None) -> None:
    assert len(named("category/cs.CL", limit=-5).entries) == 1
    assert len(named("category/cs.CL", limit=10**9, skip=-3).entries) == 2
    assert named("category/cs.CL", skip=10**12).entries == ()


def test_a_library_belongs_to_its_reader(world: None) -> None:
    owner, other = reader(5), reader(6)
    library.save(owner, of(9), now=NOW)
    library.save(owner, of(1), now=NOW + timedelta(minutes=1))
    found = named("library", reader=owner)
    assert found.own and keys(found) == [1, 9]
    assert keys(named("library", reader=owner, limit=1, skip=1)) == [9]
    assert keys(named("library", reader=other)) == []


def test_a_digest_holds_what_is_new_in_what_is_followed_each_paper_once(world: None) -> None:
    who = reader(5)
    for key in ("category/cs.CL", "author/Bo Sample", "search/two suns", "organisation/gone"):
        follows.follow(who, key, now=NOW)
    found = named("digest", reader=who, now=NOW)
    assert found.own and keys(found) == [1, 9]


def test_an_old_paper_is_not_news(world: None) -> None:
    take(paper(11, announced=DAY - lists.NEW_FOR - timedelta(days=2)))
    who = reader(5)
    follows.follow(who, "category/cs.CL", now=NOW)
    assert 11 in keys(named("category/cs.CL"))
    assert keys(named("digest", reader=who, now=NOW)) == [1, 9]


def test_the_digest_of_those_who_follow_nothing_is_what_is_trending(world: None) -> None:
    assert set(keys(named("digest", reader=reader(5), now=NOW))) == {1, 2, 9}


def test_lists_of_an_empty_record_are_empty(db: None) -> None:
    who = reader(5)
    for key in ("edition", "trending", "category/cs.CL", "search/anything"):
        assert named(key, now=NOW).entries == ()
    assert named("digest", reader=who, now=NOW).entries == named("library", reader=who).entries == ()
