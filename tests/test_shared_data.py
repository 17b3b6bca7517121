"""The real data, through the commands a person types."""

import json
from pathlib import Path
from typing import Any

import pytest

from broadsheet.cli import DONE, main
from broadsheet.papers.models import Paper, Quarantined

pytestmark = pytest.mark.django_db(transaction=True)


def command(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    assert main([*arguments, "--json"]) == DONE
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def test_the_saved_pages_give_457_papers_however_often(shared: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first = command(capsys, "import", str(shared / "pages"))
    keys = set(Paper.objects.values_list("key", flat=True))
    again = command(capsys, "import", str(shared / "pages"))
    assert (first["seen"], first["new"], first["quarantined"]) == (503, 457, 0)
    assert (again["seen"], again["new"], again["same"]) == (503, 0, 503)
    assert set(Paper.objects.values_list("key", flat=True)) == keys and len(keys) == 457


@pytest.mark.parametrize(
    ("name", "rows"), [("000_c4b7a243aaae7435", 119), ("001_8c602c686bd265c1", 76), ("002_8e949063b2f08e09", 119),
                       ("003_0230189221dd4ab8", 117), ("004_f8552ab7580cfbec", 72)]
)  # fmt: skip
def test_each_saved_page_gives_its_papers(
    name: str, rows: int, shared: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command(capsys, "import", str(shared / "pages" / f"{name}.txt"))["new"] == rows


@pytest.mark.parametrize(("name", "rows"), [("2024-12-11-drift", 26), ("2025-01-10-drift", None)])
def test_a_drifted_day_gives_every_row_it_holds(
    name: str, rows: int | None, shared: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = shared / "hf_daily" / "raw" / f"{name}.json"
    held = json.loads(place.read_text())
    report = command(capsys, "import", str(place))
    assert report["new"] == report["seen"] == len(held["data"] if isinstance(held, dict) else held)
    assert rows in (None, report["seen"])
    day = command(capsys, "edition", name.removesuffix("-drift"))
    assert len(day["papers"]) == report["seen"]
    votes = [paper["votes"] for paper in day["papers"]]
    assert votes == sorted(votes, reverse=True) and votes[0] > 0


@pytest.mark.slow
def test_a_year_of_daily_lists_becomes_its_editions(shared: Path, capsys: pytest.CaptureFixture[str]) -> None:
    report = command(capsys, "import", str(shared / "hf_daily" / "2024.jsonl.gz"))
    assert (report["new"], report["quarantined"], Quarantined.objects.count()) == (2202, 0, 0)
    day = command(capsys, "edition", "2024-05-27")
    assert (day["state"], day["total"]) == ("open", 13)
    assert day["papers"][0]["id"] == "2405.15738"
