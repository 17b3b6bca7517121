"""Batches are tried on the processor; what a GPU adds is the provider that runs the same graph."""

from pathlib import Path

import numpy as np
import pytest

from broadsheet.search import bring, encoder_gpu
from broadsheet.search.bring import Wanted
from broadsheet.search.encoder import MODEL_FILE, Card, OnnxEncoder, find, open_session, place
from broadsheet.search.encoder_gpu import BatchedEncoder, agreed, batches
from broadsheet.search.tests import encoder_tiny as tiny

PAPERS = [(f"rivers {'and snow ' * (n % 5)}", "a graph " * (n * 7 % 40)) for n in range(60)] + [("", ""), ("a", "")]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("home")
    tiny.write(root / "model")
    bring.bring(root, root / "model", "exact", Wanted(precision="fp32"))
    return root


def batched(home: Path) -> BatchedEncoder:
    directory = place(home, "exact")
    return BatchedEncoder.opened(directory, Card.read(directory), open_session(directory / MODEL_FILE))


def one_by_one(home: Path) -> OnnxEncoder:
    found = find(home, "exact")
    assert found is not None
    return found


@pytest.mark.parametrize("budget", [1, 300, 65_536])
def test_batches_change_the_time_and_not_the_vectors(home: Path, budget: int) -> None:
    encoder = batched(home)
    encoder.budget = budget
    assert np.abs(encoder.encode_papers(PAPERS) - one_by_one(home).encode_papers(PAPERS)).max() < 2e-6
    texts = [title for title, _ in PAPERS]
    assert np.abs(encoder.encode(texts) - one_by_one(home).encode(texts)).max() < 2e-6


def test_more_papers_than_are_sorted_together_keep_their_places(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encoder_gpu, "SORTED", 16)
    told: list[int] = []
    found = batched(home).encode_papers(PAPERS, lambda done, total=None: told.append(done))
    assert np.abs(found - one_by_one(home).encode_papers(PAPERS)).max() < 2e-6
    assert told == [8, 16, 24, 32, 40, 48, 56, 62]
    assert batched(home).encode([]).shape == batched(home).encode_papers([]).shape == (0, 64)


def test_a_batch_holds_texts_of_like_length_within_its_budget() -> None:
    lengths = np.random.default_rng(3).integers(2, 257, 500).tolist()
    found = list(batches(lengths, 1024))
    assert sorted(number for batch in found for number in batch) == list(range(500))
    assert all(len(batch) * max(lengths[number] for number in batch) <= 1024 for batch in found)
    padded = sum(len(batch) * max(lengths[number] for number in batch) for batch in found)
    assert padded < 1.1 * sum(lengths)
    assert list(batches([2000, 3], 1024)) == [[1], [0]] and list(batches([], 5)) == []


def test_a_gpu_that_computes_something_else_is_not_used(home: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert agreed(batched(home), one_by_one(home)) is not None

    class Broken(BatchedEncoder):
        def encode_papers(self, papers: object, progress: object = None) -> np.ndarray:
            return np.full((3, 64), 1 / 8, dtype=np.float32)

    directory = place(home, "exact")
    broken = Broken.opened(directory, Card.read(directory), None)
    assert agreed(broken, one_by_one(home)) is None
    assert "not the processor's" in caplog.text


def test_without_a_gpu_and_for_int8_the_processor_encodes(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encoder_gpu, "_has_cuda", lambda: False)
    assert encoder_gpu.find(home, "exact") is None
    monkeypatch.setattr(encoder_gpu, "_has_cuda", lambda: True)
    bring.bring(home, home / "model", "small", Wanted())
    assert encoder_gpu.find(home, "small") is None and encoder_gpu.find(home, "nobody") is None


def test_where_there_is_a_gpu_an_encoder_in_fp32_goes_there(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encoder_gpu, "_has_cuda", lambda: True)
    monkeypatch.setattr(encoder_gpu, "_open", open_session)
    found = encoder_gpu.find(home, "exact")
    assert isinstance(found, BatchedEncoder) and found.id == one_by_one(home).id
    monkeypatch.setattr(encoder_gpu, "_open", lambda model: None)
    assert encoder_gpu.find(home, "exact") is None
