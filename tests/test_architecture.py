"""The arrows of ARCHITECTURE.md: a room may import the rooms below it and no others."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[1] / "src" / "broadsheet"
# Lowest first; rooms in one row do not import each other, but for those named in BESIDE.
ROWS = (
    ("lib",),
    ("record",),
    ("ranking", "sources", "search", "sample", "mail"),
    ("learning",),
    ("setting_values",),
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
    ("commands", "worker", "front", "asgi", "cli", "docs"),
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


def wrong(room: str, module: str) -> str:
    parts = module.split(".")
    if room in BELOW_THE_LINE and parts[0] == "django":
        return "Django below the line"
    if parts[0] == "broadsheet" and len(parts) > 1 and parts[1] in HEIGHT and parts[1] != room:
        height = HEIGHT[parts[1]]
        return "" if height < HEIGHT[room] or height == HEIGHT[room] == TOP else "an arrow that points up"
    return ""


def test_arrows_point_down() -> None:
    found = [
        f"{path} imports {module}: {wrong(room, module)}"
        for room, path in files()
        for module in sorted(imports(path))
        if wrong(room, module)
    ]
    assert not found, "\n".join(found)
    assert len(list(files())) > 500


def test_one_door_to_the_network() -> None:
    # chat_process.py stands guard over the connections that Apprise opens, in a process of its own. storage.py speaks
    # to object storage through fsspec, and only where the person who runs the site says. ports.py looks whether a port
    # is free, cluster/node.py whether the cluster's answer; Ray itself speaks between its nodes. web_client.py asks a
    # site of this machine thousands of times, which the polite door would not. addresses.py looks names up.
    allowed = {
        "lib/addresses.py",
        "lib/http.py",
        "lib/ports.py",
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
