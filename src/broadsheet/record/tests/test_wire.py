import json
from dataclasses import fields, replace
from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broadsheet.record.identifiers import Identifier
from broadsheet.record.paper import Account, Author, Link, ListedAuthor, Listing, PaperData, Sighting, Version
from broadsheet.record.wire import from_json, to_json

texts = st.text(max_size=30)
zones = st.one_of(
    st.none(), st.just(UTC), st.builds(timezone, st.timedeltas(timedelta(hours=-23), timedelta(hours=23)))
)
moments = st.datetimes(timezones=zones)
ACCOUNTS = st.none() | st.builds(Account, texts, texts)
LISTINGS = st.builds(
    Listing,
    summary=texts,
    summary_by=texts,
    keywords=st.lists(texts, max_size=3).map(tuple),
    submitter=ACCOUNTS,
    organisation=st.none() | st.tuples(texts, texts),
    media=st.lists(texts, max_size=3).map(tuple),
    authors=st.lists(st.builds(ListedAuthor, st.integers(0, 99), ACCOUNTS, texts, st.none() | moments), max_size=3).map(
        tuple
    ),
    discussion=texts,
    code_by=texts,
)
PAPERS = st.builds(
    PaperData,
    source=texts,
    title=texts,
    abstract=texts,
    identifiers=st.lists(st.builds(Identifier, texts, texts), max_size=3).map(tuple),
    authors=st.lists(st.builds(Author, texts, texts, texts), max_size=3).map(tuple),
    categories=st.lists(texts, max_size=3).map(tuple),
    submitted=st.none() | moments,
    announced=st.none() | st.dates(),
    announced_by=st.sampled_from(["", "feed", "listing", "estimate"]),
    datestamp=st.none() | st.dates(),
    version=st.integers(0, 99),
    versions=st.lists(st.builds(Version, st.integers(1, 99), st.none() | moments), max_size=3).map(tuple),
    withdrawn=st.booleans(),
    comments=texts,
    journal_ref=texts,
    licence=texts,
    links=st.lists(st.builds(Link, texts, texts), max_size=3).map(tuple),
    signals=st.lists(st.tuples(texts, st.integers()), max_size=3).map(tuple),
    listing=st.none() | LISTINGS,
    raw_hash=texts,
    sightings=st.lists(
        st.builds(Sighting, texts, texts, st.none() | st.dates(), st.just((("upvotes", 3),))), max_size=2
    ).map(tuple),
)
WHOLE = PaperData(
    source="doi",
    title="On wet ground",
    abstract="It is wet.",
    identifiers=(Identifier("doi", "10.1000/a:b"),),
    authors=(Author("Ada Ant", "Hill", "0000-0002-1825-0097"), Author("Bo Bug")),
    categories=("cs.LG",),
    submitted=datetime(2026, 11, 16, 8, 1, 2, 345678, UTC),
    announced=date(2026, 11, 17),
    announced_by="estimate",
    datestamp=date(2026, 11, 18),
    version=2,
    versions=(Version(1, datetime(2026, 11, 16, tzinfo=UTC)), Version(2)),
    withdrawn=True,
    comments="3 pages",
    journal_ref="J. Bees",
    licence="CC0",
    links=(Link("code", "https://code.example/a"),),
    signals=(("upvotes", 12),),
    listing=Listing(summary="Wet.", submitter=Account("bo", "Bo Bug"), authors=(ListedAuthor(1, None, "claimed"),)),
    raw_hash="ab" * 32,
    sightings=(Sighting("doi", "cd" * 32, date(2026, 11, 18), (("upvotes", 12),)),),
)


@given(PAPERS)
def test_what_was_written_is_read_back_the_same(paper: PaperData) -> None:
    assert from_json(json.loads(json.dumps(to_json(paper)))) == paper


def test_every_field_survives_the_way() -> None:
    empty = PaperData("", "")
    assert all(getattr(WHOLE, field.name) != getattr(empty, field.name) for field in fields(PaperData))
    assert from_json(json.loads(json.dumps(to_json(WHOLE)))) == WHOLE


def test_what_is_not_said_takes_no_room() -> None:
    assert to_json(PaperData("doi", "On bees")) == {"source": "doi", "title": "On bees"}


@pytest.mark.parametrize(
    "told",
    [
        None, [], "x", {}, {"source": "doi"}, {"source": "doi", "title": 3}, {"source": "doi", "title": "x", "more": 1},
        {"source": "doi", "title": "x", "version": True}, {"source": "doi", "title": "x", "submitted": "yesterday"},
        {"source": "doi", "title": "x", "submitted": 5}, {"source": "doi", "title": "x", "authors": "Ada"},
        {"source": "doi", "title": "x", "authors": [{"nom": "Ada"}]}, {"source": "doi", "title": "x", "versions": [1]},
        {"source": "doi", "title": "x", "identifiers": [["doi"]]}, {"source": "doi", "title": "x", "versions": [[1]]},
        {"source": "doi", "title": "x", "signals": [["upvotes", float("inf")]]},
    ],
)  # fmt: skip
def test_anything_else_is_refused(told: object) -> None:
    with pytest.raises(ValueError, match="."):
        from_json(told)


def test_a_later_paper_with_one_field_changed_differs() -> None:
    assert to_json(replace(WHOLE, version=3)) != to_json(WHOLE)
