"""The bench of engines: its files, its protocol, and two real engines that need no others, on invented papers."""

import json
import subprocess
import sys
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from subprocess import PIPE

import numpy as np
import pytest

from broadsheet.bench import engines, engines_ask, engines_data
from broadsheet.bench.engines_ask import Answers, Asked
from broadsheet.bench.engines_data import K, Sizes
from broadsheet.bench.engines_peer import Ended, EngineProcess, command
from broadsheet.bench.judged import Judged
from broadsheet.bench.peer_engines.flat import Flat
from broadsheet.bench.peer_engines.ours import FileLog
from broadsheet.bench.peer_engines.protocol import Data, Question, fused, terms
from broadsheet.lib.progress import silent
from broadsheet.search import fuse
from broadsheet.search.types import FloatArray, PaperToIndex

DIM, PAPERS, ADDED = 32, 400, 20
QUERIES = ["vanishing gradients of rivers", "the lakes and the snow", "rivers"]
SUBJECTS = ("rivers", "lakes", "snow", "gradients", "vanishing clouds")


def rows(count: int, seed: int) -> FloatArray:
    made = np.random.default_rng(seed).standard_normal((count, DIM)).astype(np.float32)
    unit: FloatArray = made / np.linalg.norm(made, axis=1, keepdims=True)
    return unit


def paper(n: int) -> PaperToIndex:
    return PaperToIndex(
        id=n,
        title=f"On {SUBJECTS[n % 5]} number{n}",
        abstract=f"We look at {SUBJECTS[n % 3]} and {SUBJECTS[(n + 1) % 4]}.",
        authors=("Ada Berg",),
        categories=("cs.LG",),
        day=date(2024, 1, 1) + timedelta(days=n % 97),
        vector=rows(PAPERS + ADDED, 3)[n - 1].astype(np.float16),
    )


def papers(first: int, last: int) -> Sequence[PaperToIndex]:
    return [paper(n) for n in range(first, last + 1)]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("engines") / "data"
    return engines_data.made(folder, Sizes(PAPERS, ADDED), papers, QUERIES, rows(len(QUERIES), 4))


def slow_truth(query: FloatArray, since: int = 0) -> list[int]:
    every = papers(1, PAPERS + ADDED)
    scored = [
        (float(np.asarray(one.vector, dtype=np.float32) @ query), one.id)
        for one in every
        if one.day and one.day.toordinal() >= since
    ]
    return [number for _, number in sorted(scored, reverse=True)[:K]]


def test_the_true_answers_are_the_nearest_of_all_and_of_the_newest(data: Path) -> None:
    since = engines_data.facts(data)["since"]
    truth, filtered = np.load(data / "truth.npy"), np.load(data / "truth_filtered.npy")
    for n, query in enumerate(rows(len(QUERIES), 4)):
        assert truth[n].tolist() == slow_truth(query)
        assert [number for number in filtered[n].tolist() if number] == slow_truth(query, since)


def test_a_filter_keeps_a_tenth_or_a_little_more(data: Path) -> None:
    since = engines_data.facts(data)["since"]
    kept = sum(one.day is not None and one.day.toordinal() >= since for one in papers(1, PAPERS + ADDED))
    assert 0.1 <= kept / (PAPERS + ADDED) < 0.12


def test_a_folder_that_is_whole_is_not_made_again(data: Path) -> None:
    def never(first: int, last: int) -> Sequence[PaperToIndex]:
        raise AssertionError

    assert engines_data.made(data, Sizes(PAPERS, ADDED), never, QUERIES, rows(3, 4)) == data


def test_vectors_that_are_scanned_are_found_in_their_true_order(data: Path, tmp_path: Path) -> None:
    flat = Flat(tmp_path)
    for later in (False, True):
        flat.write(Data(data), later)
    flat.open()
    for since in (0, Data(data).since, 1):
        query = Data(data).query_vectors[0]
        found = [number for number, _ in flat.search(Question("", query, K, since))]
        assert found == slow_truth(query, since)


def test_two_lists_are_fused_as_the_site_fuses_them() -> None:
    draw = np.random.default_rng(1)
    words, near = ({int(n): float(draw.random()) for n in draw.permutation(300)[:80]} for _ in range(2))
    best_words, best_near = (sorted(one.items(), key=lambda pair: -pair[1]) for one in (words, near))
    expected = fuse.fused([fuse.min_max(words), fuse.min_max(near)], (0.5, 0.5))[:30]
    found = fused(best_words, best_near, 30)
    assert [one for one, _ in found] == [one for one, _ in expected]
    assert [score for _, score in found] == pytest.approx([score for _, score in expected])


def test_stop_words_are_asked_for_only_where_nothing_else_is_there() -> None:
    assert terms("The rivers of the snow-belt") == ["rivers", "snow", "belt"]
    assert terms("to be") == ["to", "be"]


def test_the_log_of_a_folder_gives_each_paper_as_it_was(data: Path) -> None:
    log = FileLog(Data(data))
    given = log.papers([number for number, _, _ in log.since(0, 10)])
    assert [(one.id, one.title, one.day) for one in given.values()] == [
        (one.id, one.title, one.day) for one in papers(1, 10)
    ]
    assert log.head() == PAPERS
    assert FileLog(Data(data), later=True).papers([PAPERS + 1])[PAPERS + 1].title == paper(PAPERS + 1).title


def run_of(home: Path, *names: str) -> engines.Run:
    def start(name: str, data: Path, folder: Path) -> Sequence[str]:
        return command(Path(sys.executable), name, data, folder)

    return engines.Run(home, start, names)


@pytest.mark.slow
def test_two_engines_answer_by_turns_and_a_build_is_kept(data: Path, tmp_path: Path) -> None:
    run = run_of(tmp_path, "broadsheet", "fts5")
    engines.measure_size(run, data, PAPERS, silent)
    assert not run.notes
    for name in ("broadsheet", "fts5"):
        figures = {key.removesuffix(f"_{name}_{PAPERS}") for key in run.figures if key.endswith(f"_{name}_{PAPERS}")}
        assert figures == {
            *("n_papers", "n_queries", "build_s", "build_cpu_s", "disk_mb", "add_1000_s", "open_s", "rss_mb"),
            *("lexical_cpu_ms_p50", "vector_cpu_ms_p50", "hybrid_cpu_ms_p50", "hybrid_filter_10_cpu_ms_p50"),
            *("hybrid_wall_ms_p99", "recall_at_50", "recall_at_50_filter_10"),
        }
        assert run.figures[f"recall_at_50_{name}_{PAPERS}"] == 1
        assert run.figures[f"recall_at_50_filter_10_{name}_{PAPERS}"] == 1
    ours, theirs = (run.figures[f"hybrid_cpu_ms_p50_{name}_{PAPERS}"] for name in ("broadsheet", "fts5"))
    assert run.ratios == {f"hybrid_cpu_vs_fts5_{PAPERS}": pytest.approx(theirs / ours)}
    again = run_of(tmp_path, "broadsheet", "fts5")
    engines.measure_size(again, data, PAPERS, silent)
    assert again.figures[f"build_s_fts5_{PAPERS}"] == run.figures[f"build_s_fts5_{PAPERS}"]


@pytest.mark.slow
def test_a_judged_collection_is_ranked_by_every_engine(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engines, "_judged_papers", lambda home, folder, collection: None)
    (tmp_path / "bench").mkdir()
    (tmp_path / "bench" / "engines-data-small").symlink_to(data)
    nearest = {str(n): {slow_truth(query)[0]: 1} for n, query in enumerate(rows(3, 4))}
    run = run_of(tmp_path, "broadsheet", "fts5")
    engines.measure_judged(run, "small", Judged(tuple(papers(1, PAPERS)), dict(enumerate_queries()), nearest))
    assert set(run.figures) == {"ndcg_small_broadsheet", "ndcg_small_fts5"}
    assert all(0 < value <= 1 for value in run.figures.values())


def enumerate_queries() -> list[tuple[str, str]]:
    return [(str(n), text) for n, text in enumerate(QUERIES)]


FAKE = """
import json, sys, time
print(json.dumps({"ready": {"fake": "1"}}), flush=True)
for line in sys.stdin:
    do = json.loads(line)["do"]
    print(json.dumps({"at": "half of it"}), flush=True)
    if do == "build":
        time.sleep(60)
    if do == "add":
        sys.exit("no room left")
    print(json.dumps({"s": 1.5}), flush=True)
"""


@pytest.fixture
def fake(tmp_path: Path) -> list[str]:
    (tmp_path / "fake.py").write_text(FAKE)
    return [sys.executable, str(tmp_path / "fake.py")]


def test_an_engine_is_spoken_to_by_lines(fake: list[str], tmp_path: Path) -> None:
    engine = EngineProcess(fake, tmp_path / "log")
    assert engine.versions == {"fake": "1"}
    assert engine.ask(10, do="open") == {"s": 1.5}
    engine.end()
    assert engine.process.poll() is not None


def test_an_engine_that_passes_its_time_is_ended_and_says_how_far_it_came(fake: list[str], tmp_path: Path) -> None:
    engine = EngineProcess(fake, tmp_path / "log")
    with pytest.raises(Ended, match="passed its time at: half of it"):
        engine.ask(0.3, do="build")
    assert engine.process.poll() is not None


def test_an_engine_that_fails_says_why(fake: list[str], tmp_path: Path) -> None:
    engine = EngineProcess(fake, tmp_path / "log")
    with pytest.raises(Ended, match="ended by itself at: half of it .no room left."):
        engine.ask(10, do="add")


def test_an_engine_that_is_ended_is_a_note_and_is_not_tried_again(fake: list[str], data: Path, tmp_path: Path) -> None:
    starts = []

    def start(name: str, data: Path, folder: Path) -> Sequence[str]:
        starts.append(name)
        return [*fake[:1], "-c", FAKE.replace("time.sleep(60)", "sys.exit('too many papers')")]

    for _ in range(2):
        run = engines.Run(tmp_path, start, ["bm25s"])
        engines.measure_size(run, data, PAPERS, silent)
        assert run.figures == {}
        assert "bm25s at 400: ended by itself at: half of it (too many papers)" in run.notes[0]
    assert starts == ["bm25s"]
    assert "ended" in json.loads((tmp_path / "bench" / "engines-400" / "bm25s.json").read_text())


def answers_of(*times: tuple[int, float]) -> Answers:
    answers = Answers()
    answers.ways["hybrid"] = [Asked(query, cpu, cpu, [1, 2]) for query, cpu in times]
    return answers


def test_a_ratio_is_over_the_queries_that_both_answered() -> None:
    ours = answers_of((0, 1.0), (1, 2.0), (2, 3.0), (3, 100.0))
    slow = answers_of((0, 10.0), (1, 20.0), (2, 30.0))
    assert engines_ask.ratios({"broadsheet": ours, "slow": slow}, "broadsheet") == {"hybrid_cpu_vs_slow": 10.0}


def test_an_index_that_takes_too_long_at_a_million_is_left_out_there(tmp_path: Path, data: Path) -> None:
    record = engines._built(run_of(tmp_path), "lancedb_pq", data, tmp_path, 1_000_000)
    assert "left out" in record["ended"]


@pytest.mark.slow
def test_an_engine_ends_with_the_bench(data: Path, tmp_path: Path) -> None:
    (tmp_path / "fts5").mkdir()
    start = command(Path(sys.executable), "fts5", data, tmp_path / "fts5")
    bench = "import subprocess, sys; subprocess.Popen(sys.argv[1:], stdin=0, start_new_session=True).stdout; input()"
    with subprocess.Popen([sys.executable, "-c", bench, *start], stdin=PIPE, stdout=PIPE) as parent:
        assert parent.stdout
        assert b"ready" in parent.stdout.readline()
        parent.kill()
        # The engine holds the other end too: it is closed when the engine is gone, and no sooner.
        assert parent.stdout.read() == b""
