"""The peer of the encoder bench: sentence-transformers in fp32, in a process and an environment of its own.

Needs torch and sentence-transformers only, nothing of Broadsheet. Started as
`python peer_sentence_transformers.py DIRECTORY CORE`; the directory holds config.json, tokenizer.json and
model.safetensors. Reads one JSON list of texts per line and answers each with one line:
{"cpu_s": seconds, "vectors": [first components of each vector]}; its very first line is {"ready": versions}.
"""

import json
import os
import sys
import time
from importlib import metadata
from pathlib import Path

MAX_LENGTH = 256
# Its best on one core: 17.0 texts per CPU-second, against 16.0 in batches of 8 and 12.4 in its default of 32.
BATCH = 1
SHOWN = 8


def main(directory: Path, core: int) -> None:
    """Answer until standard input ends."""
    os.environ.update(HF_HUB_OFFLINE="1", TRANSFORMERS_OFFLINE="1", TOKENIZERS_PARALLELISM="false", OMP_NUM_THREADS="1")
    if core >= 0:
        os.sched_setaffinity(0, {core})
    import torch
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.models import Normalize, Pooling, Transformer

    torch.set_num_threads(1)
    words = Transformer(str(directory), max_seq_length=MAX_LENGTH)
    model = SentenceTransformer(modules=[words, Pooling(384), Normalize()], device="cpu")
    versions = {name: metadata.version(name) for name in ("torch", "transformers", "sentence-transformers")}
    answer({"ready": versions})
    for line in sys.stdin:
        texts = json.loads(line)
        started = time.process_time()
        vectors = model.encode(texts, batch_size=BATCH, show_progress_bar=False)
        spent = time.process_time() - started
        answer({"cpu_s": spent, "vectors": [[float(x) for x in row[:SHOWN]] for row in vectors]})


def answer(value: dict[str, object]) -> None:
    """Write one line."""
    sys.stdout.write(json.dumps(value) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
