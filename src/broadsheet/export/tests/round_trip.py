"""Papers for the tests of formats, without a database: what a source gave, as the record would have it."""

from datetime import UTC, datetime
from io import BytesIO

from broadsheet.papers.models import Paper
from broadsheet.record.identifiers import arxiv_month
from broadsheet.record.paper import PaperData
from broadsheet.sources.reading import Reader


def paper(**changes: object) -> Paper:
    values: dict[str, object] = {
        "id": 1,
        "key": "2405.15738",
        "title": "The Räuber of 90% & more",
        "abstract": "We measure the wind.",
        "authors": [{"name": "Zoë Müller"}, {"name": "A. B. Lim"}],
        "categories": "cs.CL cs.AI",
        "submitted": datetime(2024, 5, 24, tzinfo=UTC),
        "source": "arxiv-oai",
    }
    made = Paper(**(values | changes))
    # The database would count them.
    made.__dict__["votes"] = 0
    return made


def recorded(data: PaperData, **changes: object) -> Paper:
    """The paper that the record makes of it."""
    names = {name.scheme: name.value for name in data.identifiers}
    values: dict[str, object] = {
        "key": names.get("arxiv", "b0123456789ab"),
        "title": data.title,
        "abstract": data.abstract,
        "authors": [{"name": one.name, **({"orcid": one.orcid} if one.orcid else {})} for one in data.authors],
        "categories": " ".join(data.categories),
        "submitted": data.submitted,
        "id_month": arxiv_month(names.get("arxiv", "")),
        "journal_ref": data.journal_ref,
        "source": data.source,
    }
    return paper(**(values | changes))


def doi_of(data: PaperData) -> str:
    return next((name.value for name in data.identifiers if name.scheme == "doi"), "")


def again(reader: Reader, text: str) -> PaperData:
    """Read one reference with one of our own readers."""
    (item,) = reader(BytesIO(text.encode()), "refs", lambda: datetime(2026, 3, 1, tzinfo=UTC))
    assert isinstance(item, PaperData), item
    return item
