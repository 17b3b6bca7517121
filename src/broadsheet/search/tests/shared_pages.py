"""The five saved pages, read with as little code as will do."""

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[4]
SHARED = Path(os.environ.get("BROADSHEET_SHARED") or ROOT.parent / "shared")
needs_pages = pytest.mark.skipif(not (SHARED / "data" / "pages").is_dir(), reason="the saved pages are not here")
_SHORT_HEADER = 12


def read_pages() -> dict[str, tuple[str, str]]:
    """Give (title, abstract) by page#rank."""
    found: dict[str, tuple[str, str]] = {}
    for page, path in enumerate(sorted((SHARED / "data" / "pages").glob("0*.txt"))):
        lines = [line.strip() for line in path.read_text().splitlines() if line.strip()]
        head = next(n for n, line in enumerate(lines) if line.startswith("Subscribe"))
        body = lines[head + 1 :] if lines[head] == "Subscribe" else [lines[head][9:], *lines[head + 1 :]]
        while len(body[0]) <= _SHORT_HEADER or body[0].startswith("byAK"):
            body = body[1:]
        found |= {f"{page}#{n // 2 + 1}": (body[n], body[n + 1]) for n in range(0, len(body), 2)}
    return found
