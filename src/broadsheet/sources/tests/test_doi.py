import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from broadsheet.lib.http import Http
from broadsheet.record.decide import AUTHORITY
from broadsheet.record.identifiers import Identifier
from broadsheet.record.paper import Author, PaperData
from broadsheet.sources import doi
from broadsheet.sources.batch import SourceError
from broadsheet.sources.tests.loopback import FakeTime, Loopback, fake_http, playing

BEES = Identifier("doi", "10.5555/bees.1")
TOLD = {
    "type": "article-journal",
    "title": "Bees of the <i>north</i>",
    "DOI": "10.5555/BEES.1",
    "URL": "https://journal.example/bees/1",
    "abstract": "<jats:p>We count bees.</jats:p>",
    "container-title": "Journal of Bees",
    "issued": {"date-parts": [[2026, 11, 3]]},
    "author": [
        {"given": "Ada", "family": "Ant", "ORCID": "https://orcid.org/0000-0002-1825-0097"},
        {"given": "Bo", "family": "Bug", "ORCID": "0000-0002-1825-0098"},
    ],
}


@pytest.fixture
def server() -> Iterator[Loopback]:
    with playing() as loopback:
        yield loopback


@pytest.fixture
def http(tmp_path: Path) -> Http:
    return fake_http(tmp_path, FakeTime(), tries=1)


def test_a_doi_is_asked_for_as_a_citation_and_read(server: Loopback, http: Http) -> None:
    server.answer("/10.5555/bees.1", json.dumps(TOLD))

    paper = doi.fetch(http, BEES, base=server.base)

    assert paper
    assert server.asked[0].headers["Accept"] == "application/vnd.citationstyles.csl+json"
    assert len(paper.raw_hash) == 64
    assert paper == PaperData(
        source="doi",
        title="Bees of the north",
        abstract="We count bees.",
        identifiers=(BEES,),
        authors=(Author("Ada Ant", orcid="0000-0002-1825-0097"), Author("Bo Bug")),
        submitted=datetime(2026, 11, 3, 12, tzinfo=UTC),
        journal_ref="Journal of Bees (2026)",
        raw_hash=paper.raw_hash,
    )


def test_a_registry_is_believed_over_a_pasted_reference_and_less_than_arxiv() -> None:
    assert AUTHORITY["bibtex"] == AUTHORITY["csl-json"] < AUTHORITY[doi.NAME] < AUTHORITY["arxiv-api"]


def test_a_redirect_to_another_host_must_be_public(server: Loopback, http: Http) -> None:
    server.answer("/10.5555/bees.1", status=302, Location=f"http://localhost:{server.port}/secret")
    server.answer("/secret", json.dumps(TOLD))

    with pytest.raises(SourceError, match="only 80 and 443|not a public"):
        doi.fetch(http, BEES, base=server.base)
    assert [asked.path for asked in server.asked] == ["/10.5555/bees.1"]


def test_an_unknown_doi_is_none_and_a_broken_resolver_is_an_error(server: Loopback, http: Http) -> None:
    assert doi.fetch(http, BEES, base=server.base) is None
    server.answer("/10.5555/bees.1", status=500)
    with pytest.raises(SourceError, match="500"):
        doi.fetch(http, BEES, base=server.base)


@pytest.mark.parametrize(
    "body",
    ["<html>the publisher's page</html>", "[]", "{}", "[1]", '{"type":"book"}', "[" * 9999, json.dumps([TOLD] * 2)],
)
def test_an_answer_that_is_no_reference_is_refused(body: str, server: Loopback, http: Http) -> None:
    server.answer("/10.5555/bees.1", body)
    with pytest.raises(SourceError, match="no description"):
        doi.fetch(http, BEES, base=server.base)


def test_an_answer_too_large_is_refused(server: Loopback, http: Http) -> None:
    server.answer("/10.5555/bees.1", b"[" + b" " * doi.MAX_BYTES + b"]")
    with pytest.raises(SourceError, match="larger than"):
        doi.fetch(http, BEES, base=server.base)


@pytest.mark.parametrize("value", ["10.5555/../admin", "10.5555//x", "10.5555/./x"])
def test_a_doi_cannot_climb_out_of_the_resolver(value: str, server: Loopback, http: Http) -> None:
    with pytest.raises(SourceError, match="no DOI"):
        doi.fetch(http, Identifier("doi", value), base=server.base)
    assert not server.asked


def test_marks_in_a_doi_stay_in_its_path(server: Loopback, http: Http) -> None:
    server.answer("/10.5555/a%3Fb%23c", json.dumps(TOLD))
    paper = doi.fetch(http, Identifier("doi", "10.5555/a?b#c"), base=server.base)
    assert paper and paper.title == "Bees of the north"
