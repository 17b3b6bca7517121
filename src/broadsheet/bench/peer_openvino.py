"""A peer of the encoder bench: OpenVINO on the same graph in fp32, in a process and an environment of its own.

Needs openvino only, nothing of Broadsheet. Started as `python peer_openvino.py MODEL CORE`; MODEL is the ONNX file.
Its very first line is {"ready": versions}. Then it reads one JSON object per line, {"precision": "f32" or "bf16",
"pieces": [word pieces of each text]}, and answers each with one: {"cpu_s": seconds, "vectors": [first components]}.
"""

import importlib
import json
import os
import sys
import time
from typing import Any

SHOWN = 8


def main(model: str, core: int) -> None:
    """Answer until standard input ends."""
    if core >= 0:
        os.sched_setaffinity(0, {core})
    import numpy as np

    # By name: it is not there where types are checked.
    openvino: Any = importlib.import_module("openvino")
    program = openvino.Core()
    graph = program.read_model(model)
    compiled: dict[str, Any] = {}
    answer({"ready": {"openvino": openvino.__version__}})
    for line in sys.stdin:
        asked = json.loads(line)
        precision = asked["precision"]
        if precision not in compiled:
            settings = {"INFERENCE_PRECISION_HINT": precision, "INFERENCE_NUM_THREADS": 1, "NUM_STREAMS": 1}
            compiled[precision] = program.compile_model(graph, "CPU", settings).create_infer_request()
        request, rows = compiled[precision], []
        started = time.process_time()
        for pieces in asked["pieces"]:
            ids = np.array([pieces], dtype=np.int64)
            found = request.infer({"input_ids": ids, "attention_mask": np.ones_like(ids)})
            rows.append(next(iter(found.values()))[0][:SHOWN].tolist())
        answer({"cpu_s": time.process_time() - started, "vectors": rows})


def answer(value: dict[str, object]) -> None:
    """Write one line."""
    sys.stdout.write(json.dumps(value) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
