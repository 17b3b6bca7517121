import threading
from pathlib import Path

import numpy as np
import pytest

from broadsheet.search.bert_onnx import build
from broadsheet.search.encoder import CARD_FILE, OnnxEncoder, find, is_built
from broadsheet.search.tests import encoder_tiny as tiny
from broadsheet.search.types import Encoder
from broadsheet.search.weights import EncoderError


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("home")
    build(root, root / "weights", files=tiny.write(root / "weights"))
    return root


@pytest.fixture(scope="module")
def encoder(home: Path) -> OnnxEncoder:
    found = find(home)
    assert found is not None
    return found


@pytest.fixture
def damaged(home: Path, tmp_path: Path) -> Path:
    """A copy of the built encoder that a test may harm."""
    copy = tmp_path / "encoders" / "minilm-int8"
    copy.mkdir(parents=True)
    for file in (home / "encoders" / "minilm-int8").iterdir():
        (copy / file.name).write_bytes(file.read_bytes())
    return copy


def test_it_is_an_encoder(encoder: OnnxEncoder) -> None:
    kept: Encoder = encoder
    assert kept.dim == 64 and kept.id


def test_rows_have_length_one_and_stand_in_the_order_of_the_texts(encoder: OnnxEncoder) -> None:
    texts = ["rivers and snow", "a", "a graph of soft losses", ""]
    found = encoder.encode(texts)
    assert found.shape == (4, 64) and found.dtype == np.float32
    assert np.allclose(np.linalg.norm(found, axis=1), 1, atol=1e-5)
    for text, row in zip(texts, found, strict=True):
        assert np.array_equal(encoder.encode([text])[0], row)


def test_no_texts_give_no_rows(encoder: OnnxEncoder) -> None:
    assert encoder.encode([]).shape == (0, 64)
    assert encoder.encode_papers([]).shape == (0, 64)


def test_threads_change_the_time_and_nothing_else(home: Path, encoder: OnnxEncoder) -> None:
    papers = [(f"rivers {'and snow ' * (n % 5)}", "a graph " * (n % 7)) for n in range(70)]
    many = find(home, threads=3)
    assert many is not None
    told: list[tuple[int, int | None]] = []
    found = many.encode_papers(papers, lambda done, total=None: told.append((done, total)))
    assert np.array_equal(found, encoder.encode_papers(papers))
    assert told == [(16, 70), (32, 70), (48, 70), (64, 70), (70, 70)]
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("encoder")]


def test_a_paper_is_its_text_with_some_of_its_title(encoder: OnnxEncoder) -> None:
    both, title = encoder.encode(["Soft losses. rivers and a graph", "Soft losses"])
    wanted = 0.85 * both + 0.15 * title
    found = encoder.encode_papers([("Soft losses", "rivers and a graph")])[0]
    assert np.allclose(found, wanted / np.linalg.norm(wanted), atol=1e-6)


def test_a_paper_without_abstract_is_its_title_and_the_other_way_round(encoder: OnnxEncoder) -> None:
    found = encoder.encode_papers([("Soft losses", " "), ("", "Soft losses")])
    assert np.array_equal(found, encoder.encode(["Soft losses", "Soft losses"]))


def test_tex_is_read_as_its_words(encoder: OnnxEncoder) -> None:
    raw, plain = encoder.encode([r"\emph{Soft} losses of a ${\rm graph}$", "Soft losses of a graph"])
    assert np.array_equal(raw, plain)


def test_only_the_first_256_word_pieces_count(encoder: OnnxEncoder) -> None:
    # 254 words and the two marks at the ends.
    whole, more, less = encoder.encode(["snow " * 254, "snow " * 254 + "rivers", "snow " * 253 + "rivers"])
    assert np.array_equal(whole, more)
    assert not np.array_equal(whole, less)


@pytest.mark.parametrize("text", ["\ud800 snow", "\x00", "💥" * 3000, "snow" * 500_000])
def test_odd_texts_get_a_vector_too(encoder: OnnxEncoder, text: str) -> None:
    assert np.isclose(np.linalg.norm(encoder.encode([text])[0]), 1, atol=1e-5)


def test_where_none_was_built_there_is_none(tmp_path: Path) -> None:
    assert find(tmp_path) is None
    assert not is_built(tmp_path)
    with pytest.raises(EncoderError, match="holds no encoder"):
        OnnxEncoder.load(tmp_path)


def test_a_damaged_model_is_refused_and_counts_as_none(damaged: Path, caplog: pytest.LogCaptureFixture) -> None:
    data = bytearray((damaged / "model.onnx").read_bytes())
    data[len(data) // 2] ^= 1
    (damaged / "model.onnx").write_bytes(data)
    with pytest.raises(EncoderError, match="damaged"):
        OnnxEncoder.load(damaged)
    assert find(damaged.parent.parent) is None
    assert "damaged" in caplog.text


def test_an_encoder_of_another_format_is_not_used(damaged: Path) -> None:
    card = (damaged / CARD_FILE).read_text()
    (damaged / CARD_FILE).write_text(card.replace('"format": 1', '"format": 0'))
    assert not is_built(damaged.parent.parent)
    with pytest.raises(EncoderError, match="build it again"):
        OnnxEncoder.load(damaged)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"id": "x"}'])
def test_a_card_that_cannot_be_read_is_no_encoder(damaged: Path, text: str) -> None:
    (damaged / CARD_FILE).write_text(text)
    assert find(damaged.parent.parent) is None
