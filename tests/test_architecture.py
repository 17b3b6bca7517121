"""The arrows of ARCHITECTURE.md: a room may import the rooms below it and no others."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parents[1] / "src" / "broadsheet"
# Lowest first; rooms in one row do not import each other, but for those named in BESIDE.
ROWS = (
    ("lib",),
    ("record",),
    ("ranking", "sources", "search", "sample", "mail"),
    ("learning",),
    ("config",),
    ("settings",),
    ("markup", "papers"),
    ("readers",),
    ("community",),
    ("editions",),
    ("foryou",),
    ("groups",),
    ("export",),
    ("delivery",),
    ("digest",),
    ("moving",),
    ("api",),
    ("web", "bench"),
    ("commands", "worker", "wsgi", "cli", "docs"),
)
HEIGHT = {room: height for height, row in enumerate(ROWS) for room in row}
BELOW_THE_LINE = ("lib", "record", "ranking", "sources", "search", "sample", "mail", "learning")
TOP = len(ROWS) - 1


def files() -> Iterator[tuple[str, Path]]:
    for path in sorted(SOURCE.rglob("*.py")):
        room = path.relative_to(SOURCE).parts[0].removesuffix(".py")
        if "tests" not in path.parts and room in HEIGHT:
            yield room, path


@cache
def imports(path: Path) -> frozenset[str]:
    return frozenset(_imports(path))


def _imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            if node.module == "broadsheet":
                yield from (f"broadsheet.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def test_every_room_has_a_place() -> None:
    rooms = {path.name.removesuffix(".py") for path in SOURCE.iterdir() if not path.name.startswith(("_", "."))}
    assert rooms - {"py.typed"} == set(HEIGHT)


@pytest.mark.parametrize(
    ("room", "path"), [pytest.param(*pair, id=str(pair[1].relative_to(SOURCE))) for pair in files()]
)
def test_arrows_point_down(room: str, path: Path) -> None:
    for module in imports(path):
        parts = module.split(".")
        if room in BELOW_THE_LINE:
            assert parts[0] != "django", f"{path}: Django below the line"
        if parts[0] == "broadsheet" and len(parts) > 1 and parts[1] in HEIGHT and parts[1] != room:
            height = HEIGHT[parts[1]]
            assert height < HEIGHT[room] or height == HEIGHT[room] == TOP, f"{path} imports {module}"


def test_one_door_to_the_network() -> None:
    # chat_process.py stands guard over the connections that Apprise opens, in a process of its own. storage.py speaks
    # to object storage through fsspec, and only where the person who runs the site says. cluster/node.py looks whether
    # ports of the cluster are free and answer; Ray itself speaks between its nodes. web_client.py asks a site of this
    # machine thousands of times, which the polite door would not.
    allowed = {
        "lib/http.py",
        "lib/storage.py",
        "commands/run_command.py",
        "delivery/chat_process.py",
        "search/cluster/node.py",
        "bench/web_client.py",
    }
    doors = {"urllib3", "socket", "http.client", "requests", "urllib.request", "fsspec", "s3fs", "botocore", "boto3"}
    for _room, path in files():
        if str(path.relative_to(SOURCE)) not in allowed:
            assert not doors & imports(path), path
