import gc
import gzip
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from broadsheet.papers import queries
from broadsheet.papers.ingest import Report, ingest
from broadsheet.papers.models import Change, Identifier, Paper, Quarantined, Sighting, Signal
from broadsheet.papers.tests.factory import NOON, paper
from broadsheet.record.identifiers import Identifier as Name
from broadsheet.record.paper import Author, PaperData, Rejected
from broadsheet.sources.tests.revisions import revisions

pytestmark = pytest.mark.django_db


def take(*items: PaperData | Rejected) -> Report:
    return ingest(items, now=NOON)


def kinds() -> list[str]:
    return list(Change.objects.order_by("seq").values_list("kind", flat=True))


def test_it_records_a_paper_with_all_that_hangs_on_it() -> None:
    report = take(paper(1))
    found = Paper.objects.get()
    assert report == Report(seen=1, new=1)
    assert (found.key, found.id_month, found.category_list) == ("2611.00001", "2026-11", ["cs.LG", "cs.CL"])
    assert [author["name"] for author in found.authors] == ["Ada Example1", "Bo Sample"]
    assert list(found.authorships.order_by("position").values_list("name_key", "affiliation")) == [
        ("ada example1", ""),
        ("bo sample", "Institute of Samples"),
    ]
    assert found.submitted == datetime(2026, 11, 17, 8, 1, tzinfo=UTC)
    assert found.first_seen == NOON
    assert kinds() == ["insert"]


def test_it_leaves_papers_it_has_already_seen() -> None:
    take(paper(1))
    assert take(paper(2), paper(1)) == Report(seen=2, new=1, same=1)


def test_a_paper_twice_in_one_batch_is_one_paper() -> None:
    again = replace(paper(1), raw_hash="e" * 64)
    assert take(paper(1), paper(1), again) == Report(seen=3, new=1, same=2)
    assert Paper.objects.count() == 1


def test_the_garbage_collector_is_as_it_was_also_after_a_break() -> None:
    def broken() -> Iterator[PaperData]:
        yield paper(1)
        assert not gc.isenabled()
        raise ValueError("the file breaks off")

    assert gc.isenabled()
    with pytest.raises(ValueError, match="breaks off"):
        ingest(broken(), now=NOON)
    assert gc.isenabled()
    assert Paper.objects.count() == 1


def test_batches_of_any_size_give_the_same_record() -> None:
    items = [paper(number % 7) for number in range(20)]
    for size in (1, 3, 1000):
        Paper.objects.all().delete()
        ingest(items, now=NOON, batch=size)
        assert sorted(Paper.objects.values_list("key", flat=True)) == [f"2611.{number:05}" for number in range(7)]


def test_a_revision_keeps_what_was_before_in_the_log() -> None:
    take(paper(1))
    report = take(paper(1, title="On dry ground", authors=(Author("Cy Third"),)))
    found = Paper.objects.get()
    change = Change.objects.get(kind="revise")
    assert report.revised == 1
    assert found.title == "On dry ground"
    assert change.old["title"] == "On two suns, part 1"
    assert [author["name"] for author in change.old["authors"]] == ["Ada Example1", "Bo Sample"]
    assert list(found.authorships.values_list("name", flat=True)) == ["Cy Third"]


def test_two_revisions_in_one_batch_leave_two_entries_and_the_last_text() -> None:
    take(paper(1))
    take(paper(1, title="Second"), paper(1, title="Third"))
    assert Paper.objects.get().title == "Third"
    assert [change.old["title"] for change in Change.objects.filter(kind="revise").order_by("seq")] == [
        "On two suns, part 1",
        "Second",
    ]


def test_a_withdrawal_stays_in_the_record_and_is_told_to_the_log() -> None:
    take(paper(1))
    take(paper(1, withdrawn=True))
    assert Paper.objects.get().withdrawn
    assert kinds() == ["insert", "withdraw"]


def test_a_paper_without_an_identifier_gets_one_that_stays_when_its_arxiv_id_is_learned() -> None:
    page = replace(paper(1), source="saved-page", identifiers=(), authors=(), submitted=None, announced=None)
    take(replace(page, raw_hash="a" * 64))
    own = Paper.objects.get().key
    assert own.startswith("b") and len(own) == 13
    report = take(paper(1))
    assert report.revised == 1
    assert Paper.objects.get().key == "2611.00001"
    found = queries.by_key(own)
    assert found is not None and found.key == "2611.00001"


def test_names_of_two_papers_are_kept_aside_and_nothing_changes() -> None:
    take(paper(1), paper(2))
    both = paper(3, identifiers=(Name("arxiv", "2611.00001"), Name("arxiv", "2611.00002")))
    assert take(both) == Report(seen=1, quarantined=1)
    assert "2 papers" in Quarantined.objects.get().reason
    assert Paper.objects.count() == 2


def test_papers_that_share_the_address_of_a_conference_are_not_one_paper() -> None:
    home = Name("url", "https://conference.example/2026")
    first, second = (paper(number, source="bibtex", identifiers=(home,), authors=()) for number in (1, 2))
    assert take(first) == Report(seen=1, new=1)
    assert take(second, replace(second, raw_hash="f" * 64)) == Report(seen=2, new=1, same=1)
    assert take(replace(first, raw_hash="e" * 64)) == Report(seen=1, same=1)
    assert set(Paper.objects.values_list("title", flat=True)) == {first.title, second.title}


def test_two_arxiv_papers_that_share_a_doi_are_two_papers_in_any_order() -> None:
    shared = Name("doi", "10.5555/two.parts")
    first, second = (paper(number, identifiers=(Name("arxiv", f"2611.0000{number}"), shared)) for number in (1, 2))
    assert take(first, second) == Report(seen=2, new=2)
    again = [replace(part, raw_hash=letter * 64) for part, letter in ((second, "e"), (first, "f"))]
    assert take(*again) == Report(seen=2, same=2)
    found = queries.by_key("10.5555/two.parts")
    assert found is not None and found.key == "2611.00001"


def test_what_is_longer_than_the_record_holds_does_not_stop_the_batch() -> None:
    endless = paper(
        1,
        identifiers=(Name("arxiv", "2611.00001"), Name("url", "https://example.org/" + "x" * 600)),
        categories=tuple(f"cs.A{number}" for number in range(200)),
        licence="y" * 900,
        authors=(Author("Z" * 4000),),
    )
    assert take(endless, paper(2)) == Report(seen=2, new=2)
    found = Paper.objects.get(key="2611.00001")
    assert len(found.categories) <= 400 and found.category_list[-1].startswith("cs.A")


def test_a_rejected_item_is_kept_once_and_the_rest_goes_on() -> None:
    broken = Rejected("arxiv-jsonl", "line 2", "no title", b"{\x00\xff}")
    report = take(paper(1), broken, paper(2))
    take(broken)
    assert report == Report(seen=3, new=2, quarantined=1)
    assert bytes(Quarantined.objects.get().raw) == b"{\x00\xff}"


def test_votes_are_the_newest_counts_of_the_source() -> None:
    listed = paper(1, source="huggingface", signals=(("upvotes", 12), ("comments", 3)))
    take(listed, replace(listed, signals=(("upvotes", 15), ("comments", 3)), raw_hash="b" * 64))
    found = Paper.objects.get()
    assert (found.votes, found.comments) == (15, 3)
    assert Signal.objects.count() == 2


def test_the_counts_of_the_sample_give_way_to_those_of_their_source() -> None:
    take(paper(1, source="sample", signals=(("upvotes", 12),)))
    take(paper(1, source="huggingface", signals=(("upvotes", 20),)))
    assert Paper.objects.get().votes == 20


def test_the_log_has_no_gaps_and_one_entry_for_each_change() -> None:
    take(paper(1), paper(2))
    take(paper(3), paper(1, title="New"))
    assert list(Change.objects.order_by("seq").values_list("seq", flat=True)) == [1, 2, 3, 4]


def test_the_number_of_queries_does_not_grow_with_the_papers() -> None:
    def count(first: int, size: int) -> int:
        with CaptureQueriesContext(connection) as captured:
            take(*[paper(number) for number in range(first, first + size)])
        return len(captured)

    count(0, 2)
    assert count(100, 10) == count(200, 50)


def test_a_failed_batch_leaves_nothing_of_itself() -> None:
    take(paper(2))
    with pytest.raises(KeyError):
        ingest([paper(1), replace(paper(2, title="New"), source="nobody")], now=NOON)
    assert list(Paper.objects.values_list("key", flat=True)) == ["2611.00002"]
    assert Identifier.objects.count() == Sighting.objects.count() == 1


@pytest.mark.slow
def test_real_revisions_change_what_they_name_and_nothing_else(shared: Path) -> None:
    with gzip.open(shared / "arxiv" / "changed.jsonl.gz") as stream:
        pairs = list(revisions(stream))
    before = ingest([old for old, _new in pairs], now=NOON)
    after = ingest([new for _old, new in pairs], now=NOON)
    again = ingest([new for _old, new in pairs], now=NOON)
    assert (before.new, before.quarantined) == (len(pairs), 0)
    assert after.revised + after.linked + after.same == len(pairs)
    assert again.same == len(pairs)
    for _old, new in pairs[::50]:
        found = queries.by_key(new.identifiers[0].value)
        assert found is not None
        if new.abstract:
            assert found.abstract == new.abstract


def test_a_batch_of_very_long_texts_ends_early(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("broadsheet.papers.ingest.HEAVY", 1000)
    sizes: list[int] = []
    ingest(
        [paper(1, abstract="long " * 150), Rejected("ris", "line 1", "no title", b"x" * 300), paper(2), paper(3)],
        now=NOON,
        progress=lambda done, total=None: sizes.append(done),
    )
    assert sizes == [2, 4]


def test_counts_that_cannot_be_right_still_fit_into_the_record() -> None:
    most = 2**31 - 1
    take(paper(1, source="huggingface", signals=(("upvotes", most), ("comments", 3))))
    take(paper(1, source="saved-page", signals=(("upvotes", most),)))
    found = Paper.objects.get()
    assert (found.votes_outside, found.comments_outside) == (10**9, 3)
    # A column holds them together with all votes that may be given here.
    assert found.votes + 10**9 < 2**31
