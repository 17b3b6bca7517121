"""`broadsheet export`: the papers of this site in a file, for another Broadsheet, for tables, for references."""

import argparse
import gzip
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Final, cast

from broadsheet.cli import DONE, CommandFailed
from broadsheet.export import dump
from broadsheet.lib.files import writing_whole
from broadsheet.lib.progress import Progress, watched
from broadsheet.papers import copying
from broadsheet.papers.copying import Copy
from broadsheet.papers.database import migrate
from broadsheet.papers.models import Paper

HELP = "Write the papers of this site to a file; another Broadsheet can import it."
EXAMPLE = "broadsheet export papers.jsonl.gz"
FORMATS: Final = ("jsonl", "parquet", "bibtex", "ris", "csl-json")
ENDINGS: Final = {
    ".jsonl": "jsonl", ".parquet": "parquet", ".bib": "bibtex", ".bibtex": "bibtex", ".ris": "ris", ".json": "csl-json"
}  # fmt: skip


def arguments(parser: argparse.ArgumentParser) -> None:
    """Take the file, the format and which papers."""
    parser.add_argument("file", metavar="FILE", help="where to write; - for the output, .gz is packed")
    parser.add_argument("--since", type=_number, default=0, metavar="N", help="only what changed after this number")
    parser.add_argument("--format", choices=FORMATS, help="default: what the file's name says, else jsonl")
    parser.add_argument("--category", default="", metavar="C", help="only papers of this category, such as cs.CL")


def run(options: argparse.Namespace) -> int:
    """Write the file; it is there when it is whole, and not before."""
    migrate()
    form = options.format or _format_of(options.file)
    upto = copying.head()
    bar = watched(f"export {form}")
    copies = _watched(copying.changed(options.since, upto, options.category), bar, _papers(options))
    try:
        pieces = _pieces(form, copies, upto)
        with _opened(options.file) as stream:
            for piece in pieces:
                stream.write(piece)
    except dump.NoParquet as problem:
        raise CommandFailed(str(problem)) from None
    except BrokenPipeError:
        raise
    except OSError as problem:
        raise CommandFailed(f"{options.file} cannot be written: {problem.strerror or problem}") from None
    if options.file != "-":
        sys.stderr.write(f"{options.file} holds every change up to {upto}\n")
    return DONE


def _pieces(form: str, copies: Iterable[Copy], upto: int) -> Iterable[bytes]:
    match form:
        case "jsonl":
            return dump.jsonl(copies, upto)
        case "parquet":
            return dump.parquet(copies, upto)
    return dump.references(form)(copies)


def _papers(options: argparse.Namespace) -> int | None:
    """How many papers there will be, where that is known."""
    return None if options.since or options.category else Paper.objects.count()


def _watched(copies: Iterable[Copy], progress: Progress, total: int | None) -> Iterator[Copy]:
    for done, copy in enumerate(copies, 1):
        yield copy
        progress(done, total)


def _format_of(name: str) -> str:
    return ENDINGS.get(Path(name.removesuffix(".gz")).suffix.lower(), "jsonl")


@contextmanager
def _opened(name: str) -> Iterator[BinaryIO]:
    if name == "-":
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    with writing_whole(Path(name)) as stream:
        if name.endswith(".gz"):
            with gzip.GzipFile(fileobj=stream, mode="wb", filename="", mtime=0) as packed:
                yield cast(BinaryIO, packed)
        else:
            yield stream


def _number(text: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 18:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of a change; it is a whole number from 0 on")
    return int(text)
