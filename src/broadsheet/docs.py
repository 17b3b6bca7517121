"""The parts of the documents that follow from the program: commands, settings, routes. Written, or checked.

`python -m broadsheet.docs --write` writes them into docs/; `--check` fails where they differ from the program.
"""

import argparse
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Final

from django.urls import URLPattern, URLResolver

from broadsheet.cli import COMMANDS, parser, prepare
from broadsheet.config import SETTINGS, Setting

# Pages that a library brings, by where they are; their own documents tell of each.
OF_LIBRARIES: Final = {
    "account/": "Sign in, join, addresses, passwords, passkeys, codes, connected accounts, sessions (django-allauth).",
    "admin/": "Django's admin, for the owner.",
}
DOCS = Path(__file__).resolve().parents[2] / "docs"


def commands() -> str:
    """Document every command by its own help."""
    os.environ["COLUMNS"] = "100"
    lines = ["# The command line", "", "Written from the program by `make docs`.", ""]
    top = parser()
    choices = next(action.choices for action in top._actions if isinstance(action.choices, dict))
    for name in COMMANDS:
        lines += [f"## broadsheet {name}", "", "```", choices[name].format_help().rstrip(), "```", ""]
    return "\n".join(lines)


def settings() -> str:
    """Document every setting with its default and its environment variable."""
    lines = [
        "# Settings",
        "",
        "Written from the program by `make docs`. Settings stand in `broadsheet.toml` in the home (`BROADSHEET_HOME`,",
        "by default `~/.local/share/broadsheet`); each can also come from the environment, which wins.",
        "Lists are divided by commas there.",
        "",
        "| setting | environment | default | what it does |",
        "| --- | --- | --- | --- |",
    ]
    lines += [f"| `{entry.name}` | `{entry.variable}` | {_default(entry)} | {entry.says} |" for entry in SETTINGS]
    return "\n".join([*lines, ""])


def _default(entry: Setting) -> str:
    value = entry.default
    if isinstance(value, tuple):
        value = ", ".join(map(str, value))
    return f"`{str(value).lower() if isinstance(value, bool) else value}`" if value not in ("", ()) else "empty"


def routes() -> str:
    """Document every route by the first line of its view."""
    lines = [
        "# Routes",
        "",
        "Written from the program by `make docs`. GET reads and changes nothing; changes are by POST with CSRF.",
        "",
        "| route | name | what it shows |",
        "| --- | --- | --- |",
    ]
    lines += [f"| `/{route}` | {name} | {says} |" for route, name, says in _routes()]
    return "\n".join([*lines, ""])


def _routes() -> Iterator[tuple[str, str, str]]:
    from broadsheet.web.urls import urlpatterns

    yield from _flat(urlpatterns, "")


def _flat(patterns: Iterable[URLPattern | URLResolver], prefix: str) -> Iterator[tuple[str, str, str]]:
    for pattern in patterns:
        route = prefix + str(pattern.pattern)
        if isinstance(pattern, URLPattern):
            yield route, pattern.name or "", _says(pattern)
        elif route in OF_LIBRARIES:
            yield route, pattern.app_name or "", OF_LIBRARIES[route]
        else:
            yield from _flat(pattern.url_patterns, route)


def _says(pattern: URLPattern) -> str:
    view = pattern.callback
    if target := getattr(view, "view_initkwargs", {}).get("pattern_name"):
        return f"Leads to `{target}`."
    return (view.__doc__ or "").strip().split("\n")[0]


PAGES: dict[str, Callable[[], str]] = {"commands.md": commands, "settings.md": settings, "routes.md": routes}


def stale() -> list[str]:
    """Name the documents that differ from the program, and what the program has that no document tells of."""
    found = [
        name for name, write in PAGES.items() if not (DOCS / name).exists() or (DOCS / name).read_text() != write()
    ]
    found += [f"routes.md: {route} has no description" for route, _name, says in _routes() if not says]
    return found


def main() -> int:
    """Write or check."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--write", action="store_true")
    options.add_argument("--check", action="store_true")
    chosen = options.parse_args()
    prepare()
    if chosen.write:
        for name, write in PAGES.items():
            (DOCS / name).write_text(write())
    wrong = stale()
    for name in wrong:
        sys.stderr.write(f"docs: {name} is not as the program is; run `make docs`\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
