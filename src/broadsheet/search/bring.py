"""Bring another encoder into a home: from the weights of a BERT sentence encoder, or ready with its card."""

import json
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from broadsheet.lib.files import lock
from broadsheet.lib.progress import Progress, silent
from broadsheet.search.bert_onnx import SAMPLES, BertConfig, Plan, build_pinned, put_in_place
from broadsheet.search.choice import AUTO, FIRST
from broadsheet.search.encoder import (
    CARD_FILE,
    MAX_LENGTH,
    MODEL_FILE,
    TOKENIZER_FILE,
    Card,
    OnnxEncoder,
    open_tokenizer,
    place,
)
from broadsheet.search.weights import EncoderError, digest

NAMES: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,39}")
NEEDED: Final = ("config.json", "tokenizer.json", "model.safetensors")
# What can be made of the published weights that set-up fetches.
PUBLISHED: Final = {FIRST: Plan(), "minilm-fp32": Plan(precision="fp32")}
# Two texts of the self-test that come out as the same vector mean that the graph looks at nothing.
MOST_ALIKE: Final = 0.99999


@dataclass(frozen=True, slots=True)
class Wanted:
    """What an operator says of the model; empty or 0 takes what its files say."""

    precision: str = "int8"
    pooling: str = ""
    max_length: int = 0
    query_prefix: str = ""
    paper_prefix: str = ""


def checked_name(name: str) -> str:
    """Give the name back if an encoder may be called so. Raises EncoderError."""
    if not NAMES.fullmatch(name) or name in (AUTO, "none") or name.endswith(".json"):
        raise EncoderError(f"{name!r} is no name for an encoder: use up to 40 of a-z, 0-9, '.', '_' and '-'")
    return name


def bring(home: Path, directory: Path, name: str, wanted: Wanted, progress: Progress = silent) -> Path:
    """Make the encoder `name` of what is in `directory` and give its place in the home.

    The directory holds either the weights (config.json, tokenizer.json, model.safetensors, and the small files of
    sentence-transformers where there are such), or a ready model.onnx with tokenizer.json and encoder.json. The sums of
    the weights are kept in the card when the name is first used; other weights under that name are refused. Raises
    EncoderError.
    """
    checked_name(name)
    if (directory / CARD_FILE).is_file():
        return _bring_ready(home, directory, name)
    missing = [file for file in NEEDED if not (directory / file).is_file()]
    if missing:
        raise EncoderError(f"{directory} has no {', no '.join(missing)}, and no {CARD_FILE} with a ready {MODEL_FILE}")
    plan = read_plan(directory, wanted)
    sums = {file: digest(directory / file) for file in NEEDED}
    _refuse_another(home, name, plan.id(sums["model.safetensors"]))
    return build_pinned(home, directory, sums, name, plan, progress, check=sound)


def read_plan(directory: Path, wanted: Wanted) -> Plan:
    """Read from the files of a model how its texts are cut, pooled and prefixed. Raises EncoderError."""
    config = BertConfig.read(directory / "config.json")
    _check_shape(directory, config)
    said = _said(directory / "config.json")
    longest = int(said.get("max_position_embeddings", MAX_LENGTH))
    length = wanted.max_length or int(
        _said(directory / "sentence_bert_config.json").get("max_seq_length") or MAX_LENGTH
    )
    if not 8 <= length <= longest:
        raise EncoderError(f"at most {longest} word pieces of a text can count in this model, and at least 8: {length}")
    prompts = _said(directory / "config_sentence_transformers.json").get("prompts") or {}
    return Plan(
        model=f"bert-{config.layers}x{config.dim}",
        precision=wanted.precision,
        pooling=_pooling(directory, wanted),
        max_length=length,
        query_prefix=wanted.query_prefix or str(prompts.get("query") or ""),
        paper_prefix=wanted.paper_prefix or str(prompts.get("document") or prompts.get("passage") or ""),
    )


def _said(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {}
    try:
        said = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise EncoderError(f"{path} cannot be read") from error
    if not isinstance(said, dict):
        raise EncoderError(f"{path} does not hold what it should")
    return said


def _pooling(directory: Path, wanted: Wanted) -> str:
    modules = directory / "modules.json"
    if modules.is_file() and "Dense" in modules.read_text(encoding="utf-8"):
        raise EncoderError(f"{directory} has a dense layer after pooling, which is not supported")
    if wanted.pooling:
        return wanted.pooling
    said = _said(directory / "1_Pooling" / "config.json")
    chosen = [key for key, value in said.items() if key.startswith("pooling_mode_") and value is True]
    known = {"pooling_mode_mean_tokens": "mean", "pooling_mode_cls_token": "cls"}
    if not chosen:
        return "mean"
    if len(chosen) > 1 or chosen[0] not in known:
        raise EncoderError(
            f"{directory} pools by {', '.join(chosen)}; only the mean and the first word piece are known"
        )
    return known[chosen[0]]


def _check_shape(directory: Path, config: BertConfig) -> None:
    said = _said(directory / "config.json")
    if said.get("position_embedding_type", "absolute") != "absolute":
        raise EncoderError(f"{directory} has relative positions, which are not supported")
    if config.heads < 1 or config.dim % config.heads:
        raise EncoderError(f"{directory}: {config.dim} dimensions cannot be divided among {config.heads} heads")
    words = open_tokenizer(directory / TOKENIZER_FILE, MAX_LENGTH).get_vocab_size()
    if words > int(said.get("vocab_size", words)):
        raise EncoderError(f"{directory}: the tokenizer knows {words:,} word pieces, the model fewer")


def _refuse_another(home: Path, name: str, id: str) -> None:
    """See that a name keeps its weights, and that one encoder has one name. Raises EncoderError."""
    for other in names(home):
        known = Card.read(place(home, other)).id
        if other == name and known != id:
            raise EncoderError(f"{name} is another encoder here ({known}): choose another name, or forget that one")
        if other != name and known == id:
            raise EncoderError(f"this encoder is here already, as {other}")


def names(home: Path) -> list[str]:
    """Name the encoders of a home whose cards can be read."""
    found = []
    for directory in sorted((home / "encoders").glob("[!.]*")):
        try:
            Card.read(directory)
        except EncoderError:
            continue
        found.append(directory.name)
    return found


def _bring_ready(home: Path, directory: Path, name: str) -> Path:
    card = sound(directory)
    _refuse_another(home, name, card.id)
    target = place(home, name)
    staging = target.parent / f".{name}.building"
    try:
        with lock(target.parent / ".lock"):
            shutil.rmtree(staging, ignore_errors=True)
            staging.mkdir()
            for file in (MODEL_FILE, TOKENIZER_FILE, CARD_FILE):
                shutil.copyfile(directory / file, staging / file)
            put_in_place(staging, target)
    except OSError as error:
        raise EncoderError(f"the encoder cannot be kept in {target}: {error}") from error
    return target


def sound(directory: Path) -> Card:
    """Let the encoder in `directory` encode a dozen texts and see that the vectors can be true. Raises EncoderError."""
    card = Card.read(directory)
    if set(card.sums) < {MODEL_FILE, TOKENIZER_FILE}:
        raise EncoderError(f"{directory / CARD_FILE} does not pin the sums of {MODEL_FILE} and {TOKENIZER_FILE}")
    encoder = OnnxEncoder.load(directory)
    try:
        rows = encoder.encode(SAMPLES)
    # The library's exceptions share no base but Exception; a row of another width is a ValueError.
    except Exception as error:
        raise EncoderError(f"the encoder in {directory} cannot encode: {str(error)[:200]}") from error
    if not np.allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-3):
        raise EncoderError(f"the encoder in {directory} gives vectors that are not of length 1")
    alike = (rows @ rows.T)[~np.eye(len(rows), dtype=bool)]
    if float(alike.mean()) > MOST_ALIKE:
        raise EncoderError(f"the encoder in {directory} gives every text the same vector")
    return card
