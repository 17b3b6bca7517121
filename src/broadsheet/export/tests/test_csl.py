import json
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from broadsheet.export import csl
from broadsheet.export.tests.round_trip import again, doi_of, paper, recorded
from broadsheet.sources.csl_json import read

TEXT = {"type": "string", "minLength": 1}
NUMBER = {"type": ["string", "number"]}
PART = {"type": ["string", "number"]}
DATE = {
    "type": "object",
    "properties": {
        "date-parts": {"type": "array", "maxItems": 2, "items": {"type": "array", "items": PART, "maxItems": 3}}
    },
    "required": ["date-parts"],
    "additionalProperties": False,
}
NAME = {
    "type": "object",
    "properties": dict.fromkeys(("family", "given", "non-dropping-particle", "suffix", "literal"), TEXT),
    "additionalProperties": False,
    "minProperties": 1,
}
# The part of csl-data.json (CSL 1.0.2) that is used here; as there, nothing else may stand in an item.
SCHEMA: dict[str, Any] = {
    "type": "array",
    "items": {
        "type": "object",
        "properties": {
            "id": {"type": ["string", "number"]},
            "type": {"enum": ["article", "article-journal", "paper-conference"]},
            "author": {"type": "array", "items": NAME},
            "issued": DATE,
            "submitted": DATE,
            "categories": {"type": "array", "items": TEXT},
            "volume": NUMBER,
            "issue": NUMBER,
            "page": NUMBER,
            "number": NUMBER,
            "custom": {"type": "object"},
            **dict.fromkeys(
                ("title", "container-title", "abstract", "DOI", "URL", "archive", "archive_location", "publisher"), TEXT
            ),
        },
        "required": ["type", "id"],
        "additionalProperties": False,
    },
}


def test_a_preprint_becomes_an_article_with_its_archive() -> None:
    authors = [{"name": "Zoë Müller", "orcid": "0000-0001-2345-6789"}, {"name": "C. van den Berg Jr"}]
    made = csl.item(paper(authors=authors), "10.1000/1")
    jsonschema.validate([made], SCHEMA)
    assert made == {
        "id": "2405.15738",
        "type": "article",
        "title": "The Räuber of 90% & more",
        "author": [
            {"family": "Müller", "given": "Zoë"},
            {"family": "Berg", "given": "C.", "non-dropping-particle": "van den", "suffix": "Jr"},
        ],
        "issued": {"date-parts": [[2024, 5, 24]]},
        "abstract": "We measure the wind.",
        "DOI": "10.1000/1",
        "URL": "https://arxiv.org/abs/2405.15738",
        "archive": "arXiv",
        "archive_location": "2405.15738",
        "number": "arXiv:2405.15738",
        "publisher": "arXiv",
        "categories": ["cs.CL", "cs.AI"],
        "custom": {"orcid": ["0000-0001-2345-6789", ""]},
    }


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"journal_ref": "J. Wind 3(2), 10-20 (2025)"},
        {"journal_ref": "Proceedings of Wind 2025", "authors": [{"name": "The Wind Collaboration"}]},
        {"key": "b0123456789ab", "categories": "", "submitted": None, "journal_ref": "Wind Press (1999)"},
        {"key": "b0123456789ab", "categories": "", "submitted": None, "authors": [], "abstract": ""},
        {
            "authors": [{"name": "Ada Byron"}, {"name": "B Dee", "orcid": "0000-0001-2345-678X"}],
            "title": r"$x<y$ \emph{so}",
        },
    ],
)
def test_what_is_written_is_valid_and_read_again(changes: dict[str, object]) -> None:
    text = csl.text([csl.item(paper(**changes), "10.1000/1")])
    jsonschema.validate(json.loads(text), SCHEMA)
    first = again(read, text)
    assert [author.name for author in first.authors] == [one["name"] for one in paper(**changes).authors]
    assert [author.orcid for author in first.authors] == [one.get("orcid", "") for one in paper(**changes).authors]
    assert first.submitted is None or (first.submitted.year, first.submitted.day) == (2024, 24)
    again_made = csl.text([csl.item(recorded(first, key=paper(**changes).key), doi_of(first))])
    assert again_made == text
    assert first.journal_ref in (changes.get("journal_ref", ""), "Proceedings of Wind (2025)")


@given(
    st.text(st.characters(codec="utf-8"), max_size=60),
    st.lists(st.text(st.characters(codec="utf-8"), min_size=1, max_size=30), max_size=3),
)
def test_any_text_is_valid(title: str, names: list[str]) -> None:
    made = csl.item(paper(title=f"A {title}", authors=[{"name": name} for name in names if name.split()]))
    jsonschema.validate(json.loads(csl.text([made])), SCHEMA)
