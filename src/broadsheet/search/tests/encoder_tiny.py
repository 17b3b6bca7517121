"""A BERT of two small blocks with random weights: files like the publisher's, made in milliseconds."""

import hashlib
import json
import shutil
import tempfile
from functools import cache
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from broadsheet.search import bert_onnx
from broadsheet.search.bert_onnx import BertConfig
from broadsheet.search.weights import WeightFile

WORDS: Final = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "a", "graph", "of", "soft", "loss", "##es", "rivers", "and", "snow")
CONFIG: Final = BertConfig(layers=2, heads=4, dim=64, epsilon=1e-12)


def tensors(config: BertConfig = CONFIG, seed: int = 7, positions: int = 512) -> dict[str, NDArray[np.float32]]:
    rng = np.random.default_rng(seed)

    def normal(*shape: int) -> NDArray[np.float32]:
        return rng.normal(0, 0.3, shape).astype(np.float32)

    dim, wide = config.dim, 4 * config.dim
    found = {
        "embeddings.word_embeddings.weight": normal(len(WORDS), dim),
        "embeddings.position_embeddings.weight": normal(positions, dim),
        "embeddings.token_type_embeddings.weight": normal(2, dim),
        "embeddings.LayerNorm.weight": 1 + normal(dim),
        "embeddings.LayerNorm.bias": normal(dim),
    }
    for layer in range(config.layers):
        name = f"encoder.layer.{layer}"
        for part, (out, inner) in {
            "attention.self.query": (dim, dim),
            "attention.self.key": (dim, dim),
            "attention.self.value": (dim, dim),
            "attention.output.dense": (dim, dim),
            "intermediate.dense": (wide, dim),
            "output.dense": (dim, wide),
        }.items():
            found[f"{name}.{part}.weight"] = normal(out, inner)
            found[f"{name}.{part}.bias"] = normal(out)
        for part in ("attention.output.LayerNorm", "output.LayerNorm"):
            found[f"{name}.{part}.weight"] = 1 + normal(dim)
            found[f"{name}.{part}.bias"] = normal(dim)
    return found


@cache
def _built() -> tempfile.TemporaryDirectory[str]:
    folder = tempfile.TemporaryDirectory(prefix="broadsheet-tiny-")
    home = Path(folder.name)
    bert_onnx.build(home, home / "weights", files=write(home / "weights"))
    return folder


def give(home: Path) -> None:
    """Put the default encoder into a home, built of tiny weights. It is built once in a process."""
    shutil.copytree(_built().name, home, dirs_exist_ok=True)


def write(
    directory: Path, found: dict[str, NDArray[np.float32]] | None = None, shape: BertConfig = CONFIG
) -> tuple[WeightFile, ...]:
    """Write config.json, tokenizer.json and model.safetensors; gives their names, sizes and sums."""
    from safetensors.numpy import save_file

    directory.mkdir(parents=True, exist_ok=True)
    config = {
        "model_type": "bert",
        "hidden_act": "gelu",
        "num_hidden_layers": shape.layers,
        "num_attention_heads": shape.heads,
        "hidden_size": shape.dim,
        "layer_norm_eps": shape.epsilon,
        "max_position_embeddings": 512,
    }
    (directory / "config.json").write_text(json.dumps(config))
    (directory / "tokenizer.json").write_text(json.dumps(tokenizer()))
    save_file(found or tensors(shape), directory / "model.safetensors")
    names = ("config.json", "tokenizer.json", "model.safetensors")
    return tuple(weight_file(directory / name) for name in names)


def weight_file(path: Path) -> WeightFile:
    data = path.read_bytes()
    return WeightFile(path.name, len(data), hashlib.sha256(data).hexdigest())


def tokenizer() -> dict[str, Any]:
    ends = [{"SpecialToken": {"id": "[CLS]", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}]
    ends.append({"SpecialToken": {"id": "[SEP]", "type_id": 0}})
    return {
        "version": "1.0",
        # As in the published file: padded and cut in a way that the encoder must not take over.
        "truncation": {"max_length": 128, "strategy": "LongestFirst", "stride": 0},
        "padding": {
            "strategy": {"Fixed": 128},
            "direction": "Right",
            "pad_to_multiple_of": None,
            "pad_id": 0,
            "pad_type_id": 0,
            "pad_token": "[PAD]",
        },
        "added_tokens": [],
        "normalizer": {
            "type": "BertNormalizer",
            "clean_text": True,
            "handle_chinese_chars": True,
            "strip_accents": None,
            "lowercase": True,
        },
        "pre_tokenizer": {"type": "BertPreTokenizer"},
        "post_processor": {
            "type": "TemplateProcessing",
            "single": ends,
            "pair": ends,
            "special_tokens": {
                "[CLS]": {"id": "[CLS]", "ids": [2], "tokens": ["[CLS]"]},
                "[SEP]": {"id": "[SEP]", "ids": [3], "tokens": ["[SEP]"]},
            },
        },
        "decoder": None,
        "model": {
            "type": "WordPiece",
            "unk_token": "[UNK]",
            "continuing_subword_prefix": "##",
            "max_input_chars_per_word": 100,
            "vocab": {word: number for number, word in enumerate(WORDS)},
        },
    }
