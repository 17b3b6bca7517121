"""How near encoding comes to what the core can multiply: operations counted in the graph, peaks measured beside it."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np

from broadsheet.search.encoder import open_session

Precision = Literal["int8", "fp32"]
# Rows, inner and columns: a large square, and the encoder's own two shapes for a text of 256 word pieces.
SHAPES: Final = ((1024, 1024, 1024), (256, 384, 1536), (256, 1536, 384))
# So many operations are timed at once: far above the clock's grain.
AT_LEAST: Final = 4e9
# Which input of an operator is its matrix of weights.
WEIGHTS: Final = {"MatMul": 1, "MatMulInteger": 1, "Attention": 1, "QAttention": 1}


@dataclass(frozen=True, slots=True)
class Operations:
    """The multiplications and additions of a graph: a text of n word pieces takes `linear` n + `square` n²."""

    linear: float
    square: float

    def of(self, lengths: Sequence[int]) -> float:
        """Count those of texts by their numbers of word pieces."""
        return float(sum(self.linear * n + self.square * n * n for n in lengths))


def operations(model: Path) -> Operations:
    """Count them in a graph: each matrix of weights (a, b) is 2ab a word piece; attention over d columns is 4d n²."""
    import onnx

    graph = onnx.load(str(model)).graph
    shapes = {one.name: tuple(one.dims) for one in graph.initializer}
    linear = square = 0.0
    for node in graph.node:
        place = WEIGHTS.get(node.op_type)
        if place is None or node.input[place] not in shapes:
            continue
        rows, columns = shapes[node.input[place]]
        linear += 2.0 * rows * columns
        if "Attention" in node.op_type:
            # Queries by keys, then weights by values; the columns are of queries, keys and values.
            square += 4.0 * columns / 3
    return Operations(linear, square)


def multiplication(precision: Precision, shape: tuple[int, int, int]) -> tuple[Callable[[], object], float]:
    """Give one matrix multiplication by onnxruntime's own kernel, and how many operations it takes."""
    from onnx import TensorProto, helper, numpy_helper

    rows, inner, columns = shape
    chance = np.random.default_rng(0)
    left: np.ndarray[Any, Any]
    if precision == "int8":
        left = chance.integers(0, 255, (rows, inner)).astype(np.uint8)
        right = chance.integers(-127, 127, (inner, columns)).astype(np.int8)
        operator, taken, given = "MatMulInteger", TensorProto.UINT8, TensorProto.INT32
    else:
        left = chance.normal(size=(rows, inner)).astype(np.float32)
        right = chance.normal(size=(inner, columns)).astype(np.float32)
        operator, taken, given = "MatMul", TensorProto.FLOAT, TensorProto.FLOAT
    graph = helper.make_graph(
        [helper.make_node(operator, ["left", "right"], ["product"])],
        "multiplication",
        [helper.make_tensor_value_info("left", taken, [rows, inner])],
        [helper.make_tensor_value_info("product", given, [rows, columns])],
        [numpy_helper.from_array(right, "right")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 8
    session = open_session(model.SerializeToString())
    return lambda: session.run(None, {"left": left}), 2.0 * rows * inner * columns


def peak(precision: Precision) -> float:
    """Give the most operations per CPU-second that a matrix multiplication reaches on this core, over some shapes."""
    return max(_rate(*multiplication(precision, shape)) for shape in SHAPES)


def _rate(run: Callable[[], object], count: float) -> float:
    run()
    repeats = max(1, round(AT_LEAST / count))
    started = time.process_time()
    for _ in range(repeats):
        run()
    return repeats * count / (time.process_time() - started)
