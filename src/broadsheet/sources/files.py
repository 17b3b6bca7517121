"""Files that hold papers: which formats there are, which one a file has, and its items one after the other."""

import gzip
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from io import BufferedIOBase
from pathlib import Path
from typing import BinaryIO, Final, cast

from broadsheet.lib.clock import Clock, now
from broadsheet.record.paper import Item
from broadsheet.sources import arxiv_jsonl, bibtex, broadsheet_jsonl, csl_json, hf_daily, ris, saved_page
from broadsheet.sources.marks import Marks, marks_of
from broadsheet.sources.reading import BadFile, Reader

__all__ = ["FORMATS", "BadFile", "FileFormat", "files_under", "open_items", "owners_marks"]

SNIFFED: Final = 64 << 10
GZIP: Final = b"\x1f\x8b"


@dataclass(frozen=True, slots=True)
class FileFormat:
    """A format of files: the name users type, how it is told and how it is read."""

    name: str
    recognises: Callable[[bytes, str], bool]
    read: Reader


# In the order in which a file is tried: the formats with the clearest marks first.
FORMATS: Final[dict[str, FileFormat]] = {
    form.name: form
    for form in (
        FileFormat("broadsheet-jsonl", broadsheet_jsonl.recognises, broadsheet_jsonl.read),
        FileFormat("hf-daily", hf_daily.recognises, hf_daily.read),
        FileFormat("arxiv-jsonl", arxiv_jsonl.recognises, arxiv_jsonl.read),
        FileFormat("csl-json", csl_json.recognises, csl_json.read),
        FileFormat("ris", ris.recognises, ris.read),
        FileFormat("bibtex", bibtex.recognises, bibtex.read),
        FileFormat("saved-page", saved_page.recognises, saved_page.read),
    )
}


def open_items(path: Path, format: str = "auto", clock: Clock = now) -> tuple[str, Iterator[Item]]:
    """Open a file, plain or .gz, and give the name of its format and its items, read as they are asked for.

    Raises BadFile when the file is missing, empty, of no known format or a web page in place of data; the iterator
    raises it where the file breaks off, after the items before the break.
    """
    if format != "auto" and format not in FORMATS:
        raise BadFile(f"there is no format {format!r}: choose one of {', '.join(FORMATS)}")
    head = _head(path)
    if not head.strip():
        raise BadFile(f"{path} is empty: save or download it again")
    form = _recognised(path, head) if format == "auto" else FORMATS[format]
    if form is not FORMATS["saved-page"] and saved_page.is_html(head):
        raise BadFile(f"{path} holds a web page, not {form.name} (an error page?): download it again")
    return form.name, _items(path, form, clock)


def owners_marks(path: Path, form: str) -> dict[str, Marks]:
    """Give the keywords and notes of a file in the format of that name, by `raw_hash` of the paper."""
    with _opened(path) as stream:
        return marks_of(cast(BinaryIO, stream), form)


def files_under(paths: Iterable[Path]) -> list[Path]:
    """Give the files that paths name: a file as it is, of a folder the files of a known format in the order of names.

    Hidden files, folders in the folder and other files are passed over. Raises BadFile for a path or an entry that
    cannot be read, and for a folder that holds nothing to read.
    """
    found: list[Path] = []
    for path in paths:
        if not path.is_dir():
            found.append(path)
            continue
        inside = [entry for entry in _entries(path) if _holds_papers(entry)]
        if not inside:
            raise BadFile(f"{path} holds no files of a known format: name the files, or the folder they are in")
        found += inside
    return found


def _entries(folder: Path) -> list[Path]:
    try:
        entries = sorted(folder.iterdir(), key=lambda entry: entry.name)
    except OSError as wrong:
        raise _unreadable(folder, wrong) from None
    return [entry for entry in entries if not entry.name.startswith(".") and not entry.is_dir()]


def _holds_papers(path: Path) -> bool:
    head = _head(path)
    return bool(head.strip()) and _format_of(path, head) is not None


def _format_of(path: Path, head: bytes) -> FileFormat | None:
    return next((form for form in FORMATS.values() if form.recognises(head, path.name)), None)


def _recognised(path: Path, head: bytes) -> FileFormat:
    if form := _format_of(path, head):
        return form
    if saved_page.is_html(head):
        raise BadFile(f"{path} is a web page without papers (an error page?): save or download it again")
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise BadFile(f"{path} is UTF-16 text: save it as UTF-8")
    raise BadFile(f"{path} is of no known format: say --format, one of {', '.join(FORMATS)}")


def _unreadable(path: Path, wrong: OSError) -> BadFile:
    return BadFile(f"{path} cannot be read ({wrong.strerror or wrong}): check its name and permissions")


def _head(path: Path) -> bytes:
    """Read the first 64 KiB, unpacked; what breaks after the first bytes is told when the items are read."""
    if path.exists() and not path.is_file():
        raise BadFile(f"{path} is not a file: name a file or a folder of files")
    head = b""
    with _opened(path) as stream:
        try:
            while len(head) < SNIFFED and (chunk := stream.read1(SNIFFED - len(head))):
                head += chunk
        except BadFile:
            if not head:
                raise
    return head


def _items(path: Path, form: FileFormat, clock: Clock) -> Iterator[Item]:
    with _opened(path) as stream:
        yield from form.read(cast(BinaryIO, stream), path.name, clock)


def _opened(path: Path) -> "_Unpacked":
    try:
        plain = path.open("rb")
        packed = plain.peek(2)[:2] == GZIP
    except OSError as wrong:
        raise _unreadable(path, wrong) from None
    return _Unpacked(path, gzip.GzipFile(fileobj=plain) if packed else plain, plain)


class _Unpacked(BufferedIOBase):
    """The bytes of a file, unpacked; a break in them is a BadFile."""

    def __init__(self, path: Path, inner: BufferedIOBase, plain: BinaryIO) -> None:
        self.path = path
        self.inner = inner
        self.plain = plain

    def readable(self) -> bool:
        """Always."""
        return True

    def read1(self, size: int = -1, /) -> bytes:
        """Read what there is, at most `size` bytes; empty at the end. Raises BadFile where the file breaks off."""
        try:
            return self.inner.read1(size)
        except EOFError:
            raise BadFile(f"{self.path} breaks off: the download was cut short, get it again") from None
        except (gzip.BadGzipFile, zlib.error) as wrong:
            raise BadFile(f"{self.path} is damaged ({wrong}): get it again") from None
        except OSError as wrong:
            raise _unreadable(self.path, wrong) from None

    def read(self, size: int | None = -1, /) -> bytes:
        """Read `size` bytes, or all; as `read1` does."""
        parts = []
        left = -1 if size is None else size
        while left and (chunk := self.read1(left if left > 0 else SNIFFED)):
            parts.append(chunk)
            left -= len(chunk) if left > 0 else 0
        return b"".join(parts)

    def close(self) -> None:
        """Close the file and what unpacks it."""
        self.inner.close()
        self.plain.close()
        super().close()
