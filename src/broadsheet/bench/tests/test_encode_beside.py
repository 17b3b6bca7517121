"""The bench beside a peer that answers by the same protocol without being one."""

import sys
from pathlib import Path

import numpy as np
import pytest

from broadsheet.bench import encode_beside, encode_openvino
from broadsheet.bench.report import CannotMeasure
from broadsheet.search.encoder import OnnxEncoder

PEER = """
import json, sys
print(json.dumps({"ready": {}}), flush=True)
for line in sys.stdin:
    rows = [[float(len(text)), 1.0] for text in json.loads(line)]
    print(json.dumps({"cpu_s": 1000.0, "vectors": rows}), flush=True)
"""


class Lengths(OnnxEncoder):
    """Encodes a text as its length and 1."""

    def __init__(self) -> None:
        super().__init__(None, None, "lengths", 2)

    def _vector(self, text: str) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
        sum(range(20_000))  # some time, so that there is a rate
        return np.array([len(text), 1], dtype=np.float32)


@pytest.fixture
def peer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    script = tmp_path / "peer.py"
    script.write_text(PEER)
    monkeypatch.setattr(encode_beside, "PEER_SCRIPT", script)
    monkeypatch.setattr(encode_beside, "peer_python", lambda home, *which: Path(sys.executable))
    monkeypatch.setattr(encode_beside, "complete", lambda weights: True)
    return script


def test_the_ratio_is_ours_over_theirs(peer: Path, tmp_path: Path) -> None:
    texts = ["word " * n for n in range(1, 131)]
    found = encode_beside.compare(texts, home=tmp_path, weights=tmp_path, encoder=Lengths())
    assert set(found) == {"encode_docs_per_cpu_s", "peer_docs_per_cpu_s", "encode_vs_sentence_transformers"}
    assert found["peer_docs_per_cpu_s"] == pytest.approx(0.064)
    assert found["encode_vs_sentence_transformers"] > 1


def test_a_peer_that_computes_something_else_is_refused(peer: Path, tmp_path: Path) -> None:
    peer.write_text(PEER.replace("1.0]", "-9.0 * len(text)]"))
    with pytest.raises(CannotMeasure, match="are not ours"):
        encode_beside.compare(["one", "three"], home=tmp_path, weights=tmp_path, encoder=Lengths())


def test_a_peer_that_ends_early_is_no_measurement(peer: Path, tmp_path: Path) -> None:
    peer.write_text("")
    with pytest.raises(CannotMeasure, match="without an answer"):
        encode_beside.compare(["one"], home=tmp_path, weights=tmp_path, encoder=Lengths())


def test_without_an_encoder_nothing_is_measured(tmp_path: Path) -> None:
    with pytest.raises(CannotMeasure, match="broadsheet encoder build"):
        encode_beside.compare(["one"], home=tmp_path, weights=tmp_path)


OTHER = """
import json, sys
print(json.dumps({"ready": {}}), flush=True)
for line in sys.stdin:
    asked = json.loads(line)
    rows = [[float(pieces[0]), 1.0] for pieces in asked["pieces"]]
    print(json.dumps({"cpu_s": 50.0 if asked["precision"] == "f32" else 25.0, "vectors": rows}), flush=True)
"""


def test_openvino_gets_word_pieces_and_is_timed_in_both_precisions(
    peer: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    peer.write_text(OTHER)
    monkeypatch.setattr(encode_openvino, "SCRIPT", peer)
    monkeypatch.setattr(Lengths, "pieces", lambda self, text: [len(text)])
    found = encode_openvino.compare(tmp_path, tmp_path / "model.onnx", Lengths(), ["one", "three"], rounds=3)
    assert found["openvino_f32_docs_per_cpu_s"] == pytest.approx(0.04)
    assert found["openvino_bf16_docs_per_cpu_s"] == pytest.approx(0.08)
    assert found["vs_openvino_f32"] > found["vs_openvino_bf16"] > 1


def test_where_a_peer_cannot_be_had_a_note_says_so(peer: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encode_openvino, "SCRIPT", peer)
    monkeypatch.setattr(Lengths, "pieces", lambda self, text: [len(text)])
    peer.write_text("")
    figures, notes = encode_openvino.or_nothing(tmp_path, tmp_path, Lengths(), ["one"], 1)
    assert figures == {} and "without an answer" in notes[0]
