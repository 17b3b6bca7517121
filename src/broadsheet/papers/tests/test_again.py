from dataclasses import replace
from pathlib import Path

import pytest
from django.db import connection, transaction
from pytest_django import Settings

from broadsheet.papers import finding
from broadsheet.papers.ingest import ingest
from broadsheet.papers.models import Authorship, Change, Identifier, Paper
from broadsheet.papers.tests.again import indexed, written
from broadsheet.papers.tests.factory import NOON, paper

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.skipif(connection.vendor != "sqlite", reason="on PostgreSQL numbers are not given anew"),
]

TELLING = "worth telling"


def rows() -> list[object]:
    return [list(table.objects.order_by("pk").values()) for table in (Paper, Change, Identifier, Authorship)]


def test_what_is_written_again_is_what_was_written_first() -> None:
    calls = []

    def fill() -> None:
        calls.append(1)
        ingest([paper(1), paper(2)], now=NOON)
        ingest([paper(2, title="Of other suns", version=2)], now=NOON)

    found = []
    for _ in range(2):
        with transaction.atomic():
            written("again", fill)
            found.append(rows())
            transaction.set_rollback(True)
    assert len(calls) == 1 and found[0] == found[1] and found[0] != rows()


def test_where_other_rows_were_added_before_it_is_worked_out_anew() -> None:
    ingest([paper(4)], now=NOON)
    for number in (1, 2):
        written("beside", lambda: ingest([paper(3)], now=NOON))
        assert Paper.objects.count() == 2, number


def test_an_index_that_is_taken_again_answers_as_the_first_and_goes_on(tmp_path: Path, settings: Settings) -> None:
    found = []
    ingest([paper(1), paper(2)], now=NOON)
    for home in ("one", "two"):
        values = {**settings.CONFIG.values, "encoder": "none"}
        settings.CONFIG = replace(settings.CONFIG, home=tmp_path / home, values=values)
        finding.forget()
        indexed("again")
        found.append([(hit.paper.key, hit.score) for hit in finding.find(TELLING).hits])
        assert finding.index() == 0
    assert found[0] == found[1] and len(found[0]) == 2
    ingest([paper(3)], now=NOON)
    assert finding.index() == 1 and len(finding.find(TELLING).hits) == 3
    finding.forget()


def test_where_other_rows_were_added_before_it_is_indexed_anew(tmp_path: Path, settings: Settings) -> None:
    for number in (1, 2):
        ingest([paper(number)], now=NOON)
        values = {**settings.CONFIG.values, "encoder": "none"}
        settings.CONFIG = replace(settings.CONFIG, home=tmp_path / str(number), values=values)
        finding.forget()
        indexed("more")
        assert len(finding.find(TELLING).hits) == number
    finding.forget()
