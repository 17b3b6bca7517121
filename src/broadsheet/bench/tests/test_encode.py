"""The bench beside a peer that answers by the same protocol without being one."""

import sys
from pathlib import Path

import numpy as np
import pytest

from broadsheet.bench import encode
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
    monkeypatch.setattr(encode, "PEER_SCRIPT", script)
    monkeypatch.setattr(encode, "peer_python", lambda home: Path(sys.executable))
    monkeypatch.setattr(encode, "complete", lambda weights: True)
    return script


def test_the_ratio_is_ours_over_theirs(peer: Path, tmp_path: Path) -> None:
    texts = ["word " * n for n in range(1, 131)]
    found = encode.compare(texts, home=tmp_path, weights=tmp_path, encoder=Lengths())
    assert set(found) == {"encode_docs_per_cpu_s", "peer_docs_per_cpu_s", "encode_vs_sentence_transformers"}
    assert found["peer_docs_per_cpu_s"] == pytest.approx(0.064)
    assert found["encode_vs_sentence_transformers"] > 1


def test_a_peer_that_computes_something_else_is_refused(peer: Path, tmp_path: Path) -> None:
    peer.write_text(PEER.replace("1.0]", "-9.0 * len(text)]"))
    with pytest.raises(CannotMeasure, match="are not ours"):
        encode.compare(["one", "three"], home=tmp_path, weights=tmp_path, encoder=Lengths())


def test_a_peer_that_ends_early_is_no_measurement(peer: Path, tmp_path: Path) -> None:
    peer.write_text("")
    with pytest.raises(CannotMeasure, match="without an answer"):
        encode.compare(["one"], home=tmp_path, weights=tmp_path, encoder=Lengths())


def test_without_an_encoder_nothing_is_measured(tmp_path: Path) -> None:
    with pytest.raises(CannotMeasure, match="broadsheet encoder build"):
        encode.compare(["one"], home=tmp_path, weights=tmp_path)
