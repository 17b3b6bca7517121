"""What was learned, as a small file of arrays: nothing in it can run, and nothing of it is believed unchecked."""

import io
import json
import re
import struct
import zipfile
import zlib
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from broadsheet.learning.features import LearningError

# More than any record's background holds; a file that says more is not unpacked.
LARGEST: Final = 1 << 28
# What zipfile and json raise for bytes that are none of theirs.
_DAMAGED: Final = (
    OSError,
    ValueError,
    KeyError,
    EOFError,
    OverflowError,
    IndexError,
    RuntimeError,
    struct.error,
    zipfile.BadZipFile,
    zlib.error,
)
# The head of an array as `pack` writes it (NEP 1, version 1.0): numbers only, rows one after the other.
_ARRAY: Final = re.compile(
    rb"\x93NUMPY\x01\x00..\{'descr': '([<|][fiu][1248])', 'fortran_order': False, 'shape': \(([0-9, ]*)\), \} *\n",
    re.DOTALL,
)


def pack(head: Mapping[str, object], arrays: Mapping[str, NDArray[np.generic]]) -> bytes:
    """Put a head of JSON and arrays into one file; nothing in it can run."""
    file = io.BytesIO()
    named = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    np.savez_compressed(file, allow_pickle=False, head=np.frombuffer(json.dumps(head).encode(), np.uint8), **named)
    return file.getvalue()


def unpack(data: bytes, format: int) -> tuple[dict[str, object], dict[str, NDArray[Any]]]:
    """Read such a file. Raises LearningError where it is damaged or of another format."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as file:
            if sum(member.file_size for member in file.infolist()) > LARGEST:
                raise LearningError("what was learned is too large to be true")
            arrays = {name.removesuffix(".npy"): _array(file.read(name)) for name in file.namelist()}
        head = json.loads(bytes(arrays.pop("head")))
    except _DAMAGED as problem:
        raise LearningError("what was learned cannot be read") from problem
    if not isinstance(head, dict) or head.get("format") != format:
        raise LearningError(f"what was learned is not of format {format}")
    return head, arrays


def _array(data: bytes) -> NDArray[Any]:
    head = _ARRAY.match(data)
    if not head:
        raise ValueError("no array of numbers")
    shape = [int(size) for size in head[2].decode().split(",") if size.strip()]
    return np.frombuffer(data, np.dtype(head[1].decode()), offset=head.end()).reshape(shape).copy()


def are_places(places: NDArray[Any], weights: NDArray[Any], n: int) -> bool:
    """Whether they are numbers from 0 to n, with a weight each."""
    return (
        places.dtype == np.int32
        and places.ndim == 1
        and places.shape == weights.shape
        and bool(((places >= 0) & (places < n)).all())
    )
