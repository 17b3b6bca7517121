import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from broadsheet.bench import encode, encode_peak, encode_quality, encode_static, judged
from broadsheet.search.bert_onnx import bert_graph, build, quantise
from broadsheet.search.encoder import OnnxEncoder, find, place
from broadsheet.search.tests import encoder_tiny as tiny
from broadsheet.search.types import FloatArray


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("home")
    build(root, root / "weights", files=tiny.write(root / "weights"))
    return root


@pytest.fixture
def encoder(home: Path) -> OnnxEncoder:
    found = find(home)
    assert found is not None
    return found


def test_operations_are_counted_as_the_equations_say(tmp_path: Path) -> None:
    graph = bert_graph(tiny.tensors(), tiny.CONFIG, small_words=True)
    (tmp_path / "fp32.onnx").write_bytes(graph.SerializeToString())
    quantise(graph, tmp_path / "int8.onnx")
    layers, dim = tiny.CONFIG.layers, tiny.CONFIG.dim
    for name in ("fp32", "int8"):
        found = encode_peak.operations(tmp_path / f"{name}.onnx")
        # Queries, keys, values and the output are 4 d² of weights, the two wide ones 8 d²; a weight is two operations.
        assert found.linear == layers * 24 * dim**2
        assert found.square == layers * 4 * dim
        assert found.of([3, 5]) == 8 * found.linear + 34 * found.square


@pytest.mark.parametrize("precision", ["int8", "fp32"])
def test_a_multiplication_counts_two_operations_a_product(precision: encode_peak.Precision) -> None:
    run, count = encode_peak.multiplication(precision, (3, 4, 5))
    assert count == 120 and np.asarray(run()).shape == (1, 3, 5)


def test_a_peak_is_the_best_of_the_shapes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encode_peak, "AT_LEAST", 1e7)
    monkeypatch.setattr(encode_peak, "SHAPES", ((8, 8, 8), (128, 128, 128)))
    assert encode_peak.peak("fp32") > 1e7


def test_shares_are_of_the_peaks_that_were_measured(
    home: Path, encoder: OnnxEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(encode_peak, "peak", lambda precision: 4e9 if precision == "int8" else 1e9)
    monkeypatch.setattr(encode, "cpu_seconds", lambda encoder, texts: 0.5)
    found = encode.shares(place(home, "minilm-int8") / "model.onnx", encoder, ["snow", "snow and snow"])
    linear, square = 8 * 2 * 24 * 64**2, (9 + 25) * 2 * 4 * 64
    assert found["pieces_per_text"] == 4
    assert found["gop_per_text"] == pytest.approx((linear + square) / 2e9)
    assert found["share_of_matmul_peak"] == pytest.approx((linear + square) / 4e9 / 0.5)
    assert found["share_of_mixed_peak"] == pytest.approx((linear / 4e9 + square / 1e9) / 0.5)


def test_ways_are_timed_by_turns() -> None:
    told: list[str] = []

    class Told(OnnxEncoder):
        def __init__(self, name: str) -> None:
            super().__init__(None, None, name, 1)

        def encode(self, texts: Sequence[str], progress: object = None) -> FloatArray:
            told.append(self.id)
            until = time.process_time() + 0.002
            while time.process_time() < until:
                pass
            return np.zeros((len(texts), 1), np.float32)

    found = encode.speeds({"one": Told("a"), "two": Told("b")}, ["x"] * 4, rounds=3)
    assert told == ["a", "b"] * 3
    assert set(found) == {"one_docs_per_cpu_s", "two_docs_per_cpu_s"} and found["one_docs_per_cpu_s"] < 2000


def test_an_interval_holds_the_mean_and_shrinks_with_more_queries() -> None:
    chance = np.random.default_rng(1)
    few, many = chance.normal(0.1, 1, 20), chance.normal(0.1, 1, 800)
    low, high = encode_quality.interval(many)
    assert low < many.mean() < high and high - low == pytest.approx(2 * 1.96 / 800**0.5, rel=0.1)
    wide = encode_quality.interval(few)
    assert wide[1] - wide[0] > 3 * (high - low)
    assert encode_quality.interval(np.zeros(9)) == (0, 0)


def test_the_same_encoder_twice_differs_by_nothing(home: Path, encoder: OnnxEncoder, tmp_path: Path) -> None:
    for name in judged.COLLECTIONS:
        folder = tmp_path / "judged" / name
        folder.mkdir(parents=True)
        rows = [f'{{"id": "{n}", "title": "{word}", "text": "of a graph"}}' for n, word in enumerate(tiny.WORDS[4:])]
        (folder / "corpus.jsonl").write_text("\n".join(rows))
        (folder / "queries.jsonl").write_text('{"id": "q", "text": "snow"}\n{"id": "r", "text": "rivers"}')
        (folder / "qrels.tsv").write_text("q\t8\t1\nr\t6\t1")
    found = encode_quality.compare(tmp_path / "judged", encoder, encoder, tmp_path)
    assert len(found) == 2 * 2 * 5 and found["cacm_fused_int8"] == found["cacm_fused_fp32"] > 0
    assert found["cacm_dense_difference_low"] == found["cacm_dense_difference_high"] == 0
    # Both collections hold the same papers here: they were encoded once.
    assert len(list((tmp_path / "bench").glob("vectors-*/*.f2"))) == 1


def test_a_static_table_is_the_mean_of_its_rows(encoder: OnnxEncoder, tmp_path: Path) -> None:
    table = np.random.default_rng(2).normal(size=(len(tiny.WORDS), 4)).astype(np.float32)
    static = encode_static.StaticTable(table, encoder._tokenizer)
    snow, rivers = tiny.WORDS.index("snow"), tiny.WORDS.index("rivers")
    wanted = table[snow] + table[rivers]
    assert np.allclose(static.encode(["snow rivers"])[0], wanted / np.linalg.norm(wanted), atol=1e-6)
    assert not static.encode([""]).any()


def test_a_table_is_reduced_to_its_first_directions_and_rare_pieces_count_more() -> None:
    rows = np.random.default_rng(5).normal(size=(2000, 6)).astype(np.float32) * np.array([9, 8, 7, 0.1, 0.1, 0.1])
    found = encode_static.reduced(rows.astype(np.float32), 3)
    centred = rows - rows.mean(axis=0)
    lengths = np.linalg.norm(found, axis=1) / np.linalg.norm(centred, axis=1)
    assert found.shape == (2000, 3) and lengths[-100:].mean() > 2 * lengths[:100].mean()
