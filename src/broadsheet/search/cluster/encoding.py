"""Encoding in bulk on every node of a cluster, by Ray Data.

Ray is spoken to in a process of its own: it takes over signals and logging, and ends a process that has lost its node.
A worker must feel none of that.
"""

import logging
import multiprocessing
import os
import signal
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from broadsheet.lib.processes import end_with_parent
from broadsheet.search import encoder as encoders
from broadsheet.search import encoder_gpu
from broadsheet.search.cluster.node import ClusterError, connect

# A second or two of one core's work: small enough that all end together, large enough that sending it costs nothing.
BLOCK: Final = 64
# Texts that are given out together, by what takes them: about a minute's work, beside which starting an encoder on
# every core, which happens each time, is little.
PER_CORE, PER_GPU = 2_048, 16_384
# All of them lie in the memory of the node that this process is on, at about 1.3 kB each.
MOST: Final = 32_768
# Seconds without one vector after which the cluster is given up.
PATIENCE: Final = 300.0
LOG: Final = "cluster-encoding.log"

Text = tuple[str, str, str]
Encoded = tuple[str, NDArray[np.float16]]

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Job:
    """What is to be encoded by, and where. address: of the cluster's head. home: of this host.

    name: what the encoder is called on every node. id: what it must be there; a node with another one is refused.
    floating: the encoder calculates in floating point, so that GPUs may be used.
    """

    address: str
    home: Path
    name: str
    id: str
    floating: bool = False


class Bulk:
    """Encodes many texts on all nodes; safe to use from one thread at a time.

    Starting it takes some seconds: keep it while there is more to do, and close it. patience: seconds without any
    vector after which it gives up. Raises ClusterError where the cluster does not answer.
    """

    def __init__(self, job: Job, patience: float = PATIENCE) -> None:
        self.patience = patience
        spawning = multiprocessing.get_context("spawn")
        self._ours, theirs = spawning.Pipe()
        self._process = spawning.Process(target=_drive, args=(theirs, job), name="encoding", daemon=True)
        self._process.start()
        theirs.close()
        try:
            self.at_once = int(self._told("ready"))
        except BaseException:
            self.close()
            raise

    def encode(self, texts: Sequence[Text]) -> Iterator[list[Encoded]]:
        """Encode (key, title, abstract) with keys that differ; gives (key, (dim,) float16) in any order, as they come.

        Give at most `at_once` texts, and fewer only where there are no more. Raises ClusterError; what was given until
        then is right. After that, or when it was left before its end, it is of no further use.
        """
        try:
            self._ours.send(list(texts))
        except OSError as problem:
            raise ClusterError("the process that speaks to the cluster has ended") from problem
        given = 0
        while given < len(texts):
            rows = self._told("vectors")
            given += len(rows)
            yield [(key, np.frombuffer(data, "<f2")) for key, data in rows]

    def close(self) -> None:
        """End it; the cluster drops what it was still doing."""
        self._ours.close()
        self._process.terminate()
        self._process.join(5)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _told(self, wanted: str) -> Any:  # noqa: ANN401
        try:
            if not self._ours.poll(self.patience):
                raise ClusterError(f"the cluster gave no vector for {self.patience:.0f} seconds")
            kind, what = self._ours.recv()
        except (OSError, EOFError) as problem:
            raise ClusterError("the process that speaks to the cluster ended early") from problem
        if kind != wanted:
            raise ClusterError(str(what))
        return what


def _drive(told: Connection, job: Job) -> None:
    """Speak to the cluster for another process, until that ends."""
    end_with_parent()
    _speak_to(job.home / LOG)
    try:
        connect(job.address, job.home)
        # Ray's own way out waits for the cluster, which may be gone.
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        _silence()
        slots = _slots(job)
        told.send(("ready", min(MOST, slots[0] * PER_CORE + slots[1] * PER_GPU)))
        while True:
            for rows in _encoded(told.recv(), job, slots):
                told.send(("vectors", rows))
    except EOFError:
        return
    # Ray raises what it likes, Exception itself among it; here it becomes one sentence for who asked.
    except Exception as problem:
        log.exception("encoding through the cluster failed")
        told.send(("failed", sentence(problem)))


def _speak_to(path: Path) -> None:
    """Send what Ray and its workers say into a file: it is much, and nobody asked."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    os.dup2(handle, 1)
    os.dup2(handle, 2)
    os.close(handle)
    logging.basicConfig(level=logging.WARNING, force=True)


def _silence() -> None:
    from ray.data import DataContext

    context = DataContext.get_current()
    context.enable_progress_bars = False
    context.print_on_execution_start = False
    logging.getLogger("ray.data").setLevel(logging.WARNING)


def sentence(problem: BaseException) -> str:
    """Give the last line of what went wrong: a node's refusal comes wrapped in the tracebacks of both sides."""
    if isinstance(problem, ClusterError):
        return str(problem)
    lines = [line.strip() for line in str(problem).splitlines() if line.strip()]
    said = lines[-1] if lines else type(problem).__name__
    return said.removeprefix(f"{ClusterError.__module__}.{ClusterError.__qualname__}: ")


def _slots(job: Job) -> tuple[int, int]:
    """Tell how many encoders the cluster has room for, on cores and on GPUs; where there are GPUs, cores are left."""
    import ray

    there: dict[str, float] = ray.cluster_resources()  # type: ignore[no-untyped-call]
    gpus = int(there.get("GPU", 0)) if job.floating else 0
    cores = 0 if gpus else int(there.get("CPU", 0))
    if not cores and not gpus:
        raise ClusterError("no node of the cluster has a core to encode with")
    return cores, gpus


def _encoded(texts: Sequence[Text], job: Job, slots: tuple[int, int]) -> Iterator[list[tuple[str, bytes]]]:
    import ray.data

    cores, gpus = slots
    size = BLOCK if cores else BLOCK * 16
    room = min(cores + gpus, -(-len(texts) // size))
    blocks = [_block(texts[start : start + size]) for start in range(0, len(texts), size)]
    rows = ray.data.from_blocks(blocks).map_batches(
        _Encoding,
        batch_size=None,
        batch_format="pyarrow",
        fn_constructor_args=(job.name, job.id),
        compute=ray.data.ActorPoolStrategy(min_size=1, max_size=room, initial_size=room),
        num_cpus=1 if cores else 0,
        num_gpus=1 if gpus else 0,
    )
    for batch in rows.iter_batches(batch_size=None, batch_format="pyarrow", prefetch_batches=0):
        yield list(zip(batch["key"].to_pylist(), batch["vector"].to_pylist(), strict=True))


def _block(texts: Sequence[Text]) -> Any:  # noqa: ANN401
    import pyarrow as pa

    keys, titles, abstracts = zip(*texts, strict=True)
    # A lone surrogate is no text; the encoder reads it as this too.
    plain = [[text.encode("utf-8", "replace") for text in column] for column in (titles, abstracts)]
    return pa.table({"key": pa.array(keys), "title": pa.array(plain[0]), "abstract": pa.array(plain[1])})


class _Encoding:
    """An encoder on a node, loaded once."""

    def __init__(self, name: str, id: str) -> None:
        self.encoder = node_encoder(Path(os.environ["BROADSHEET_HOME"]), name, id)

    def __call__(self, batch: Any) -> Any:  # noqa: ANN401
        import pyarrow as pa

        columns = [[text.decode() for text in batch[name].to_pylist()] for name in ("title", "abstract")]
        vectors = self.encoder.encode_papers(list(zip(*columns, strict=True))).astype("<f2")
        return pa.table({"key": batch["key"], "vector": pa.array([vector.tobytes() for vector in vectors])})


def node_encoder(home: Path, name: str, id: str) -> encoders.OnnxEncoder:
    """Load a node's own encoder, on its GPU if it was given one. Raises ClusterError where it is not the one meant."""
    found = encoder_gpu.find(home, name) or encoders.find(home, name, threads=1)
    told = f"{os.uname().nodename}, home {home}"
    if found is None:
        raise ClusterError(f"a node has no encoder called {name} ({told}): bring it in there")
    if found.id != id:
        raise ClusterError(f"a node has another encoder under the name {name} ({told}): {found.id}, not {id}")
    return found
