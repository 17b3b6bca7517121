"""How an engine of the bench is spoken to, and what all of them share. Needs numpy only.

Requests are {"do": "build" | "add" | "open" | "ask" | "rss" | "end", …}, one per line, each answered by one line; while
it builds, an engine writes lines {"at": how far it is}. Its very first line is {"ready": versions}.
"""

import json
import os
import resource
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib import metadata
from itertools import islice
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

# What a list is cut at before two are fused, and the batch in which papers are read.
DEPTH = 200
BATCH = 10_000
# A paper that was added must be among so many, asked by its own title and vector.
FOUND_WITHIN = 50
# Lucene's list: the engines that know no stop words are not made to look up "the" in every paper.
STOP_WORDS = frozenset(
    [
        "a",
        "an",
        "and",
        "are",
        "as",
        "at",
        "be",
        "but",
        "by",
        "for",
        "if",
        "in",
        "into",
        "is",
        "it",
        "no",
        "not",
        "of",
        "on",
        "or",
        "such",
        "that",
        "the",
        "their",
        "then",
        "there",
        "these",
        "they",
        "this",
        "to",
        "was",
        "will",
        "with",
    ]
)

Found = list[tuple[int, float]]
FloatArray = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Question:
    """One question: text and vector (dim,) of length 1, how many papers are wanted, and since which day (0: any)."""

    text: str
    vector: FloatArray
    k: int
    since: int = 0


class Engine(Protocol):
    """What every engine can do. Scores fall with the rank; papers are numbers."""

    packages: Sequence[str]

    def build(self, data: "Data", tell: Callable[[str], None]) -> None:
        """Index the papers of a folder, and leave on disk what opening needs."""

    def add(self, data: "Data") -> bool:
        """Add the later papers to what is open, so that they are kept and found; False where that cannot be done."""

    def rest(self) -> None:
        """Do what the engine's documentation advises after papers were added."""

    def open(self) -> None:
        """Open what was built."""

    def lexical(self, question: Question) -> Found:
        """Find papers that have any of the words, best first."""

    def vector(self, question: Question) -> Found:
        """Find the papers nearest to the vector, best first."""

    def hybrid(self, question: Question) -> Found:
        """Find papers by both."""

    def cpu_s(self) -> float:
        """Tell the CPU-seconds spent since the start, by all threads and processes."""

    def rss_mb(self) -> float:
        """Tell the memory that is held, in MB."""


class InProcess:
    """An engine in this process alone, whose hybrid fuses its two lists."""

    packages: Sequence[str] = ()

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def rest(self) -> None:
        """Nothing is advised."""

    def lexical(self, question: Question) -> Found:
        """Find by words."""
        raise NotImplementedError

    def vector(self, question: Question) -> Found:
        """Find by vector."""
        raise NotImplementedError

    def hybrid(self, question: Question) -> Found:
        """Find by both."""
        deep = Question(question.text, question.vector, max(DEPTH, question.k), question.since)
        return fused(self.lexical(deep), self.vector(deep), question.k)

    def cpu_s(self) -> float:
        """CPU-seconds of this process and of children that ended."""
        ended = resource.getrusage(resource.RUSAGE_CHILDREN)
        return time.process_time() + ended.ru_utime + ended.ru_stime

    def rss_mb(self) -> float:
        """Memory of this process, mapped files that it touched included."""
        return status_mb("/proc/self/status", "VmRSS")


def status_mb(path: str, name: str) -> float:
    """Read a size in kB from a file of /proc, in MB."""
    for line in Path(path).read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) / 1024
    return 0.0


def fused(words: Found, near: Found, k: int) -> Found:
    """Fuse two lists: each stretched to 0 … 1, half and half; a paper missing in one counts 0 there."""
    totals: dict[int, float] = {}
    for one in (words[:DEPTH], near[:DEPTH]):
        scores = [score for _, score in one]
        low, high = min(scores, default=0.0), max(scores, default=0.0)
        for paper, score in one:
            totals[paper] = totals.get(paper, 0.0) + 0.5 * ((score - low) / (high - low) if high > low else 1.0)
    return sorted(totals.items(), key=lambda pair: (-pair[1], pair[0]))[:k]


def terms(text: str) -> list[str]:
    """Take a query apart into words, stop words left out (unless nothing else is there)."""
    spaced = "".join(letter if letter.isalnum() else " " for letter in text.lower()).split()
    return list(dict.fromkeys(word for word in spaced if word not in STOP_WORDS)) or spaced


class Data:
    """A folder of papers, queries and vectors, as the bench writes it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.queries: list[str] = json.loads((folder / "queries.json").read_text())
        self.query_vectors: FloatArray = np.load(folder / "queries.npy")
        facts = json.loads((folder / "facts.json").read_text())
        self.papers, self.added, self.dim = int(facts["papers"]), int(facts["added"]), int(facts["dim"])
        self.since = int(facts["since"])

    def batches(self, later: bool = False, size: int = BATCH) -> Iterator[tuple[list[dict[str, Any]], FloatArray]]:
        """Give papers as {"id", "title", "abstract", "authors", "categories", "day"} with their (n, dim) vectors."""
        vectors = self.vectors(later)
        with (self.folder / ("more.jsonl" if later else "papers.jsonl")).open(encoding="utf-8") as lines:
            start = 0
            while rows := [json.loads(line) for line in islice(lines, size)]:
                yield rows, vectors[start : start + len(rows)].astype(np.float32)
                start += len(rows)

    def vectors(self, later: bool = False) -> NDArray[np.float16]:
        """Map the vectors, (n, dim) float16."""
        mapped: NDArray[np.float16] = np.load(
            self.folder / ("more.npy" if later else "vectors.npy"), mmap_mode="r", allow_pickle=False
        )
        return mapped


def text_of(row: dict[str, Any]) -> str:
    """Give what is searched by words: title and abstract as one text."""
    return f"{row['title']}. {row['abstract']}"


def serve(engine: Engine, data: Data) -> None:
    """Answer requests from standard input until it ends. What libraries print goes to standard error."""
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)

    def answer(value: dict[str, object]) -> None:
        out.write(json.dumps(value) + "\n")
        out.flush()

    answer({"ready": {name: metadata.version(name) for name in engine.packages}})
    for line in sys.stdin:
        request = json.loads(line)
        if request["do"] == "end":
            break
        answer(_DO[request["do"]](engine, data, request, lambda at: answer({"at": at})))


def _build(engine: Engine, data: Data, request: dict[str, Any], tell: Callable[[str], None]) -> dict[str, object]:
    began, spent = time.perf_counter(), engine.cpu_s()
    engine.build(data, tell)
    return {"s": time.perf_counter() - began, "cpu_s": engine.cpu_s() - spent}


def _add(engine: Engine, data: Data, request: dict[str, Any], tell: Callable[[str], None]) -> dict[str, object]:
    """Add the later papers, if there are any, until the last of them is found by its vector; then look by its words."""
    if not data.added:
        return {"s": None}
    *_, (rows, vectors) = data.batches(later=True)
    asked = Question(rows[-1]["title"], vectors[-1] / np.linalg.norm(vectors[-1]), FOUND_WITHIN)
    began = time.perf_counter()
    if not engine.add(data):
        return {"s": None}
    near = engine.vector(asked)
    seconds = time.perf_counter() - began
    found = [rows[-1]["id"] in dict(one) for one in (near, engine.lexical(asked))]
    engine.rest()
    return {"s": seconds, "found": found}


def _open(engine: Engine, data: Data, request: dict[str, Any], tell: Callable[[str], None]) -> dict[str, object]:
    began = time.perf_counter()
    engine.open()
    engine.hybrid(Question(data.queries[0], data.query_vectors[0], request["k"]))
    return {"s": time.perf_counter() - began}


def _ask(engine: Engine, data: Data, request: dict[str, Any], tell: Callable[[str], None]) -> dict[str, object]:
    n, since = request["query"], data.since if request.get("filtered") else 0
    question = Question(data.queries[n], data.query_vectors[n], request["k"], since)
    way = {"lexical": engine.lexical, "vector": engine.vector, "hybrid": engine.hybrid}[request["mode"]]
    spent, began = engine.cpu_s(), time.perf_counter()
    found = way(question)
    wall = time.perf_counter() - began
    return {"cpu_ms": 1000 * (engine.cpu_s() - spent), "wall_ms": 1000 * wall, "papers": [int(p) for p, _ in found]}


def _rss(engine: Engine, data: Data, request: dict[str, Any], tell: Callable[[str], None]) -> dict[str, object]:
    return {"rss_mb": engine.rss_mb()}


_DO = {"build": _build, "add": _add, "open": _open, "ask": _ask, "rss": _rss}
