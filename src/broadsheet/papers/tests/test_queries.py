import pytest

from broadsheet.papers import queries
from broadsheet.papers.ingest import ingest
from broadsheet.papers.models import Paper
from broadsheet.papers.tests.factory import NOON, paper
from broadsheet.record.identifiers import Identifier

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    "name",
    ["2611.00001", "2611.00001v3", "arXiv:2611.00001", "https://arxiv.org/abs/2611.00001", "10.5555/bees",
     "https://doi.org/10.5555/BEES", "https://huggingface.co/papers/2611.00001"],
)  # fmt: skip
def test_a_paper_is_found_by_every_name_it_has(name: str) -> None:
    ingest([paper(1, identifiers=(Identifier("arxiv", "2611.00001"), Identifier("doi", "10.5555/bees")))], now=NOON)
    found = queries.by_key(name)
    assert found is not None and found.key == "2611.00001"


@pytest.mark.parametrize(
    "name", ["", "2611.99999", "a\0b", "x" * 10_000, "https://[", "../../etc/passwd", "١٢٣٤.٥٦٧٨٩"]
)
def test_a_name_of_nothing_finds_nothing(name: str) -> None:
    assert queries.by_key(name) is None


def test_papers_come_in_the_order_they_are_asked_for() -> None:
    ingest([paper(1), paper(2), paper(3)], now=NOON)
    first, second, third = Paper.objects.order_by("id").values_list("id", flat=True)
    assert [found.id for found in queries.in_order([third, 999, first])] == [third, first]
