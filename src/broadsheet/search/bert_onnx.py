"""A BERT encoder as an ONNX graph, written straight from its weights, with pooling and norm inside; then as int8.

The model is that of Devlin et al. (2019), "BERT: Pre-training of Deep Bidirectional Transformers", with the mean
pooling of Reimers and Gurevych (2019), "Sentence-BERT". onnx and safetensors are imported only while building.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from broadsheet.lib.files import lock, sync
from broadsheet.lib.progress import Progress, silent
from broadsheet.search.choice import FIRST
from broadsheet.search.encoder import (
    CARD_FILE,
    MAX_LENGTH,
    MODEL_FILE,
    TITLE_SHARE,
    TOKENIZER_FILE,
    Card,
    OnnxEncoder,
    open_session,
    open_tokenizer,
    place,
)
from broadsheet.search.weights import FILES, EncoderError, WeightFile, complete, digest

if TYPE_CHECKING:
    from onnx import ModelProto

Tensors = Mapping[str, NDArray[Any]]
OPSET, IR_VERSION = 17, 8
FUSED = "com.microsoft"
LEAST_COSINE: Final = 0.99
RECIPE: Final = f"plain; norm({1 - TITLE_SHARE:g} (title. abstract) + {TITLE_SHARE:g} title)"
# Invented; of the lengths and kinds that the encoder meets: queries, titles, sentences and one abstract.
SAMPLES: Final = (
    "sparse attention",
    "protein folding with language models",
    "how do I train a small network on noisy labels?",
    "A Lower Bound for Online Scheduling on Two Unequal Machines",
    "Learning to Grasp Soft Fruit from Touch Alone",
    "We prove that every planar graph of girth six has such a colouring, and give an algorithm that finds it.",
    "The telescope saw no counterpart in the optical band, which rules out the brighter half of the models.",
    "Prices in the market fell after the rule was announced, but not in towns with a single bank.",
    "Speech recognition for languages with less than an hour of recordings remains hard.",
    "The error falls as 1/n for smooth functions and as the square root of that for the rest (Table 2).",
    "A compiler pass removes bounds checks in loops; programs run 4% faster and remain safe.",
    "Rivers carry the memory of last year's snow. We ask how much of the flow in late summer a model can foresee when "
    "it is given only the depth of snow in spring, and find that a linear model with three inputs does as well as a "
    "deep network trained on forty years of data. The gap between them opens only in catchments with large reservoirs, "
    "where the operator's decisions matter more than the weather. Code and the cleaned series are released.",
)


@dataclass(frozen=True, slots=True)
class Plan:
    """How an encoder is made of its weights: what `Card` tells of it, and the part of its id that names the model."""

    model: str = "minilm-l6-v2"
    precision: str = "int8"
    pooling: str = "mean"
    max_length: int = MAX_LENGTH
    query_prefix: str = ""
    paper_prefix: str = ""

    def id(self, sha256: str) -> str:
        """Name everything a vector depends on: model, weights, precision, length, pooling and the recipe for texts."""
        precision = "int8-channel" if self.precision == "int8" else self.precision
        parts = [self.model, sha256[:12], precision, str(self.max_length), "plain", f"title{TITLE_SHARE * 100:.0f}"]
        if self.pooling != "mean":
            parts.append(self.pooling)
        if self.query_prefix or self.paper_prefix:
            told = hashlib.sha256(f"{self.query_prefix}\0{self.paper_prefix}".encode()).hexdigest()
            parts.append(f"prefix-{told[:8]}")
        return ":".join(parts)


@dataclass(frozen=True, slots=True)
class BertConfig:
    """The shape of a BERT model: blocks, attention heads, vector width, and the epsilon of its layer norms."""

    layers: int
    heads: int
    dim: int
    epsilon: float

    @classmethod
    def read(cls, path: Path) -> "BertConfig":
        """Read the publisher's config.json. Raises EncoderError where it is not a BERT with the exact GELU."""
        try:
            said = json.loads(path.read_text(encoding="utf-8"))
            if said["model_type"] != "bert" or said["hidden_act"] != "gelu":
                raise EncoderError(f"{path} describes a {said['model_type']} with {said['hidden_act']}, not a BERT")
            return cls(
                said["num_hidden_layers"], said["num_attention_heads"], said["hidden_size"], said["layer_norm_eps"]
            )
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise EncoderError(f"{path} cannot be read as the description of a BERT model") from error


def read_tensors(path: Path) -> dict[str, NDArray[Any]]:
    """Read the named float32 tensors of a safetensors file. Raises EncoderError."""
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        found = load_file(path)
    except (OSError, SafetensorError, TypeError, KeyError) as error:
        raise EncoderError(f"{path} is not a safetensors file, or of a kind of number that is not read here") from error
    # Some publish the whole model, in which the encoder is one part; some publish half precision.
    bare = {name.removeprefix("bert."): value for name, value in found.items()}
    return {name: value.astype(np.float32) if value.dtype == np.float16 else value for name, value in bare.items()}


class _Graph:
    """Nodes and constants of a graph while it is written; every step returns the name of its output."""

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.constants: list[Any] = []
        self.known: set[str] = set()

    def constant(self, name: str, value: NDArray[Any]) -> str:
        from onnx import numpy_helper

        if name not in self.known:
            self.known.add(name)
            self.constants.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def step(self, operator: str, *inputs: str, domain: str = "", outputs: int = 1, **attributes: Any) -> str:  # noqa: ANN401
        from onnx import helper

        name = f"{operator}_{len(self.nodes)}"
        names = [name if number == 0 else f"{name}_{number}" for number in range(outputs)]
        self.nodes.append(helper.make_node(operator, inputs, names, name=name, domain=domain, **attributes))
        return name


def bert_graph(
    tensors: Tensors, config: BertConfig, *, small_words: bool = False, pooling: str = "mean"
) -> "ModelProto":
    """Write the ONNX graph of a BERT sentence encoder.

    Inputs `input_ids` and `attention_mask`, both (batch, length) int64; output `sentence_embedding`, (batch, dim)
    float32 rows of length 1. small_words: keep the word table as int8 with one scale per word, a quarter of its size.
    pooling: `mean` of the word pieces, or `cls`, the first one.
    Raises EncoderError where a tensor is missing.
    """
    graph = _Graph()
    try:
        hidden = _embed(graph, tensors, config, small_words)
        mask = graph.step("Cast", "attention_mask", to=6)  # int32, as the fused attention wants it
        for layer in range(config.layers):
            hidden = _block(graph, tensors, config, f"encoder.layer.{layer}", hidden, mask)
    except KeyError as error:
        raise EncoderError(f"the weights have no tensor {error}") from error
    _unit(graph, _mean(graph, hidden) if pooling == "mean" else _first(graph, hidden))
    return _model(graph, config)


def _embed(graph: _Graph, tensors: Tensors, config: BertConfig, small_words: bool) -> str:
    """Add word, position and type vectors and normalise them. All texts are of type 0, so that row is folded in."""
    words = tensors["embeddings.word_embeddings.weight"]
    if small_words:
        scale = np.maximum(np.abs(words).max(axis=1, keepdims=True) / 127, 1e-12).astype(np.float32)
        rows = graph.step(
            "Gather", graph.constant("words", np.rint(words / scale).astype(np.int8)), "input_ids", axis=0
        )
        scales = graph.step("Gather", graph.constant("word_scales", scale), "input_ids", axis=0)
        word = graph.step("Mul", graph.step("Cast", rows, to=1), scales)
    else:
        word = graph.step("Gather", graph.constant("words", words), "input_ids", axis=0)
    places = tensors["embeddings.position_embeddings.weight"] + tensors["embeddings.token_type_embeddings.weight"][0]
    length = graph.step("Shape", "input_ids", start=1, end=2)
    start, axis = graph.constant("zero", np.array([0])), graph.constant("axis_0", np.array([0]))
    place = graph.step("Slice", graph.constant("places", places), start, length, axis)
    return _norm(graph, tensors, config, "embeddings.LayerNorm", graph.step("Add", word, place))


def _block(graph: _Graph, tensors: Tensors, config: BertConfig, name: str, hidden: str, mask: str) -> str:
    """Write one transformer block with onnxruntime's fused operators."""
    parts = [f"{name}.attention.self.{part}" for part in ("query", "key", "value")]
    weight = np.concatenate([tensors[f"{part}.weight"].T for part in parts], axis=1)
    bias = np.concatenate([tensors[f"{part}.bias"] for part in parts])
    qkv = graph.constant(f"{name}.qkv.weight", weight), graph.constant(f"{name}.qkv.bias", bias)
    seen = graph.step("Attention", hidden, *qkv, mask, domain=FUSED, num_heads=config.heads)
    hidden = _add_and_norm(graph, tensors, config, f"{name}.attention.output", seen, hidden)
    wide = _matmul(graph, tensors, f"{name}.intermediate.dense", hidden)
    bias_name = graph.constant(f"{name}.wide.bias", tensors[f"{name}.intermediate.dense.bias"])
    wide = graph.step("BiasGelu", wide, bias_name, domain=FUSED)
    return _add_and_norm(graph, tensors, config, f"{name}.output", wide, hidden)


def _add_and_norm(graph: _Graph, tensors: Tensors, config: BertConfig, name: str, inner: str, hidden: str) -> str:
    """Project `inner`, add it to `hidden`, and normalise."""
    bias = graph.constant(f"{name}.dense.bias", tensors[f"{name}.dense.bias"])
    projected = graph.step("Add", _matmul(graph, tensors, f"{name}.dense", inner), bias)
    return _norm(graph, tensors, config, f"{name}.LayerNorm", graph.step("Add", projected, hidden))


def _norm(graph: _Graph, tensors: Tensors, config: BertConfig, name: str, hidden: str) -> str:
    # Written plainly and kept so (`encoder.open_session`): onnxruntime's fused form is the slower one on a CPU.
    parts = [graph.constant(f"{name}.{part}", tensors[f"{name}.{part}"]) for part in ("weight", "bias")]
    return graph.step("LayerNormalization", hidden, *parts, axis=-1, epsilon=config.epsilon)


def _matmul(graph: _Graph, tensors: Tensors, name: str, hidden: str) -> str:
    return graph.step("MatMul", hidden, graph.constant(f"{name}.weight", tensors[f"{name}.weight"].T))


def _mean(graph: _Graph, hidden: str) -> str:
    """Average the word pieces that are not padding."""
    last, middle = graph.constant("axis_last", np.array([-1])), graph.constant("axis_1", np.array([1]))
    mask = graph.step("Unsqueeze", graph.step("Cast", "attention_mask", to=1), last)
    total = graph.step("ReduceSum", graph.step("Mul", hidden, mask), middle, keepdims=0)
    return graph.step("Div", total, graph.step("ReduceSum", mask, middle, keepdims=0))


def _first(graph: _Graph, hidden: str) -> str:
    """Take the first word piece, which stands for the text."""
    return graph.step("Gather", hidden, graph.constant("first", np.array(0)), axis=1)


def _unit(graph: _Graph, pooled: str) -> None:
    """Scale to length 1 and make that the output."""
    from onnx import helper

    length = graph.step("ReduceL2", pooled, axes=[-1], keepdims=1)
    length = graph.step("Max", length, graph.constant("tiny", np.array(1e-12, dtype=np.float32)))
    graph.nodes.append(helper.make_node("Div", [pooled, length], ["sentence_embedding"], name="unit"))


def _model(graph: _Graph, config: BertConfig) -> "ModelProto":
    from onnx import TensorProto, helper

    inputs = [
        helper.make_tensor_value_info(name, TensorProto.INT64, ["batch", "length"])
        for name in ("input_ids", "attention_mask")
    ]
    output = helper.make_tensor_value_info("sentence_embedding", TensorProto.FLOAT, ["batch", config.dim])
    body = helper.make_graph(graph.nodes, "bert", inputs, [output], graph.constants)
    opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid(FUSED, 1)]
    model = helper.make_model(body, opset_imports=opsets, producer_name="broadsheet")
    model.ir_version = IR_VERSION
    return model


def quantise(model: "ModelProto", path: Path) -> None:
    """Write the model to `path` with its matrices as int8, one scale per output column.

    One scale per matrix, the default of onnxruntime, costs a cosine of .05.
    """
    from onnx import TensorProto, helper
    from onnxruntime.quantization import QuantType, quantize_dynamic

    # Says that there is nothing to prepare; without it the quantiser logs a warning about a step we do not need.
    helper.set_model_props(model, {"onnx.quant.pre_process": "onnxruntime.quant"})
    quantize_dynamic(
        model,
        path,
        op_types_to_quantize=["MatMul", "Attention"],
        weight_type=QuantType.QInt8,
        per_channel=True,
        extra_options={"DefaultTensorType": TensorProto.FLOAT},
    )


def build(
    home: Path,
    weights: Path,
    progress: Progress = silent,
    files: Sequence[WeightFile] = FILES,
    name: str = FIRST,
    plan: Plan = Plan(),
) -> Path:
    """Build the encoder from the published files in the directory `weights` and return its directory under `home`.

    Takes seconds. The directory appears whole or not at all; one that is there and fits this program is kept.
    Raises EncoderError where the weights are not the published ones, or int8 came out too far from fp32.
    """
    if not complete(weights, tuple(files)):
        raise EncoderError(f"{weights} does not hold the published files")
    return build_pinned(home, weights, {file.name: file.sha256 for file in files}, name, plan, progress)


def build_pinned(
    home: Path,
    weights: Path,
    sums: Mapping[str, str],
    name: str,
    plan: Plan,
    progress: Progress = silent,
    check: Callable[[Path], object] = Card.read,
) -> Path:
    """Build an encoder whose weights have the given sums, SHA-256 (hex) by file. The rest is as in `build`.

    check: sees the finished directory before it is put in place, and raises EncoderError where it must not be.
    """
    target = place(home, name)
    id = plan.id(sums["model.safetensors"])
    try:
        with lock(target.parent / ".lock"):
            if not _is_sound(target, id):
                staging = target.parent / f".{name}.building"
                shutil.rmtree(staging, ignore_errors=True)
                staging.mkdir()
                _build_in(staging, weights, id, plan, sums, progress)
                check(staging)
                put_in_place(staging, target)
    except OSError as error:
        raise EncoderError(f"the encoder cannot be kept in {target}: {error}") from error
    return target


def _is_sound(directory: Path, id: str) -> bool:
    """Tell whether the encoder of this id is there and undamaged."""
    try:
        return OnnxEncoder.load(directory).id == id
    except EncoderError:
        return False


def _build_in(
    directory: Path, weights: Path, id: str, plan: Plan, pinned: Mapping[str, str], progress: Progress
) -> None:
    steps = 4
    config = BertConfig.read(weights / "config.json")
    tensors = read_tensors(weights / "model.safetensors")
    shutil.copyfile(weights / TOKENIZER_FILE, directory / TOKENIZER_FILE)
    progress(1, steps)
    exact = bert_graph(tensors, config, pooling=plan.pooling)
    if plan.precision == "int8":
        quantise(bert_graph(tensors, config, small_words=True, pooling=plan.pooling), directory / MODEL_FILE)
    else:
        (directory / MODEL_FILE).write_bytes(exact.SerializeToString())
    progress(2, steps)
    cosine = self_test(exact, config.dim, directory, plan.max_length)
    progress(3, steps)
    if not cosine >= LEAST_COSINE:
        raise EncoderError(f"the int8 encoder is too far from fp32 on this machine: cosine {cosine:.4f}")
    sums = {name: digest(directory / name) for name in (MODEL_FILE, TOKENIZER_FILE)}
    Card(
        id,
        config.dim,
        plan.max_length,
        RECIPE,
        sums,
        round(cosine, 5),
        precision=plan.precision,
        pooling=plan.pooling,
        weights=dict(pinned),
        query_prefix=plan.query_prefix,
        paper_prefix=plan.paper_prefix,
    ).write(directory)
    progress(steps, steps)


def self_test(exact: "ModelProto", dim: int, directory: Path, max_length: int = MAX_LENGTH) -> float:
    """Give the mean cosine between the model in `directory` and the graph in fp32, over a dozen invented texts."""
    tokenizer = open_tokenizer(directory / TOKENIZER_FILE, max_length)
    sessions = (open_session(exact.SerializeToString()), open_session(directory / MODEL_FILE))
    vectors = [OnnxEncoder(session, tokenizer, "", dim).encode(SAMPLES) for session in sessions]
    return float(np.mean(np.sum(vectors[0] * vectors[1], axis=1)))


def put_in_place(staging: Path, target: Path) -> None:
    """Rename the finished directory into place. A kill in between leaves no encoder, never half of one."""
    for name in (MODEL_FILE, TOKENIZER_FILE, CARD_FILE):
        with (staging / name).open("rb+") as stream:
            os.fsync(stream.fileno())
    sync(staging)
    old = target.parent / f".{target.name}.old"
    shutil.rmtree(old, ignore_errors=True)
    if target.exists():
        target.rename(old)
    staging.rename(target)
    sync(target.parent)
    shutil.rmtree(old, ignore_errors=True)
