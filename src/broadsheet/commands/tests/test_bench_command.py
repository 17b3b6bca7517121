"""What is to be measured goes to the benches that take it."""

import argparse
from pathlib import Path
from typing import Any

import pytest

from broadsheet.bench.report import CannotMeasure
from broadsheet.cli import CommandFailed
from broadsheet.commands import bench_command


def _run(*given: str) -> None:
    parser = argparse.ArgumentParser()
    bench_command.arguments(parser)
    bench_command.run(parser.parse_args(given))


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (["search", "--readers", "r", "--papers", "p"], "is for `broadsheet bench foryou`; search does not take it"),
        (["foryou", "--readers", "r"], "go together"),
        (["foryou", "--papers", "p"], "go together"),
        (["foryou", "--readers", "r", "--papers", "p", "--save"], "--save keeps"),
        (["search", "--size", "10"], "is for `broadsheet bench scale, engines, import`; search does not take it"),
        (["scale", "--kills", "3"], "is for `broadsheet bench cluster`"),
    ],
)
def test_files_that_cannot_be_measured_so_are_refused_in_one_line(given: list[str], told: str) -> None:
    with pytest.raises(CommandFailed, match=told):
        _run(*given)


def test_files_are_handed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: dict[str, Any] = {}

    def run_bench(name: str, _progress: object, save: bool = False, **given: Path) -> dict[str, Any]:
        seen.update(given, name=name, save=save)
        raise CannotMeasure("seen enough")

    monkeypatch.setattr(bench_command, "run_bench", run_bench)
    with pytest.raises(CommandFailed, match="seen enough"):
        _run("foryou", "--readers", "r", "--papers", "p")
    assert seen == {"readers": Path("r"), "papers": Path("p"), "name": "foryou", "save": False}
    with pytest.raises(CommandFailed, match="seen enough"):
        _run("judged")
