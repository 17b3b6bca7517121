import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broadsheet.lib.http import Http, Response
from broadsheet.record.identifiers import Identifier
from broadsheet.sources.batch import SourceError
from broadsheet.sources.orcid import Work, is_orcid, read, works
from broadsheet.sources.tests.loopback import FakeTime, Loopback, fake_http, playing

ADA = "0000-0002-1825-0097"


def name(kind: str, value: str, relationship: str = "self") -> dict[str, str]:
    return {"external-id-type": kind, "external-id-value": value, "external-id-relationship": relationship}


def summary(*names: dict[str, str], by: str = "Registry", **source: object) -> dict[str, Any]:
    told = {"source-client-id": {"path": "0000-0001"}, "source-orcid": None, "source-name": {"value": by}}
    return {"source": told | source, "external-ids": {"external-id": list(names)}}


def record(*summaries: object) -> str:
    return json.dumps({"group": [{"work-summary": [one]} for one in summaries]})


@pytest.fixture
def server() -> Iterator[Loopback]:
    with playing() as loopback:
        yield loopback


@pytest.fixture
def http(tmp_path: Path) -> Http:
    return fake_http(tmp_path, FakeTime(), tries=1)


def test_works_are_read_with_who_put_them_there(server: Loopback, http: Http) -> None:
    first = summary(name("doi", "https://doi.org/10.5555/BEES"), name("arxiv", "arXiv:2611.00001v2"))
    own: dict[str, Any] = {"source-client-id": None, "source-orcid": {"path": ADA}}
    second = summary(name("doi", "10.5555/ants"), by="Ada Ant", **own)
    asserted: dict[str, Any] = {"assertion-origin-orcid": {"path": ADA}}
    third = summary(name("doi", "10.5555/wasps"), **asserted)
    server.answer(f"/{ADA}/works", record(first, second, third))

    assert works(http, ADA, base=server.base) == (
        Work(frozenset({Identifier("doi", "10.5555/bees"), Identifier("arxiv", "2611.00001")}), True, "Registry"),
        Work(frozenset({Identifier("doi", "10.5555/ants")}), False, "Ada Ant"),
        Work(frozenset({Identifier("doi", "10.5555/wasps")}), False, "Registry"),
    )
    assert server.asked[0].headers["Accept"] == "application/json"


def test_what_is_only_part_of_another_work_does_not_count() -> None:
    body = record(summary(name("doi", "10.5555/book", "part-of"), name("isbn", "978"), name("doi", "nonsense")))
    assert read(Response(200, {}, body.encode(), "x"))[0].identifiers == frozenset()


@pytest.mark.parametrize("body", ["", "<html>", "[]", "{}", '{"group": 3}', "[" * 9999])
def test_an_answer_that_is_no_list_of_works_is_refused(body: str) -> None:
    with pytest.raises(SourceError, match="try again later"):
        read(Response(200, {}, body.encode(), "x"))


nonsense = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["work-summary", "source", "external-ids", "external-id", "source-client-id", "source-name"]
            ),
            inner,
            max_size=3,
        )
    ),
    max_leaves=12,
)


@given(nonsense)
def test_odd_rows_are_passed_over(row: object) -> None:
    assert isinstance(read(Response(200, {}, json.dumps({"group": [row]}).encode(), "x")), tuple)


@pytest.mark.parametrize(
    ("text", "good"),
    [
        (ADA, True), ("0000-0002-1694-233X", True), ("0000-0002-1825-0096", False), ("", False),
        ("0000000218250097", False),
        (ADA + "\n", False), ("٠٠٠٠-0002-1825-0097", False), ("0000-0002-1694-233x", False),
    ],
)  # fmt: skip
def test_an_orcid_id_has_a_right_check_digit(text: str, good: bool) -> None:
    assert is_orcid(text) is good


def test_nothing_but_an_orcid_id_is_asked_for(server: Loopback, http: Http) -> None:
    with pytest.raises(SourceError, match="no ORCID iD"):
        works(http, "../../secret", base=server.base)
    assert not server.asked
