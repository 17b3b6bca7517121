"""SIGKILL at random moments of bringing in an encoder, changing to it and forgetting it: search goes on by meaning."""

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from broadsheet.search import bert_onnx
from broadsheet.search.bert_onnx import BertConfig
from broadsheet.search.tests import encoder_tiny as tiny
from tests.here import Command

pytestmark = pytest.mark.slow
PAPERS = 1500
NARROW = BertConfig(layers=1, heads=2, dim=32, epsilon=1e-12)


def environment(home: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("BROADSHEET_", "PYTEST_"))}
    return {**kept, "BROADSHEET_HOME": str(home), "BROADSHEET_SOURCES": ""}


def done(home: Path, *arguments: str) -> None:
    command = [sys.executable, "-m", "broadsheet.cli", *arguments]
    ended = subprocess.run(command, env=environment(home), capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr[-2000:]


def killed(home: Path, chance: random.Random, *arguments: str) -> bool:
    """Start a command and kill it at a random moment; false if it was done before."""
    command = [sys.executable, "-m", "broadsheet.cli", *arguments]
    process = subprocess.Popen(
        command, env=environment(home), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    # A command begins its work after about half a second.
    time.sleep(chance.uniform(0.4, 1.6))
    at_work = process.poll() is None
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    return at_work


def standing(answer_of: Command, home: Path) -> dict[str, tuple[str, int]]:
    found = answer_of(home, "encoder", "list")["encoders"]
    assert not any(one["damaged"] for one in found)
    return {one["name"]: (one["state"], one["encoded"]) for one in found}


def assert_answers_by_meaning(answer_of: Command, home: Path) -> None:
    found = answer_of(home, "search", "rivers and snow", "--mode", "semantic")
    assert len(found["hits"]) == 20 and not found["partial"] and found["notes"] == []


@pytest.fixture
def home(tmp_path: Path) -> Path:
    root = tmp_path / "home"
    bert_onnx.build(root, tmp_path / "first", files=tiny.write(tmp_path / "first"))
    tiny.write(tmp_path / "narrow", shape=NARROW)
    words = ("rivers", "snow", "graph", "loss", "soft", "losses")
    lines = [
        {
            "id": f"2405.{number:05}",
            "title": f"Number {number} of {words[number % 6]}",
            "abstract": f"A {words[number % 5]} of {words[number % 3]} and q{number}.",
            "authors": "Ada Example",
            "categories": "cs.LG",
            "versions": [{"version": "v1", "created": "Mon, 27 May 2024 12:00:00 GMT"}],
            "update_date": "2024-05-28",
        }
        for number in range(PAPERS)
    ]
    (tmp_path / "papers.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    done(root, "import", str(tmp_path / "papers.jsonl"))
    done(root, "index")
    return root


def test_an_encoder_can_be_changed_through_any_number_of_kills(home: Path, answer_of: Command) -> None:
    chance, kills = random.Random(7), 0
    model = str(home.parent / "narrow")
    for _round in range(2):
        steps: list[tuple[str, ...]] = [
            ("encoder", "add", model),
            ("index",),
            ("encoder", "use", "narrow"),
            ("encoder", "use", "minilm-int8"),
            ("encoder", "forget", "narrow"),
        ]
        for step in steps:
            for _ in range(2):
                if step[1:2] == ("forget",) and "narrow" not in standing(answer_of, home):
                    break
                kills += killed(home, chance, *step)
                assert_answers_by_meaning(answer_of, home)
            if step[1:2] != ("forget",) or "narrow" in standing(answer_of, home):
                done(home, *step)
            assert_answers_by_meaning(answer_of, home)
            if step[0] == "index":
                assert standing(answer_of, home) == {"minilm-int8": ("in use", PAPERS), "narrow": ("coming", PAPERS)}
            if step[2:] == ("narrow",) and step[1] == "use":
                assert standing(answer_of, home)["narrow"] == ("in use", PAPERS)
        assert standing(answer_of, home) == {"minilm-int8": ("in use", PAPERS)}
        assert not list(home.glob("shard-*"))
    assert kills >= 8, "the machine is too fast for this test: most commands were done before they were killed"
