"""A record of eight fields, small enough for a test and wide enough that the words of a field are rare in it."""

from broadsheet.foryou import exploring, features, pool
from broadsheet.papers.ingest import ingest
from broadsheet.papers.models import Paper
from broadsheet.papers.tests.again import written
from broadsheet.record.paper import Author
from broadsheet.web.tests.conftest import NOW, made

FIELDS = {
    "bees": "honey bees dance hive nectar waggle pollen comb queen swarm",
    "stars": "binary stars orbit telescope spectra giants dwarfs parallax transit disk",
    "bread": "sourdough bread yeast oven flour crust starter rye bakery dough",
    "bells": "carillon bells tower bronze peal clapper tuning casting rope strike",
    "ice": "glacier ice moraine crevasse meltwater snowline calving firn drumlin fjord",
    "silk": "loom silk weaving thread cocoon mulberry dye fabric spindle warp",
    "maps": "atlas maps contour projection meridian survey chart legend relief compass",
    "ink": "printing ink press letter galley typeface serif paper folio margin",
}
EACH = 7


def record() -> dict[str, list[Paper]]:
    """Take in seven papers of each field, learn the background, and give the papers by field."""
    for memory in (features, pool, exploring):
        memory.forget()
    written(f"eight fields, {features.present_encoder()!r}", _write)
    papers = list(Paper.objects.order_by("pk"))
    return {field: [paper for paper in papers if paper.categories == f"x.{field}"] for field in FIELDS}


def _write() -> None:
    found = []
    for place, (field, said) in enumerate(FIELDS.items()):
        words = said.split()
        for number in range(EACH):
            turned = [words[(number + step * 3) % len(words)] for step in range(len(words))]
            found.append(
                made(
                    place * 20 + number,
                    title=f"On {turned[0]} {turned[1]} and {turned[2]}",
                    abstract=f"We study {' and '.join(turned[:9])} with a novel method, part {number}.",
                    authors=(Author(f"{field.title()} Person {number % 3}"),),
                    signals=(("upvotes", number),),
                    categories=(f"x.{field}",),
                )
            )
    ingest(found, now=NOW)
    features.build_background(NOW)
