import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from broadsheet.search import bring
from broadsheet.search.bert_onnx import BertConfig, bert_graph, build
from broadsheet.search.bring import Wanted
from broadsheet.search.choice import Choice, choosing, name_in_use, shard_place
from broadsheet.search.encoder import CARD_FILE, Card, OnnxEncoder, find, open_session, place
from broadsheet.search.tests import encoder_tiny as tiny
from broadsheet.search.tests.test_bert_onnx import TEXTS, run
from broadsheet.search.weights import EncoderError

NARROW = BertConfig(layers=1, heads=2, dim=32, epsilon=1e-12)
FP32 = Wanted(precision="fp32")


@pytest.fixture
def model(tmp_path: Path) -> Path:
    tiny.write(tmp_path / "model", shape=NARROW)
    return tmp_path / "model"


def brought(home: Path, model: Path, name: str = "narrow", wanted: Wanted = Wanted()) -> OnnxEncoder:  # noqa: B008
    bring.bring(home, model, name, wanted)
    found = find(home, name)
    assert found is not None
    return found


def test_a_model_is_brought_in_with_its_own_width_and_the_sums_of_its_weights(tmp_path: Path, model: Path) -> None:
    encoder = brought(tmp_path, model)
    card = Card.read(place(tmp_path, "narrow"))
    assert encoder.dim == card.dim == 32 and encoder.id == card.id
    assert card.id == f"bert-1x32:{card.weights['model.safetensors'][:12]}:int8-channel:256:plain:title15"
    assert set(card.weights) == set(bring.NEEDED) and card.cosine >= 0.99


def test_in_fp32_nothing_is_lost(tmp_path: Path, model: Path) -> None:
    encoder = brought(tmp_path, model, wanted=FP32)
    exact = bert_graph(tiny.tensors(NARROW), NARROW).SerializeToString()
    whole = OnnxEncoder(open_session(exact), encoder._tokenizer, "", 32)
    texts = ["rivers and snow", "a graph of soft losses"]
    assert np.array_equal(encoder.encode(texts), whole.encode(texts)) and ":fp32:" in encoder.id


def test_the_first_word_piece_can_stand_for_the_text() -> None:
    # With its head cut off, the graph gives the rows that are pooled.
    graph = bert_graph(tiny.tensors(), tiny.CONFIG, pooling="cls").SerializeToString()
    alone = run(graph, [TEXTS[0]])
    padded = run(graph, [TEXTS[0], TEXTS[2]])
    assert np.abs(alone[0] - padded[0]).max() < 2e-6
    mean = run(bert_graph(tiny.tensors(), tiny.CONFIG).SerializeToString(), [TEXTS[0]])
    assert np.abs(alone - mean).max() > 0.01


def test_what_the_files_of_sentence_transformers_say_is_followed(tmp_path: Path, model: Path) -> None:
    (model / "1_Pooling").mkdir()
    (model / "1_Pooling" / "config.json").write_text(
        json.dumps({"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": False, "word_embedding_dimension": 32})
    )
    (model / "sentence_bert_config.json").write_text(json.dumps({"max_seq_length": 64}))
    prompts = {"prompts": {"query": "snow: ", "document": "rivers: "}}
    (model / "config_sentence_transformers.json").write_text(json.dumps(prompts))
    encoder = brought(tmp_path, model)
    card = Card.read(place(tmp_path, "narrow"))
    assert (card.pooling, card.max_length, card.query_prefix, card.paper_prefix) == ("cls", 64, "snow: ", "rivers: ")
    assert ":64:" in card.id and ":cls:" in card.id and ":prefix-" in card.id
    bare = OnnxEncoder.opened(place(tmp_path, "narrow"), card, encoder._session)
    bare.query_prefix = bare.paper_prefix = ""
    assert np.array_equal(encoder.encode(["a graph"]), bare.encode(["snow: a graph"]))
    assert np.array_equal(encoder.encode_papers([("a graph", "")]), bare.encode(["rivers: a graph"]))


@pytest.mark.parametrize(
    ("file", "text", "said"),
    [
        ("modules.json", '[{"type": "sentence_transformers.models.Dense"}]', "dense layer"),
        ("1_Pooling/config.json", '{"pooling_mode_max_tokens": true}', "only the mean"),
        ("config.json", '{"model_type": "roberta", "hidden_act": "gelu"}', "not a BERT"),
        ("tokenizer.json", "{}", "not a tokenizer"),
        ("sentence_bert_config.json", '{"max_seq_length": 5000}', "at most 512"),
        ("sentence_bert_config.json", "[]", "does not hold"),
        ("model.safetensors", "nothing", "safetensors"),
    ],
)
def test_a_model_that_cannot_be_computed_is_refused(
    tmp_path: Path, model: Path, file: str, text: str, said: str
) -> None:
    (model / file).parent.mkdir(exist_ok=True)
    (model / file).write_text(text)
    with pytest.raises(EncoderError, match=said):
        bring.bring(tmp_path, model, "narrow", Wanted())
    assert bring.names(tmp_path) == []


def test_a_directory_without_a_model_says_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(EncoderError, match=r"no config.json, no tokenizer.json"):
        bring.bring(tmp_path, tmp_path, "narrow", Wanted())


@pytest.mark.parametrize("name", ["auto", "none", "choice.json", "../up", "A", "", "x" * 41])
def test_names_that_would_be_taken_for_something_else_are_refused(tmp_path: Path, model: Path, name: str) -> None:
    with pytest.raises(EncoderError, match="no name for an encoder"):
        bring.bring(tmp_path, model, name, Wanted())


def test_other_weights_under_the_same_name_are_refused(tmp_path: Path, model: Path) -> None:
    first = brought(tmp_path, model).id
    assert brought(tmp_path, model).id == first
    tiny.write(model, tiny.tensors(NARROW, seed=8), NARROW)
    with pytest.raises(EncoderError, match="another encoder here"):
        bring.bring(tmp_path, model, "narrow", Wanted())
    assert brought(tmp_path, model, "other").id != first


def test_one_encoder_has_one_name(tmp_path: Path, model: Path) -> None:
    brought(tmp_path, model)
    with pytest.raises(EncoderError, match="here already, as narrow"):
        bring.bring(tmp_path, model, "again", Wanted())
    assert brought(tmp_path, model, "again", FP32).id


def test_a_ready_encoder_comes_in_with_its_card(tmp_path: Path, model: Path) -> None:
    there = brought(tmp_path / "there", model)
    ready = place(tmp_path / "there", "narrow")
    here = brought(tmp_path / "here", ready, "mine")
    assert here.id == there.id
    assert np.array_equal(here.encode(["rivers"]), there.encode(["rivers"]))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"sums": {}}, "does not pin"),
        ({"dim": 16}, "cannot encode"),
        ({"sums": {"model.onnx": "0", "tokenizer.json": "0"}}, "damaged"),
    ],
)
def test_a_ready_encoder_whose_card_is_not_true_is_refused(
    tmp_path: Path, model: Path, change: dict[str, object], said: str
) -> None:
    brought(tmp_path / "there", model)
    card = place(tmp_path / "there", "narrow") / CARD_FILE
    card.write_text(json.dumps({**json.loads(card.read_text()), **change}))
    with pytest.raises(EncoderError, match=said):
        bring.bring(tmp_path / "here", card.parent, "mine", Wanted())
    assert bring.names(tmp_path / "here") == []


def test_a_graph_that_looks_at_nothing_is_refused(tmp_path: Path, model: Path) -> None:
    flat = {name: np.zeros_like(value) for name, value in tiny.tensors(NARROW).items()}
    flat["embeddings.LayerNorm.bias"] += 1
    flat["encoder.layer.0.output.LayerNorm.bias"] += 1
    tiny.write(model, flat, NARROW)
    with pytest.raises(EncoderError, match="same vector"):
        bring.bring(tmp_path, model, "flat", FP32)
    assert bring.names(tmp_path) == []


def test_a_model_whose_tensors_stand_under_bert_and_in_half_precision_is_read(tmp_path: Path, model: Path) -> None:
    from safetensors.numpy import save_file

    whole = {f"bert.{name}": value.astype(np.float16) for name, value in tiny.tensors(NARROW).items()}
    save_file({**whole, "cls.bias": np.zeros(2, np.float16)}, model / "model.safetensors")
    assert brought(tmp_path, model).dim == 32


def test_the_card_of_an_encoder_built_before_is_still_read(tmp_path: Path) -> None:
    target = build(tmp_path, tmp_path / "weights", files=tiny.write(tmp_path / "weights"))
    said = json.loads((target / CARD_FILE).read_text())
    for later in ("precision", "pooling", "weights", "query_prefix", "paper_prefix"):
        del said[later]
    (target / CARD_FILE).write_text(json.dumps(said))
    assert Card.read(target).precision == "int8" and find(tmp_path) is not None


def test_without_a_choice_the_first_encoder_answers(tmp_path: Path) -> None:
    assert name_in_use(tmp_path) == "minilm-int8" and name_in_use(tmp_path, "none") == "none"
    (tmp_path / "encoders").mkdir()
    (tmp_path / "encoders" / "choice.json").write_text("{")
    assert name_in_use(tmp_path) == "minilm-int8"


def test_a_choice_is_kept_and_a_setting_counts_more(tmp_path: Path) -> None:
    with choosing(tmp_path) as choice:
        Choice("narrow", choice.with_coming("other").with_coming("other").coming).write(tmp_path)
    assert Choice.read(tmp_path) == Choice("narrow", ("other",))
    assert name_in_use(tmp_path) == "narrow" and name_in_use(tmp_path, "minilm-int8") == "minilm-int8"
    assert place(tmp_path, "auto") == place(tmp_path, "narrow")
    assert shard_place(tmp_path, "minilm-int8") != shard_place(tmp_path, "narrow")
    shutil.rmtree(tmp_path / "encoders")
    assert Choice.read(tmp_path) == Choice()
