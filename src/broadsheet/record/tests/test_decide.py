from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from broadsheet.record.decide import Conflict, Insert, Known, Revise, Same, decide
from broadsheet.record.identifiers import Identifier
from broadsheet.record.linkage import same_paper, shared_runs
from broadsheet.record.paper import Author, Link, PaperData, Version

ABSTRACT = "We grow small models on wet ground and find that they bend before they break under every load we tried."
OTHER = "Planets with two suns keep their seas for longer than was thought since the tides of both stars cancel out."
OAI = PaperData(
    source="arxiv-oai",
    title="Growing small models",
    abstract=ABSTRACT,
    identifiers=(Identifier("arxiv", "2611.01234"),),
    authors=(Author("Ada Example"), Author("Bo Sample")),
    categories=("cs.LG", "cs.AI"),
    submitted=datetime(2026, 11, 3, 12, tzinfo=UTC),
    announced=date(2026, 11, 5),
    announced_by="estimate",
    datestamp=date(2026, 11, 5),
    raw_hash="a" * 64,
)
KNOWN = Known(7, OAI, frozenset({OAI.raw_hash}))


def changed(**values: object) -> PaperData:
    return replace(OAI, raw_hash="b" * 64, **values)  # type: ignore[arg-type]


def as_known(data: PaperData) -> Known:
    return Known(7, data, frozenset({data.raw_hash}))


TABLE = [
    # what it is, what is known, what comes in, what becomes of it
    ("a paper nobody knew is new", [], OAI, Insert),
    ("the same bytes are the same", [KNOWN], OAI, Same),
    ("other bytes that say the same are the same", [KNOWN], changed(), Same),
    ("other counts alone are the same", [KNOWN], changed(signals=(("upvotes", 3),)), Same),
    ("a later datestamp alone is the same", [KNOWN], changed(datestamp=date(2026, 11, 9)), Same),
    ("a new title is a revision", [KNOWN], changed(title="Growing models"), Revise),
    ("a new abstract is a revision", [KNOWN], changed(abstract=ABSTRACT + " More."), Revise),
    ("a new author is a revision", [KNOWN], changed(authors=(Author("Ada Example"),)), Revise),
    ("a moved category is a revision", [KNOWN], changed(categories=("cs.AI",)), Revise),
    ("an emptied field is not believed", [KNOWN], changed(abstract="", authors=(), categories=()), Same),
    ("a withdrawal is a revision", [KNOWN], changed(withdrawn=True), Revise),
    ("an older state of the record changes nothing", [KNOWN], changed(title="Old", datestamp=date(2026, 11, 1)), Same),
    ("an earlier version changes nothing", [as_known(replace(OAI, version=3))], changed(title="Old", version=1), Same),
    ("a DOI more is a link", [KNOWN], changed(identifiers=(*OAI.identifiers, Identifier("doi", "10.1/x"))), Revise),
    ("names of two papers are a conflict", [KNOWN, Known(8, OAI)], changed(), Conflict),
    ("a poorer source with another text is a conflict", [KNOWN],
     PaperData("huggingface", "Wet planets", OTHER, OAI.identifiers, raw_hash="c" * 64), Conflict),
    ("a poorer source with another title for the same text is the same", [KNOWN],
     PaperData("huggingface", "Growing small models (v2)", ABSTRACT, OAI.identifiers, raw_hash="c" * 64), Same),
    ("a deletion of what was never here is kept aside", [],
     PaperData("arxiv-oai", "", identifiers=OAI.identifiers, withdrawn=True, raw_hash="d" * 64), Conflict),
    ("a deletion of what is here withdraws it", [KNOWN],
     PaperData("arxiv-oai", "", identifiers=OAI.identifiers, withdrawn=True, raw_hash="d" * 64), Revise),
    ("no title and no withdrawal is no paper", [], replace(OAI, title=""), Conflict),
]  # fmt: skip


@pytest.mark.parametrize(("what", "known", "incoming", "outcome"), TABLE, ids=[row[0] for row in TABLE])
def test_each_row_of_the_table(what: str, known: list[Known], incoming: PaperData, outcome: type) -> None:
    assert type(decide(known, incoming)) is outcome


def revise(known: PaperData, incoming: PaperData) -> Revise:
    decision = decide([as_known(known)], incoming)
    assert isinstance(decision, Revise)
    return decision


def test_a_revision_names_what_changed_and_keeps_the_rest() -> None:
    decision = revise(OAI, changed(title="Growing models"))
    assert decision.changed == ("title",)
    assert decision.data.abstract == OAI.abstract
    assert decision.kind == "revise"


def test_a_withdrawal_and_its_end_have_their_own_kinds() -> None:
    gone = revise(OAI, changed(withdrawn=True))
    assert gone.kind == "withdraw"
    assert revise(gone.data, replace(OAI, raw_hash="e" * 64)).kind == "restore"


def test_a_daily_list_does_not_bring_a_withdrawn_paper_back() -> None:
    listed = PaperData("huggingface", OAI.title, ABSTRACT, OAI.identifiers, raw_hash="c" * 64)
    assert isinstance(decide([as_known(replace(OAI, withdrawn=True))], listed), Same)


def test_a_richer_source_replaces_a_poorer_one_and_not_the_reverse() -> None:
    page = PaperData("saved-page", "growing small models", ABSTRACT, raw_hash="f" * 64)
    assert revise(page, OAI).data.title == OAI.title
    assert isinstance(decide([KNOWN], page), Same)


def test_a_poorer_source_fills_what_is_empty() -> None:
    bare = replace(OAI, abstract="", links=())
    link = Link("code", "https://example.org/code")
    listed = PaperData("huggingface", OAI.title, ABSTRACT, OAI.identifiers, links=(link,), raw_hash="c" * 64)
    decision = revise(bare, listed)
    assert decision.data.abstract == ABSTRACT
    assert decision.data.links == (link,)
    assert decision.data.source == "arxiv-oai"


def test_a_surer_day_replaces_a_guess_and_a_guess_never_moves_a_paper() -> None:
    fed = replace(OAI, source="arxiv-feeds", announced=date(2026, 11, 6), announced_by="feed", raw_hash="c" * 64)
    assert revise(OAI, fed).data.announced == date(2026, 11, 6)
    later = changed(announced=date(2026, 11, 12))
    assert isinstance(decide([KNOWN], later), Same)


def test_versions_are_joined_by_number() -> None:
    first = replace(OAI, versions=(Version(1, OAI.submitted),))
    decision = revise(first, replace(first, versions=(Version(1), Version(2)), version=2, raw_hash="b" * 64))
    assert decision.data.versions == (Version(1, OAI.submitted), Version(2))


@pytest.mark.parametrize(
    ("why", "one", "other", "same"),
    [
        ("same first author within two years", OAI, changed(authors=(Author("Example, A."),)), True),
        ("another first author", replace(OAI, identifiers=()), changed(authors=(Author("Cy Other"),)), False),
        ("ten years apart", replace(OAI, identifiers=()),
         changed(submitted=datetime(2016, 11, 3, tzinfo=UTC)), False),
        ("two arXiv ids", OAI, changed(identifiers=(Identifier("arxiv", "2611.99999"),)), False),
        ("like texts where authors are not told", OAI, PaperData("saved-page", OAI.title, ABSTRACT), True),
        ("other texts where authors are not told", OAI, PaperData("saved-page", OAI.title, OTHER), False),
        ("no text and no author to go by", OAI, PaperData("bibtex", OAI.title), False),
    ],
)  # fmt: skip
def test_equal_titles_are_one_paper_only_where_authors_or_texts_agree(
    why: str, one: PaperData, other: PaperData, same: bool
) -> None:
    assert same_paper(one, other) is same


def test_shared_runs_is_the_jaccard_share_of_three_word_runs() -> None:
    assert shared_runs("a b c d", "a b c e") == pytest.approx(1 / 3)
    assert shared_runs("", "") == 0
