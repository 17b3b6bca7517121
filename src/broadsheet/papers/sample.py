"""The sample: real papers of five editions, so that a first start without a network has something to show."""

import json
from collections.abc import Iterator
from datetime import date, datetime
from hashlib import sha256
from importlib.resources import files

from broadsheet.papers.ingest import Report, ingest
from broadsheet.papers.models import Paper
from broadsheet.record.identifiers import arxiv_id
from broadsheet.record.paper import Author, Link, PaperData


def load_if_empty() -> Report | None:
    """Load the sample into a record that has no papers; None where it has."""
    return None if Paper.objects.exists() else ingest(papers())


def papers() -> Iterator[PaperData]:
    """Read the sample. Its summaries stand where abstracts do, and any real source replaces them."""
    for line in files("broadsheet.sample").joinpath("papers.jsonl").read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        yield PaperData(
            source="sample",
            title=row["title"],
            abstract=row["summary"],
            identifiers=(arxiv_id(row["id"]).identifier,),
            authors=tuple(Author(name) for name in row["authors"]),
            categories=tuple(row["categories"]),
            submitted=datetime.fromisoformat(row["submitted"]),
            announced=date.fromisoformat(row["day"]),
            announced_by="listing",
            links=(Link("code", row["code"]),) if "code" in row else (),
            signals=(("upvotes", row["votes"]), ("comments", row["comments"])),
            raw_hash=sha256(line.encode()).hexdigest(),
        )
