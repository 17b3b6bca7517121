import json
from datetime import UTC, datetime
from io import BytesIO

import pytest

from broadsheet.record.paper import Author, Item, PaperData, Rejected
from broadsheet.sources.csl_json import read
from broadsheet.sources.reading import BadFile

ITEM = {
    "id": "byron24",
    "type": "article-journal",
    "title": "On <i>things</i>",
    "abstract": "<jats:p>We prove it.</jats:p>",
    "author": [
        {"family": "Byron", "given": "Ada", "ORCID": "https://orcid.org/0000-0001-2345-6789"},
        {"family": "Berg", "given": "C.", "non-dropping-particle": "van den", "suffix": "Jr"},
        {"literal": "The Collaboration"},
    ],
    "issued": {"date-parts": [[2024, 5, "3"]]},
    "DOI": "10.1000/ABC",
    "URL": "https://arxiv.org/abs/2405.12345",
    "container-title": "J. Things",
}


def items(told: object) -> list[Item]:
    raw = told if isinstance(told, bytes) else json.dumps(told).encode()
    return list(read(BytesIO(raw), "refs.json", lambda: datetime(2026, 3, 1, tzinfo=UTC)))


@pytest.mark.parametrize("told", [[ITEM], {"items": [ITEM]}, ITEM])
def test_an_item_gives_all_it_names(told: object) -> None:
    (found,) = items(told)
    assert isinstance(found, PaperData)
    assert (found.source, found.title, found.abstract) == ("csl-json", "On things", "We prove it.")
    assert found.authors == (
        Author("Ada Byron", orcid="0000-0001-2345-6789"),
        Author("C. van den Berg Jr"),
        Author("The Collaboration"),
    )
    assert [str(name) for name in found.identifiers] == ["doi:10.1000/abc", "arxiv:2405.12345"]
    assert (found.submitted, found.journal_ref) == (datetime(2024, 5, 3, 12, tzinfo=UTC), "J. Things (2024)")


@pytest.mark.parametrize(
    "fields",
    [
        {"archive": "arXiv", "archive_location": "2405.12345"},
        {"note": "arXiv:2405.12345 [cs]"},
        {"number": "arXiv:2405.12345", "publisher": "arXiv"},
    ],
)
def test_an_arxiv_id_is_found_where_reference_managers_leave_it(fields: dict[str, str]) -> None:
    (found,) = items([{"type": "article", "title": "A", **fields}])
    assert isinstance(found, PaperData) and [str(name) for name in found.identifiers] == ["arxiv:2405.12345"]


@pytest.mark.parametrize(
    "issued", [{"date-parts": [[2024]]}, {"date-parts": [[2024, 5]]}, {"raw": "Spring"}, {}, None, []]
)
def test_only_a_full_date_is_a_day_of_submission(issued: object) -> None:
    (found,) = items([{"type": "article", "title": "A", "issued": issued}])
    assert isinstance(found, PaperData) and found.submitted is None


@pytest.mark.parametrize(
    ("told", "says"),
    [
        (7, "an item that is a int"),
        ({"type": "article"}, "without a title"),
        ({"type": "article", "title": {"x": 1}}, "title is a dict"),
        ({"type": "article", "title": "a\x00"}, "NUL"),
        ({"type": "article", "title": "A", "issued": {"date-parts": [[9999, 1, 1]]}}, "cannot be right"),
        ({"type": "article", "title": "A", "issued": {"date-parts": [[2024, 13, 1]]}}, "not a date"),
    ],
)
def test_an_item_that_cannot_be_right_is_kept_aside_and_the_next_one_read(told: object, says: str) -> None:
    first, second = items([told, ITEM])
    assert isinstance(first, Rejected) and says in first.reason and first.subject == "item 1"
    assert isinstance(second, PaperData)


@pytest.mark.parametrize("raw", [b"[1, 2", b'"text"', b'{"items": 3}', b'["\xff"]'])
def test_a_file_that_is_no_list_is_refused(raw: bytes) -> None:
    with pytest.raises(BadFile, match=r"refs\.json"):
        items(raw)


def test_what_the_schema_has_no_field_for_is_read_where_it_stands_instead() -> None:
    told = {**ITEM, "author": [{"literal": "A"}, {"literal": "B"}, {"literal": "C"}], "categories": ["cs.CL", "wind"]}
    told["custom"] = {"orcid": ["", "0000-0001-2345-6789", "none"]}
    (found,) = items([told])
    assert isinstance(found, PaperData)
    assert found.authors == (Author("A"), Author("B", orcid="0000-0001-2345-6789"), Author("C"))
    assert found.categories == ("cs.CL",)


def test_where_it_came_out_and_when_it_was_handed_in_are_kept_apart() -> None:
    told = {
        "container-title": "J. Things",
        "volume": 3,
        "issue": "2",
        "page": "10-20",
        "issued": {"date-parts": [[2020]]},
    }
    (found,) = items([{"type": "article-journal", "title": "A", "submitted": {"date-parts": [[2019, 5, 3]]}, **told}])
    assert isinstance(found, PaperData)
    assert found.journal_ref == "J. Things 3(2), 10-20 (2020)"
    assert found.submitted == datetime(2019, 5, 3, 12, tzinfo=UTC)


def test_a_doi_in_the_note_is_read() -> None:
    (found,) = items([{"type": "book", "title": "A", "note": "Seen. DOI: 10.1000/X"}])
    assert isinstance(found, PaperData) and [str(name) for name in found.identifiers] == ["doi:10.1000/x"]


@pytest.mark.parametrize("custom", [None, [], {"orcid": 3}, {"orcid": [1, None]}, "x"])
def test_nonsense_beside_the_fields_is_passed_over(custom: object) -> None:
    (found,) = items([{**ITEM, "custom": custom, "categories": custom}])
    assert isinstance(found, PaperData)
