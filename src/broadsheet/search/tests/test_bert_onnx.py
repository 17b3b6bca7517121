import math
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from broadsheet.search import bert_onnx
from broadsheet.search.bert_onnx import BertConfig, bert_graph, build, quantise, read_tensors
from broadsheet.search.encoder import Card, find, is_built, open_session, place
from broadsheet.search.tests import encoder_tiny as tiny
from broadsheet.search.weights import EncoderError

Array = NDArray[np.float64]


def oracle(tensors: dict[str, NDArray[np.float32]], config: BertConfig, ids: list[int]) -> Array:
    """BERT for one text, written from the paper in plain float64: no batches, no padding, no fused steps."""
    t = {name: value.astype(np.float64) for name, value in tensors.items()}

    def norm(x: Array, name: str) -> Array:
        centred = x - x.mean(-1, keepdims=True)
        spread = np.sqrt((centred**2).mean(-1, keepdims=True) + config.epsilon)
        return np.asarray(centred / spread * t[f"{name}.weight"] + t[f"{name}.bias"])

    def dense(x: Array, name: str) -> Array:
        return np.asarray(x @ t[f"{name}.weight"].T + t[f"{name}.bias"])

    places = range(len(ids))
    x = np.array([t["embeddings.word_embeddings.weight"][i] for i in ids])
    x = x + np.array([t["embeddings.position_embeddings.weight"][p] for p in places])
    x = norm(x + t["embeddings.token_type_embeddings.weight"][0], "embeddings.LayerNorm")
    size = config.dim // config.heads
    for layer in range(config.layers):
        name = f"encoder.layer.{layer}"
        q, k, v = (dense(x, f"{name}.attention.self.{part}") for part in ("query", "key", "value"))
        seen = np.zeros_like(x)
        for head in range(config.heads):
            part = slice(head * size, (head + 1) * size)
            for row in places:
                scores = np.array([q[row, part] @ k[other, part] for other in places]) / math.sqrt(size)
                weights = np.exp(scores - scores.max())
                seen[row, part] = (weights / weights.sum()) @ v[:, part]
        x = norm(dense(seen, f"{name}.attention.output.dense") + x, f"{name}.attention.output.LayerNorm")
        wide = dense(x, f"{name}.intermediate.dense")
        wide = wide * 0.5 * (1 + np.vectorize(math.erf)(wide / math.sqrt(2)))
        x = norm(dense(wide, f"{name}.output.dense") + x, f"{name}.output.LayerNorm")
    mean = x.mean(0)
    return np.asarray(mean / np.linalg.norm(mean))


def run(model: Path | bytes, ids: list[list[int]]) -> NDArray[np.float32]:
    length = max(map(len, ids))
    pieces = np.array([row + [0] * (length - len(row)) for row in ids])
    mask = np.array([[1] * len(row) + [0] * (length - len(row)) for row in ids])
    found = open_session(model).run(None, {"input_ids": pieces, "attention_mask": mask})[0]
    return np.asarray(found)


TEXTS = [[2, 4, 5, 6, 3], [2, 12, 3], [2, 7, 8, 9, 11, 10, 6, 12, 1, 3]]


def test_the_graph_computes_what_bert_computes_whatever_the_padding() -> None:
    tensors = tiny.tensors()
    found = run(bert_graph(tensors, tiny.CONFIG).SerializeToString(), TEXTS)
    wanted = np.array([oracle(tensors, tiny.CONFIG, ids) for ids in TEXTS])
    assert np.abs(found - wanted).max() < 2e-6


def test_the_small_word_table_stays_near_the_exact_one() -> None:
    tensors = tiny.tensors()
    found = run(bert_graph(tensors, tiny.CONFIG, small_words=True).SerializeToString(), TEXTS)
    wanted = np.array([oracle(tensors, tiny.CONFIG, ids) for ids in TEXTS])
    assert np.sum(found * wanted, axis=1).min() > 0.9995


def test_every_matrix_has_one_scale_per_output_column(tmp_path: Path) -> None:
    import onnx
    from onnx import numpy_helper

    quantise(bert_graph(tiny.tensors(), tiny.CONFIG, small_words=True), tmp_path / "model.onnx")
    graph = onnx.load(tmp_path / "model.onnx").graph
    constants = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    operators = [node.op_type for node in graph.node]
    assert operators.count("QAttention") == 2
    assert operators.count("MatMulInteger") == 6
    assert "MatMul" not in operators and "Attention" not in operators
    matrices = {name: value for name, value in constants.items() if name.endswith("weight_quantized")}
    assert len(matrices) == 8
    for name, value in matrices.items():
        assert value.dtype == np.int8
        assert constants[name.replace("_quantized", "_scale")].shape == (value.shape[1],)


def test_the_int8_graph_stays_near_the_oracle(tmp_path: Path) -> None:
    tensors = tiny.tensors()
    quantise(bert_graph(tensors, tiny.CONFIG, small_words=True), tmp_path / "model.onnx")
    found = np.concatenate([run(tmp_path / "model.onnx", [ids]) for ids in TEXTS])
    wanted = np.array([oracle(tensors, tiny.CONFIG, ids) for ids in TEXTS])
    assert np.sum(found * wanted, axis=1).mean() > 0.99


def test_a_missing_tensor_is_named() -> None:
    tensors = tiny.tensors()
    del tensors["encoder.layer.1.output.dense.bias"]
    with pytest.raises(EncoderError, match=r"encoder\.layer\.1\.output\.dense\.bias"):
        bert_graph(tensors, tiny.CONFIG)


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"model_type": "gpt2", "hidden_act": "gelu"}'])
def test_a_config_of_another_model_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "config.json").write_text(text)
    with pytest.raises(EncoderError):
        BertConfig.read(tmp_path / "config.json")


def test_a_file_that_is_no_safetensors_is_refused(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").write_bytes(b"not tensors")
    with pytest.raises(EncoderError, match="safetensors"):
        read_tensors(tmp_path / "model.safetensors")


def test_building_leaves_a_whole_encoder_that_can_be_found(tmp_path: Path) -> None:
    files = tiny.write(tmp_path / "weights")
    steps: list[int] = []
    target = build(tmp_path, tmp_path / "weights", lambda done, total=None: steps.append(done), files)
    assert target == place(tmp_path, "minilm-int8")
    assert sorted(path.name for path in target.iterdir()) == ["encoder.json", "model.onnx", "tokenizer.json"]
    card = Card.read(target)
    assert card.cosine >= 0.99 and card.dim == 64
    assert card.id == f"minilm-l6-v2:{files[2].sha256[:12]}:int8-channel:256:plain:title15"
    assert steps == [1, 2, 3, 4]
    encoder = find(tmp_path)
    assert encoder is not None and encoder.id == card.id and encoder.dim == 64


def test_building_again_keeps_what_is_there(tmp_path: Path) -> None:
    files = tiny.write(tmp_path / "weights")
    target = build(tmp_path, tmp_path / "weights", files=files)
    before = (target / "model.onnx").stat().st_ino
    build(tmp_path, tmp_path / "weights", files=files)
    assert (target / "model.onnx").stat().st_ino == before


def test_building_again_mends_what_was_damaged(tmp_path: Path) -> None:
    files = tiny.write(tmp_path / "weights")
    target = build(tmp_path, tmp_path / "weights", files=files)
    (target / "model.onnx").write_bytes(b"damaged")
    assert find(tmp_path) is None
    build(tmp_path, tmp_path / "weights", files=files)
    assert find(tmp_path) is not None


def test_other_weights_replace_the_encoder(tmp_path: Path) -> None:
    first = Card.read(build(tmp_path, tmp_path / "one", files=tiny.write(tmp_path / "one"))).id
    files = tiny.write(tmp_path / "two", tiny.tensors(seed=8))
    assert Card.read(build(tmp_path, tmp_path / "two", files=files)).id != first
    assert sorted(path.name for path in (tmp_path / "encoders").iterdir()) == [".lock", "minilm-int8"]


def test_weights_that_are_not_the_published_ones_are_refused(tmp_path: Path) -> None:
    tiny.write(tmp_path / "weights")
    with pytest.raises(EncoderError, match="does not hold the published files"):
        build(tmp_path, tmp_path / "weights")
    assert not is_built(tmp_path)


def test_an_encoder_too_far_from_fp32_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = tiny.write(tmp_path / "weights")
    monkeypatch.setattr(bert_onnx, "LEAST_COSINE", 1.1)
    with pytest.raises(EncoderError, match="too far from fp32"):
        build(tmp_path, tmp_path / "weights", files=files)
    assert not is_built(tmp_path)


def test_what_a_killed_build_left_is_no_encoder_and_does_not_hinder_the_next(tmp_path: Path) -> None:
    files = tiny.write(tmp_path / "weights")

    class Killed(BaseException):
        pass

    for step in (1, 2, 3, 4):

        def kill(done: int, total: int | None = None, step: int = step) -> None:
            if done == step:
                raise Killed

        with pytest.raises(Killed):
            build(tmp_path, tmp_path / "weights", kill, files)
        assert not is_built(tmp_path) and find(tmp_path) is None
    assert is_built(tmp_path) is False
    build(tmp_path, tmp_path / "weights", files=files)
    assert is_built(tmp_path)
