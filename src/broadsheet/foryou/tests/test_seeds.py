import json
from collections.abc import Iterator

import pytest
from pytest_django import Settings

from broadsheet.foryou import seeds
from broadsheet.lib.tests.loopback import Loopback, playing, without_turns
from broadsheet.lib.tests.quick import within
from broadsheet.papers import outside
from broadsheet.papers.ingest import ingest
from broadsheet.papers.models import Paper
from broadsheet.readers.refused import Refused
from broadsheet.readers.tests.site import configure
from broadsheet.record.identifiers import Identifier, arxiv_id
from broadsheet.record.paper import Author
from broadsheet.web.tests.conftest import NOW, made

pytestmark = pytest.mark.django_db
JOSIAH = "0000-0002-1825-0097"
BIB = """@misc{one, title={Known here}, author={Ant, Ada}, eprint={2405.15001}, archivePrefix={arXiv}}
@article{two, title={On <b>honey}, author={Bug, Bo}, doi={10.1000/182}, journal={Hives}}
@article{four, author={No Title}}
"""


@pytest.fixture(autouse=True)
def record(db: None) -> None:
    named = (arxiv_id("2405.15003").identifier, Identifier("doi", "10.1234/planets.3"))
    ingest([made(1), made(2), made(3, identifiers=named), made(4, authors=(Author("Zoë Ångström"),))], now=NOW)


@pytest.fixture
def registry(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Loopback]:
    with playing() as server:
        without_turns(monkeypatch)
        configure(settings, orcid_url=server.base)
        outside.http.cache_clear()
        yield server
    outside.http.cache_clear()


def keys(found: seeds.Found) -> list[str]:
    return [paper.key for paper in found.here]


def test_ids_addresses_dois_and_titles_are_read_in_the_order_they_were_pasted() -> None:
    text = """arXiv:2405.15002v3 [cs.CL], https://arxiv.org/pdf/2405.15001.pdf
    - Weather of small planets, part 4
    doi:10.1234/PLANETS.3; 2405.15002"""
    found = seeds.of_text(text, NOW)
    assert keys(found) == ["2405.15002", "2405.15001", "2405.15004", "2405.15003"]
    assert found.unknown_count in (0, 1) and not found.more


def test_what_is_not_in_the_record_is_told_by_name() -> None:
    found = seeds.of_text("2405.15001\n2401.00001\n10.5555/none\nA treatise that nobody wrote\nword", NOW)
    assert keys(found) == ["2405.15001"]
    assert found.unknown == ("2401.00001", "10.5555/none", "A treatise that nobody wrote", "word")
    assert found.unknown_count == 4


def test_an_address_of_this_site_is_a_paper_here(settings: Settings) -> None:
    configure(settings, public_url="https://papers.example")
    assert keys(seeds.of_text("https://papers.example/papers/2405.15001", NOW)) == ["2405.15001"]


def test_a_pasted_library_is_read_as_a_file_is() -> None:
    ris = (
        "TY  - JOUR\nTI  - Weather of small planets, part 2\nAU  - Lum, Ada\nDO  - 10.48550/arXiv.2405.15002\nER  - \n"
    )
    csl = json.dumps([{"id": "x", "type": "article", "title": "Elsewhere", "DOI": "10.1000/9"}])
    for found in (seeds.of_text(BIB, NOW), seeds.of_file(BIB.encode(), NOW)):
        assert keys(found) == ["2405.15001"] and found.unknown == ("On <b>honey",) and found.unread == 1
    assert keys(seeds.of_text(ris, NOW)) == keys(seeds.of_file(ris.encode(), NOW)) == ["2405.15002"]
    assert seeds.of_text(csl, NOW).unknown == seeds.of_file(csl.encode(), NOW).unknown == ("Elsewhere",)


@pytest.mark.parametrize("text", ["", " \n\t ", "x" * (seeds.LONGEST_PASTE + 1)])
def test_nothing_and_too_much_are_refused(text: str) -> None:
    with pytest.raises(Refused):
        seeds.of_text(text, NOW)


@pytest.mark.parametrize(
    "text",
    [
        "\x00\x01\x02",
        "@@@{{{",
        "@article{",
        "[" * 5000,
        "{" * 50_000,
        "\ud800",
        "((((",
        "http://[",
        "10.1/\u202e",
        "%00",
        "💥 " * 3000,
        "a\n" * 10_000,
    ],
)
def test_nonsense_is_read_or_refused_and_never_breaks(text: str) -> None:
    try:
        found = seeds.of_text(text, NOW)
    except Refused:
        return
    assert not found.here and len(found.unknown) <= seeds.SHOWN


def test_a_huge_list_is_read_in_part_with_a_word_about_it() -> None:
    found = seeds.of_text("\n".join(f"2401.{number:05}" for number in range(1, 3000)), NOW)
    assert found.more and found.unknown_count == seeds.MOST_NAMED and len(found.unknown) == seeds.SHOWN


def test_papers_are_found_by_an_authors_name_as_it_is_written() -> None:
    assert keys(seeds.written_by("zoe angstrom")) == ["2405.15004"]
    assert len(seeds.written_by("Ada Lum").here) == 3
    assert seeds.written_by("Ada").here == ()
    for name in ("", "  ", "x" * 301, "a\x00"):
        with pytest.raises(Refused):
            seeds.written_by(name)


def test_hidden_papers_are_not_found() -> None:
    Paper.objects.update(hidden=True)
    assert seeds.written_by("Ada Lum").here == () and seeds.of_text("2405.15001", NOW).here == ()


def test_the_public_record_of_an_orcid_lists_papers(registry: Loopback) -> None:
    works = [("doi", "10.1234/planets.3"), ("arxiv", "2405.15001"), ("doi", "10.5555/none")]
    told = {"group": [{"work-summary": [_work(kind, value)]} for kind, value in works]}
    registry.answer(f"/{JOSIAH}/works", json.dumps(told))
    found = seeds.of_orcid(f"https://orcid.org/{JOSIAH}")
    assert keys(found) == ["2405.15003", "2405.15001"] and found.unknown == ("10.5555/none",)


def _work(kind: str, value: str) -> dict[str, object]:
    external = {"external-id-type": kind, "external-id-value": value, "external-id-relationship": "self"}
    return {"external-ids": {"external-id": [external]}, "source": {}}


def test_a_wrong_orcid_is_refused_without_asking_and_a_silent_registry_in_a_sentence(registry: Loopback) -> None:
    with pytest.raises(Refused, match="no ORCID iD"):
        seeds.of_orcid("0000-0002-1825-0098")
    assert not registry.asked
    registry.answer(f"/{JOSIAH}/works", "<html>", status=503)
    with pytest.raises(Refused, match="try again later"):
        seeds.of_orcid(JOSIAH)


def test_keys_become_numbers_and_unknown_ones_nothing() -> None:
    first = Paper.objects.get(key="2405.15001").pk
    assert seeds.of_keys(["2405.15001", "2405.15001", "nope", "\x00", "x" * 5000]) == [first]


def test_a_long_paste_of_empty_lines_costs_next_to_nothing() -> None:
    # Followed to their end from every line, these take minutes.
    with within(5):
        assert keys(seeds.of_text("2405.15001" + "\n" * 300_000 + "x", NOW)) == ["2405.15001"]
