"""Many papers as one file in pieces: JSON lines for another Broadsheet, Parquet for tables, references for managers.

Every function takes copies as they are read and gives bytes as they are ready, so that millions need little memory.
"""

import json
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any, Final

from broadsheet.export import bibtex, csl, identifiers, ris
from broadsheet.papers.copying import Copy
from broadsheet.papers.models import Paper

# Papers in one row group of a Parquet file; what is held in memory at once.
ROWS: Final = 2000
MEDIA: Final = {
    "jsonl": "application/jsonl; charset=utf-8",
    "parquet": "application/vnd.apache.parquet",
    "bibtex": "application/x-bibtex; charset=utf-8",
    "ris": "application/x-research-info-systems; charset=utf-8",
    "csl-json": "application/vnd.citationstyles.csl+json",
}
to_json: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


class NoParquet(Exception):
    """Parquet cannot be written at this site; the message says what to install."""


def jsonl(copies: Iterable[Copy], upto: int, limit: int | None = None) -> Iterator[bytes]:
    """Write a line per paper, and a last one, {"head": n}, from which an export goes on.

    upto: the newest change that the copies cover. limit: the most papers; `head` is then that of the last one.
    """
    given, last = 0, 0
    for copy in copies:
        if limit is not None and given == limit:
            break
        yield line(copy)
        given, last = given + 1, copy.seq
    else:
        last = upto
    yield to_json({"head": last}).encode() + b"\n"


def line(copy: Copy) -> bytes:
    """Write a paper as a line."""
    return to_json(copy.to_json()).encode() + b"\n"


def parquet(copies: Iterable[Copy], upto: int, limit: int | None = None) -> Iterator[bytes]:
    """Write a Parquet file, row group by row group; its metadata tell `broadsheet.head`. Raises NoParquet at once."""
    arrow, files = _pyarrow()
    return _parquet(arrow, files, iter(copies), upto, limit)


def _pyarrow() -> tuple[Any, Any]:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        says = "Parquet needs pyarrow, which is not installed here: pip install 'broadsheet[parquet]'"
        raise NoParquet(says) from None
    return pyarrow, pyarrow.parquet


def _parquet(arrow: Any, files: Any, copies: Iterator[Copy], upto: int, limit: int | None) -> Iterator[bytes]:  # noqa: ANN401 - pyarrow has no types
    sink, schema, left, last = _Sink(), _schema(arrow), limit, upto
    writer = files.ParquetWriter(arrow.PythonFile(sink, mode="w"), schema, compression="zstd")
    while group := list(islice(copies, ROWS if left is None else min(ROWS, left))):
        writer.write_table(arrow.Table.from_pylist([_row(copy) for copy in group], schema=schema))
        yield sink.taken()
        if left is not None:
            left -= len(group)
            last = group[-1].seq
    if left is None or left > 0 or next(copies, None) is None:
        last = upto
    writer.add_key_value_metadata({"broadsheet.head": str(last)})
    writer.close()
    yield sink.taken()


class _Sink:
    """What a Parquet file is written to: it keeps what was written until it is taken."""

    closed = False

    def __init__(self) -> None:
        self.parts: list[bytes] = []
        self.written = 0

    def write(self, data: object) -> int:
        """Keep a piece."""
        part = bytes(data)  # type: ignore[call-overload]
        self.parts.append(part)
        self.written += len(part)
        return len(part)

    def tell(self) -> int:
        """The bytes written so far."""
        return self.written

    def flush(self) -> None:
        """Nothing is held back."""

    def writable(self) -> bool:
        """Always."""
        return True

    def taken(self) -> bytes:
        """Give what was written since the last time."""
        parts, self.parts = self.parts, []
        return b"".join(parts)


def _schema(arrow: Any) -> Any:  # noqa: ANN401 - pyarrow has no types
    text, moment = arrow.string(), arrow.timestamp("us", tz="UTC")
    texts = arrow.list_(text)
    return arrow.schema(
        [
            ("seq", arrow.int64()),
            ("key", text),
            ("title", text),
            ("abstract", text),
            ("authors", texts),
            ("categories", texts),
            ("identifiers", texts),
            ("links", texts),
            ("submitted", moment),
            ("announced", arrow.date32()),
            ("announced_by", text),
            ("version", arrow.int32()),
            ("withdrawn", arrow.bool_()),
            ("comments", text),
            ("journal_ref", text),
            ("licence", text),
            ("source", text),
            ("votes_outside", arrow.int64()),
            ("comments_outside", arrow.int64()),
            ("stars", arrow.int64()),
            ("first_seen", moment),
        ]
    )


def _row(copy: Copy) -> dict[str, object]:
    paper, data = copy.paper, copy.data
    plain = ("title", "abstract", "submitted", "announced", "announced_by", "version", "withdrawn", "comments")
    return {
        **{name: getattr(data, name) for name in (*plain, "journal_ref", "licence", "source")},
        "seq": copy.seq,
        "key": paper.key,
        "authors": [author.name for author in data.authors],
        "categories": list(data.categories),
        "identifiers": [str(name) for name in data.identifiers],
        "links": [link.url for link in data.links],
        "votes_outside": paper.votes_outside,
        "comments_outside": paper.comments_outside,
        "stars": paper.stars,
        "first_seen": paper.first_seen,
    }


def references(form: str) -> Callable[[Iterable[Copy]], Iterator[bytes]]:
    """Give what writes papers as bibtex, ris or csl-json."""
    return {"bibtex": _bibtex, "ris": _ris, "csl-json": _csl}[form]


def _groups(copies: Iterable[Copy]) -> Iterator[list[Paper]]:
    papers = (copy.paper for copy in copies)
    while group := list(islice(papers, ROWS)):
        yield group


def _bibtex(copies: Iterable[Copy]) -> Iterator[bytes]:
    for papers in _groups(copies):
        yield bibtex.entries(papers, identifiers.of_papers([paper.id for paper in papers])).rstrip().encode() + b"\n\n"


def _ris(copies: Iterable[Copy]) -> Iterator[bytes]:
    for papers in _groups(copies):
        yield ris.entries(papers, identifiers.of_papers([paper.id for paper in papers])).encode()


def _csl(copies: Iterable[Copy]) -> Iterator[bytes]:
    before = b"["
    for papers in _groups(copies):
        for item in csl.items(papers, identifiers.of_papers([paper.id for paper in papers])):
            yield before + to_json(item).encode()
            before = b",\n"
    yield b"[]\n" if before == b"[" else b"]\n"
