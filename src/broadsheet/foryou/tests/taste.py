"""A small record of four fields, for the tests of what is learned from it."""

from datetime import UTC, datetime

from broadsheet.community import votes
from broadsheet.foryou import features
from broadsheet.papers.ingest import ingest
from broadsheet.papers.models import Paper
from broadsheet.papers.tests.again import written
from broadsheet.readers.models import Reader
from broadsheet.record.paper import Author
from broadsheet.web.tests.conftest import NOW, made

FIELDS = {
    "bees": "honey bees dance hive nectar waggle pollen comb queen swarm",
    "stars": "binary stars orbit telescope spectra giants dwarfs parallax transit disk",
    "bread": "sourdough bread yeast oven flour crust dough starter rye bakery",
    "bells": "carillon bells tower bronze peal clapper tuning casting rope strike",
}
EACH = 8


def record() -> dict[str, list[Paper]]:
    """Take in eight papers of each field, learn the background, and give the papers by field."""
    features.forget()
    written(f"four fields, {features.present_encoder()!r}", _write)
    papers = {paper.title: paper for paper in Paper.objects.order_by("pk")}
    return {
        field: [paper for paper in papers.values() if set(said.split()) & set(paper.title.split())]
        for field, said in FIELDS.items()
    }


def _write() -> None:
    found = []
    for place, (field, said) in enumerate(FIELDS.items()):
        words = said.split()
        for number in range(EACH):
            turned = [words[(number + step * 3) % len(words)] for step in range(len(words))]
            title = f"On {turned[0]} {turned[1]} and {turned[2]}"
            abstract = f"We study {' and '.join(turned[:9])} with a novel method, part {number}."
            author = (Author(f"{field.title()} Person {number % 3}"),)
            found.append(made(place * 20 + number, title=title, abstract=abstract, authors=author))
    ingest(found, now=NOW)
    features.build_background(NOW)


def vote(reader: Reader, *papers: Paper, at: datetime = NOW) -> None:
    """Let a reader vote for papers."""
    name = ("votes", reader.pk, reader.standing, tuple(paper.pk for paper in papers), at)
    written(name, lambda: [votes.cast(reader, paper, now=at) for paper in papers])


LATER = datetime(2024, 5, 28, 9, tzinfo=UTC)
