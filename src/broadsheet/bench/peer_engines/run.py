"""Starts one engine: `run(NAME, DATA, FOLDER)`. Its libraries are loaded before it says that it is ready."""

import os
import signal
import sys
import threading
import time
from importlib import import_module
from pathlib import Path
from types import FrameType

from broadsheet.bench.peer_engines.protocol import Data, serve

ENGINES = {
    "broadsheet": ("ours", "Broadsheet"),
    "lancedb": ("lancedb", "LanceDb"),
    "lancedb_pq": ("lancedb", "LanceDbPq"),
    "fts5": ("fts5", "Fts5"),
    "bm25s": ("bm25s", "Bm25s"),
    "usearch": ("usearch", "Usearch"),
    "postgres": ("postgres", "Postgres"),
}


def run(name: str, data: str, folder: str) -> None:
    """Serve an engine until it is told to end."""
    # Ended by a signal, it stops what it has started.
    signal.signal(signal.SIGTERM, _end)
    threading.Thread(target=_end_with, args=(os.getppid(),), daemon=True).start()
    module, kind = ENGINES[name]
    engine = getattr(import_module(f"broadsheet.bench.peer_engines.{module}"), kind)(Path(folder))
    try:
        serve(engine, Data(Path(data)))
    finally:
        if hasattr(engine, "close"):
            engine.close()
    sys.stdout.flush()
    # Libraries with threads of their own may not end with the program.
    os._exit(0)


def _end(number: int, frame: FrameType | None) -> None:
    raise SystemExit(1)


def _end_with(parent: int) -> None:
    """End this group of processes once the bench is gone: a build must not go on beside the next run."""
    while os.getppid() == parent:
        time.sleep(1)
    os.killpg(0, signal.SIGKILL)
