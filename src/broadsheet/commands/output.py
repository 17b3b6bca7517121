"""What commands print: tables for people, JSON for scripts."""

import argparse
import json
import sys
from collections.abc import Iterable, Sequence
from datetime import date

from broadsheet.cli import CommandFailed


def json_option(parser: argparse.ArgumentParser) -> None:
    """Add --json."""
    parser.add_argument("--json", action="store_true", help="print JSON, for scripts")


def print_json(value: object) -> None:
    """Print a value as JSON."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, default=str) + "\n")


def print_lines(lines: Iterable[str]) -> None:
    """Print lines."""
    for line in lines:
        sys.stdout.write(line + "\n")


def print_table(rows: Sequence[Sequence[object]]) -> None:
    """Print rows in columns as wide as their widest cell; the last column is left as it is."""
    texts = [[str(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*texts, strict=True)]
    for row in texts:
        cells = [cell.ljust(width) for cell, width in zip(row[:-1], widths, strict=False)]
        sys.stdout.write("  ".join([*cells, row[-1]]).rstrip() + "\n")


def day_of(text: str) -> date:
    """Read a day given on the command line."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no day; write it like 2024-05-27") from None


def port(text: str) -> int:
    """Read a port given on the command line."""
    if not text.isdigit() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is no port; one is a number up to 65535")
    return int(text)


def counted(number: int, one: str, many: str) -> str:
    """Say how many there are: "1 file", "2,000 files"."""
    return f"{number:,} {one if number == 1 else many}"


def at_least_one(text: str) -> int:
    """Read a count given on the command line."""
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from 1 on")
    return int(text)


__all__ = [
    "CommandFailed", "at_least_one", "counted", "day_of", "json_option", "port", "print_json", "print_lines",
    "print_table",
]  # fmt: skip
