"""The order of the page against five saved result pages; a paper is named page#rank."""

from collections.abc import Iterable
from pathlib import Path

import pytest

from broadsheet.search.page_order import exact_needles, misspelt, place, with_typos
from broadsheet.search.query import parse
from broadsheet.search.shard import ShardReader, catch_up
from broadsheet.search.tests.fakes import FakeEncoder, FakeRecord, encoded
from broadsheet.search.tests.shared_pages import needs_pages, read_pages
from broadsheet.search.types import Hit, PaperToIndex
from broadsheet.search.words import fields, row_text, spaced

pytestmark = needs_pages

QUERIES = ("independently trained", "initial loss", "self training algorithms", "auxiliary consistency loss")


class Corpus:
    """The distinct papers of the pages in a shard."""

    def __init__(self, tmp: Path) -> None:
        self.named = read_pages()
        self.texts = list(dict.fromkeys(self.named.values()))
        encoder = FakeEncoder()
        record = FakeRecord()
        record.put(*encoded(encoder, *(PaperToIndex(n, *text) for n, text in enumerate(self.texts, start=1))))
        catch_up(tmp, record, encoder.id)
        self.reader = ShardReader(tmp, encoder)
        self.vocabulary: dict[int, list[str]] = {}
        for word in {word for text in self.texts for part in text for word in spaced(part).split()}:
            self.vocabulary.setdefault(len(word), []).append(word)

    def id(self, name: str) -> int:
        return self.texts.index(self.named[name]) + 1

    def ids(self, page: int, ranks: Iterable[int]) -> set[int]:
        return {self.id(f"{page}#{rank}") for rank in ranks}

    def head(self, query: str) -> list[Hit]:
        return [hit for hit in self.reader.search(query).hits if hit.block == "words"]

    def found(self, query: str) -> list[int]:
        return [hit.paper for hit in self.head(query)]


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    return Corpus(tmp_path_factory.mktemp("pages"))


def test_there_are_503_listed_and_457_distinct_papers(corpus: Corpus) -> None:
    assert (len(corpus.named), len(corpus.texts)) == (503, 457)


@pytest.mark.parametrize("query", ["independently trained", "independantly trained"])
def test_1_and_6_independently_trained_comes_in_its_buckets_with_and_without_a_typo(corpus: Corpus, query: str) -> None:
    found = corpus.found(query)
    assert set(found[:14]) == corpus.ids(3, range(1, 15))
    assert found[14] == corpus.id("3#15")
    assert set(found[15:28]) == corpus.ids(3, range(16, 28)) | {corpus.id("3#101")}
    assert set(found[28:31]) == corpus.ids(3, range(28, 31))
    assert set(found[31:36]) == corpus.ids(3, range(31, 35)) | {corpus.id("4#34")}


def test_6_a_typo_changes_neither_papers_nor_order(corpus: Corpus) -> None:
    right = [hit for hit in corpus.head("independently trained") if hit.why["typos"] == 0]
    assert corpus.found("independantly trained")[: len(right)] == [hit.paper for hit in right]


def test_2_initial_loss_comes_in_its_buckets(corpus: Corpus) -> None:
    found = corpus.found("initial loss")
    assert set(found[:2]) == corpus.ids(2, (1, 2))
    assert found[2] == corpus.id("2#3")
    assert set(found[3:14]) == corpus.ids(2, range(4, 15))
    last = {*range(15, 27), *range(28, 45), 45, 55, 88, 95, 98}
    assert set(found[14 : 14 + len(last)]) == corpus.ids(2, last)


def test_2_an_earlier_word_is_no_prefix(corpus: Corpus) -> None:
    for hit in corpus.head("initial loss"):
        if hit.why["typos"] == 0:
            assert "initial" in list(hit.why["words"])  # type: ignore[call-overload]


def test_3_auxiliary_consistency_loss_is_exactly_three_papers_and_the_tail(corpus: Corpus) -> None:
    found = corpus.found("auxiliary consistency loss")
    assert found == [corpus.id(f"4#{rank}") for rank in (1, 2, 3)]


def test_4_self_training_algorithms_keeps_its_order(corpus: Corpus) -> None:
    found = corpus.found("self training algorithms")
    at = {rank: found.index(corpus.id(f"1#{rank}")) for rank in (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12)}
    assert at[1] == 0
    assert at[1] < at[2] < at[3] < at[4] < at[5] < min(at[6], at[7])
    assert max(at[6], at[7]) < at[8] < min(at[9], at[10])
    assert max(at[9], at[10]) < at[12]


@pytest.mark.parametrize("query", QUERIES)
def test_5_after_the_head_comes_a_tail_without_repeats_that_claims_no_words(corpus: Corpus, query: str) -> None:
    hits = corpus.reader.search(query).hits
    assert len(hits) == 120
    assert len({hit.paper for hit in hits}) == 120
    blocks = [hit.block for hit in hits]
    assert blocks == sorted(blocks, key=("words", "meaning").index)
    for hit in hits:
        assert (hit.block == "words") == ("words" in hit.why)


@pytest.mark.parametrize(
    ("query", "name", "exact"),
    [
        ("carefully", "0#119", {"0#20", "0#69", "3#16", "4#66"}),
        ("fine-tuning", "4#46", set()),
        ("large-scale", "1#10", set()),
    ],
)
def test_6_typos_of_authors_are_found_after_the_exact_matches(
    corpus: Corpus, query: str, name: str, exact: set[str]
) -> None:
    hits = corpus.head(query)
    typos = {hit.paper: int(str(hit.why["typos"])) for hit in hits}
    assert typos[corpus.id(name)] in (1, 2)
    assert [typos[hit.paper] for hit in hits] == sorted(typos.values())
    for other in exact:
        assert typos[corpus.id(other)] == 0


@pytest.mark.parametrize(
    ("query", "page", "head", "breaks", "lacks"),
    [
        ("independently trained", 3, 34, set(), set()),
        ("initial loss", 2, 44, set(), {27}),
        ("self training algorithms", 1, 12, {11}, set()),
        ("auxiliary consistency loss", 4, 3, set(), set()),
    ],
)
def test_the_saved_ranks_break_our_key_only_where_the_saved_texts_differ(
    corpus: Corpus, query: str, page: int, head: int, breaks: set[int], lacks: set[int]
) -> None:
    keys = {rank: _key(corpus, query, f"{page}#{rank}") for rank in range(1, head + 1)}
    assert {rank for rank, key in keys.items() if key is None} == lacks
    kept = [key for rank, key in keys.items() if key is not None and rank not in breaks]
    assert kept == sorted(kept)


@pytest.mark.parametrize("query", QUERIES)
def test_our_own_order_never_breaks_the_key(corpus: Corpus, query: str) -> None:
    keys = [(hit.why["typos"], hit.why["proximity"], -int(str(hit.why["title_words"]))) for hit in corpus.head(query)]
    assert keys == sorted(keys)


def test_7_a_title_finds_its_abstract(corpus: Corpus) -> None:
    first = sum(corpus.reader.search(title, limit=1).hits[0].paper == n for n, (title, _) in enumerate(corpus.texts, 1))
    assert first / len(corpus.texts) > 0.99


def _key(corpus: Corpus, query: str, name: str) -> tuple[int, int, int] | None:
    terms = parse(query).terms
    near = [[(word, n) for word, n in misspelt(term, corpus.vocabulary) if word[0] == term.word[0]] for term in terms]
    found = place(row_text(*fields(*corpus.named[name], ())), with_typos(exact_needles(terms, True), terms, near))
    return found.key[:3] if found else None
