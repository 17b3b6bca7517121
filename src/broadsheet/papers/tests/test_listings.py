from dataclasses import replace
from datetime import UTC, datetime

import pytest

from broadsheet.papers import store
from broadsheet.papers.ingest import Report, ingest, recognise
from broadsheet.papers.models import Change, Paper, Tag
from broadsheet.papers.tests.factory import NOON, paper
from broadsheet.record.identifiers import Identifier
from broadsheet.record.paper import Account, Author, ListedAuthor, Listing, PaperData
from broadsheet.record.wire import listing_from_json

pytestmark = pytest.mark.django_db

SINCE = datetime(2026, 11, 19, 8, tzinfo=UTC)
LISTED = Listing(
    summary="In short, bees.",
    keywords=("Loud Bees", "honey"),
    submitter=Account("ada", "Ada"),
    organisation=("hive", "The Hive"),
    authors=(ListedAuthor(1, Account("bo", "Bo"), "claimed_verified", SINCE),),
)


def listed(number: int, listing: Listing | None = LISTED, **values: object) -> PaperData:
    given = {"source": "huggingface", "listing": listing, "announced_by": "listing", "version": 0, **values}
    return paper(number, **given)


def take(*items: PaperData) -> Report:
    return ingest(items, now=NOON)


def tags() -> list[tuple[str, str]]:
    return list(Tag.objects.order_by("key").values_list("key", "name"))


def test_a_listing_is_kept_with_its_paper_and_read_back_whole() -> None:
    take(listed(1))
    found = Paper.objects.get()
    assert listing_from_json(found.listing) == LISTED
    assert store.as_data(found).listing == LISTED
    assert Paper.objects.filter(listing={}).count() == 0


def test_a_later_listing_replaces_the_earlier_one_and_the_log_keeps_what_it_was() -> None:
    take(listed(1))
    later = replace(LISTED, keywords=("honey",), summary="Bees.")
    assert take(listed(1, later)) == Report(seen=1, linked=1)
    found, change = Paper.objects.get(), Change.objects.order_by("seq").last()
    assert listing_from_json(found.listing) == later
    assert change is not None and change.kind == "link"
    assert listing_from_json(change.old["listing"]) == LISTED


def test_a_first_listing_leaves_in_the_log_that_there_was_none() -> None:
    take(paper(1))
    take(listed(1))
    change = Change.objects.order_by("seq").last()
    assert change is not None and change.old["listing"] is None
    assert Paper.objects.get().source == "arxiv-jsonl"


def test_a_source_that_lists_nothing_leaves_the_listing_as_it_is() -> None:
    take(listed(1))
    take(paper(1, title="A new title"))
    assert store.as_data(Paper.objects.get()).listing == LISTED


def test_keywords_and_benchmarks_become_tags_each_key_once() -> None:
    words = ("Loud Bees", "loud  bees!", "LOUD-BEES", "ImageNet", "Größe", "…", "x" * 80)
    text = "We reach 71.2% on ImageNet and 55.0 on GSM8K, which nobody did before us on wet ground."
    take(listed(1, Listing(keywords=words), abstract=text))
    found = dict(tags())
    assert set(found) == {"loud-bees", "imagenet", "gsm8k", "grosse", "x" * 80}
    assert found["imagenet"] == "ImageNet" and found["grosse"] == "Größe"


def test_names_longer_than_their_columns_are_cut() -> None:
    take(listed(1, Listing(keywords=("y" * 500, "word " * 99))))
    assert all(len(key) <= 80 and len(name) <= 80 for key, name in tags())
    assert len(tags()) == 2


def test_a_revision_of_listing_or_abstract_replaces_the_tags() -> None:
    take(listed(1))
    assert [key for key, _ in tags()] == ["honey", "loud-bees"]
    take(listed(1, Listing(keywords=("clay",))))
    assert tags() == [("clay", "clay")]
    take(listed(1, Listing(keywords=("clay",)), abstract="We reach 71.2% on ImageNet with wet clay."))
    assert [key for key, _ in tags()] == ["clay", "imagenet"]
    take(listed(1, Listing(keywords=("clay",)), abstract="We reach nothing with wet clay."))
    assert tags() == [("clay", "clay")]


def test_the_same_listing_again_changes_nothing() -> None:
    take(listed(1))
    assert take(listed(1, raw_hash="e" * 64)) == Report(seen=1, same=1)
    assert Change.objects.count() == 1


def test_who_is_tied_to_an_author_stays_with_that_author_where_sources_name_different_many() -> None:
    take(paper(1, authors=(Author("Hidden One"), Author("Ada Example1"), Author("Bo Sample"))))
    take(listed(1))
    found = store.as_data(Paper.objects.get())
    assert found.listing is not None and [one.place for one in found.listing.authors] == [2]
    assert take(listed(1, raw_hash="e" * 64)) == Report(seen=1, same=1)
    take(paper(1, authors=(Author("Cy Third"),)))
    found = store.as_data(Paper.objects.get())
    assert found.listing is not None and found.listing.authors == ()


def test_items_are_recognised_as_an_import_would_without_writing_anything() -> None:
    take(paper(1), paper(2))
    first, second = Paper.objects.order_by("id")
    untold = {"identifiers": (), "raw_hash": "f" * 64}
    alike = paper(2, **untold)
    known_id = PaperData("bibtex", "Another title", identifiers=first_names(first))
    stranger = PaperData("bibtex", "On nothing known", identifiers=(Identifier("doi", "10.1/none"),))
    assert recognise([alike, stranger, known_id, paper(1)]) == [second.id, None, first.id, first.id]
    both = PaperData("bibtex", "Two", identifiers=(*first_names(first), *first_names(second)))
    assert recognise([both]) == [None]
    assert recognise([]) == []
    assert Paper.objects.count() == 2


def first_names(found: Paper) -> tuple[Identifier, ...]:
    return (Identifier("arxiv", found.key),)
