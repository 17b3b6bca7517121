"""Letters that lie in the home where no server takes them: they hold addresses, and links that act for people."""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from django.conf import settings
from django.db import transaction

# The head of a letter, which names whom it is for, is shorter than this.
_HEAD: Final = 8192


def forget(addresses: Iterable[str]) -> None:
    """Delete the letters to these addresses, once what is being erased is erased. What was sent is out of reach."""
    words = b"|".join(re.escape(address.lower().encode()) for address in addresses if address)
    if words:
        named = re.compile(rb"(?<![\w.+-])(?:%s)(?![\w.-])" % words)
        transaction.on_commit(lambda: _forget(settings.CONFIG.home / "mail", named))


def _forget(folder: Path, named: re.Pattern[bytes]) -> None:
    for path in folder.rglob("*"):
        if path.suffix in (".log", ".eml") and named.search(_head(path)):
            path.unlink(missing_ok=True)


def _head(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(_HEAD).lower()
    except OSError:
        return b""
