import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as site

from broadsheet.cli import main
from broadsheet.papers import encoder_setup, finding
from broadsheet.papers.ingest import ingest
from broadsheet.papers.tests.factory import NOON, paper
from broadsheet.search.tests import encoder_tiny as tiny

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, settings: Any) -> Iterator[Path]:  # noqa: ANN401
    settings.CONFIG = replace(site.CONFIG, home=tmp_path)
    finding.forget()
    tiny.give(tmp_path)
    ingest([paper(number) for number in range(5)], now=NOON)
    encoder_setup.encode_some(100)
    finding.index()
    tiny.write(tmp_path / "Other", tiny.tensors(seed=9))
    yield tmp_path
    finding.forget()


def said(capsys: pytest.CaptureFixture[str], *arguments: str, status: int = 0) -> str:
    assert main(["encoder", *arguments]) == status
    found = capsys.readouterr()
    return found.err if status else found.out


def test_an_encoder_comes_answers_and_goes(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told = said(capsys, "add", str(home / "Other"))
    assert told == "other is here; the worker encodes the papers by it. Then: broadsheet encoder use other\n"
    assert "0 of 5 papers encoded (0%)" in said(capsys, "list")
    assert "--anyway does not wait" in said(capsys, "use", "other", status=1)
    assert main(["index", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["encoded"] == 5
    row = json.loads(said(capsys, "use", "other", "--json"))
    assert (row["name"], row["state"], row["share"]) == ("other", "in use", 1.0)
    listed = json.loads(said(capsys, "list", "--json"))["encoders"]
    assert [(one["name"], one["state"]) for one in listed] == [("other", "in use"), ("minilm-int8", "kept")]
    assert said(capsys, "forget", "minilm-int8") == "minilm-int8 is gone, with 5 vectors.\n"
    assert "in use" in said(capsys, "forget", "other", status=1)


def test_what_the_operator_says_of_a_model_counts(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--name", "mine", "--precision", "fp32", "--pooling", "cls", "--max-length", "64", "--json"]
    row = json.loads(said(capsys, "add", str(home / "Other"), *options))
    assert (row["name"], row["precision"], row["max_length"]) == ("mine", "fp32", 64) and ":cls" in row["id"]


@pytest.mark.parametrize("action", ["add", "use", "forget"])
def test_without_a_name_the_command_asks_for_one(action: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert f"broadsheet encoder {action} NAME" in said(capsys, action, status=1)


def test_a_folder_that_holds_no_model_is_refused_in_one_line(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (home / "empty").mkdir()
    assert said(capsys, "add", str(home / "empty"), status=1).count("\n") == 1


def test_there_is_nothing_to_build_where_one_is_built(capsys: pytest.CaptureFixture[str]) -> None:
    assert said(capsys, "build", "--if-missing") == ""
