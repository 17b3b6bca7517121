"""A whole run over a small invented record: the figures are there, the better method wins, files give the same keys."""

import json
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from broadsheet.bench import foryou
from broadsheet.bench.foryou_readers import Proxy, Reader, World, split
from broadsheet.bench.foryou_trials import METHODS, Job, Stage, do_all, known_likes, stage
from broadsheet.bench.report import CannotMeasure
from broadsheet.lib.progress import silent

# The peers that are measured beside ours take more than a second to import, and no test here goes without.
pytestmark = pytest.mark.slow
DRAW = np.random.default_rng(5)
SUBJECTS = [[f"word{subject}x{number}" for number in range(30)] for subject in range(12)]
NONE = np.zeros(0, np.int64)


@pytest.fixture(scope="module", autouse=True)
def _peers() -> None:
    # Only here, so that each process of the tests need not import it.
    pytest.importorskip("sklearn")


def _contents(count: int) -> tuple[tuple[str, str], ...]:
    """Give papers that speak of one subject each, in turns."""
    return tuple(
        (f"On {SUBJECTS[row % 12][0]}", " ".join(DRAW.choice(SUBJECTS[row % 12], 8)) + " of study")
        for row in range(count)
    )


@pytest.fixture(scope="module")
def proxy() -> Proxy:
    count = 1200
    centres = DRAW.normal(size=(12, 16))
    vectors = centres[np.arange(count) % 12] + DRAW.normal(size=(count, 16))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    days = np.arange(count) // 2 + date(2020, 1, 1).toordinal()
    world = World(_contents(count), vectors.astype(np.float32), days, np.arange(480))
    found = []
    for one in range(12):
        mine = np.flatnonzero(np.isin(np.arange(count) % 12, [one, (one + 5) % 12]))
        reader = split(f"reader {one}", mine, mine, world)
        assert reader is not None
        found.append(reader)
    return Proxy("invented", world, tuple(found), (5, 20))


@pytest.fixture(scope="module")
def staged(proxy: Proxy) -> Stage:
    return stage(proxy.world)


def test_every_method_has_every_measure_with_its_interval(proxy: Proxy, staged: Stage) -> None:
    board = foryou.Board(proxy, (0, 1), noisy=True)
    results = np.stack(do_all(list(board.jobs(staged)), silent, 1))
    found = board.figures(results)
    for prefix in ("invented", "invented_noisy", "words_invented", "words_invented_noisy"):
        for method in METHODS:
            for level in proxy.levels:
                for metric in ("auc", "recall50", "ndcg20", "pair_loss"):
                    key = f"{prefix}.{method}.{level}.{metric}"
                    assert found[f"{key}_lo"] <= found[key] <= found[f"{key}_hi"]
    assert found["invented.readers.20"] == 12
    assert found["invented.over_popularity.20.auc"] == pytest.approx(
        found["invented.broadsheet.20.auc"] - found["invented.popularity.20.auc"]
    )
    assert found["invented.noise_loss.svm.20.auc"] == pytest.approx(
        found["invented.svm.20.auc"] - found["invented_noisy.svm.20.auc"]
    )
    assert found["invented.broadsheet.20.auc"] > 0.9
    assert found["invented.popularity.20.auc"] < 0.7
    lines = board.table(results)
    assert lines[0].startswith("invented, 5 likes, 12 readers: auc broadsheet ")
    assert len(lines) == 4 * 2 * 2
    assert all("noise_loss_to_svm" in key for key in board.losses(results))


def test_two_processes_find_what_one_does(proxy: Proxy, staged: Stage) -> None:
    board = foryou.Board(proxy, (0, 1), noisy=True)
    jobs = list(board.jobs(staged))[:2]
    assert np.allclose(np.stack(do_all(jobs, silent, 1)), np.stack(do_all(jobs, silent, 2)), equal_nan=True, atol=1e-4)


def test_a_job_refuses_a_reader_of_the_future(proxy: Proxy, staged: Stage) -> None:
    reader = proxy.readers[0]
    leaking = Reader(
        "leak", np.append(reader.likes, 1199), NONE, reader.others, reader.tested[:5], reader.grades[:5], NONE
    )
    with pytest.raises(CannotMeasure, match="the future"):
        Job(staged, proxy, leaking, (0,), False, ()).done()


def test_others_likes_of_the_test_days_are_not_known(proxy: Proxy) -> None:
    one, other = proxy.readers[:2]
    world = proxy.world
    assert world.days is not None
    late = Reader("late", np.append(other.likes, 1199), NONE, NONE, NONE, np.zeros(0), NONE)
    assert 1199 not in known_likes(late, one, world)
    assert len(known_likes(other, one, world))


@pytest.mark.parametrize("counted", [False, True])
def test_readers_from_files_have_the_keys_without_a_proxy(tmp_path: Path, counted: bool) -> None:
    papers = [
        {"id": row, "words": dict.fromkeys(text.split(), 1)}
        if counted
        else {"id": row, "title": title, "abstract": text}
        for row, (title, text) in enumerate(_contents(400))
    ]
    readers = [
        {
            "reader": one,
            "likes": list(range(one, 240, 12)),
            "dislikes": [one + 1],
            "held_out": [{"id": row, "grade": 1 + row % 2} for row in range(240 + one, 400, 12)][
                : None if one % 2 else 1
            ],
        }
        for one in range(6)
    ]
    for name, rows in (("papers", papers), ("readers", readers)):
        (tmp_path / name).write_text("".join(json.dumps(row) + "\n" for row in rows))
    measured = foryou.from_files(tmp_path / "readers", tmp_path / "papers", tmp_path, silent)
    assert {f"{method}.{level}.auc" for method in METHODS for level in (3, 5, 10, 20, "all")} <= measured.figures.keys()
    assert "svm.50.auc" not in measured.figures
    assert measured.figures["broadsheet.20.auc_hi"] <= 1
    assert measured.figures["readers.all"] == 6
    assert any("words alone" in note for note in measured.notes)


def test_files_go_together() -> None:
    with pytest.raises(CannotMeasure, match="go together"):
        foryou.measure(silent, readers=Path("readers"))
