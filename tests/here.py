"""Commands on a home, run in this process: what a new one would answer, without the second it takes to start one."""

import contextlib
import io
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from broadsheet.cli import DONE, main
from broadsheet.moving import databases
from broadsheet.papers import finding

Answer = dict[str, Any]
Command = Callable[..., Answer]


@pytest.fixture
def answer_of(django_db_blocker: Any) -> Command:  # noqa: ANN401
    """Give the JSON that a command prints for a home; what an earlier one kept in memory is forgotten."""

    def ask(home: Path, *words: str, **values: object) -> Answer:
        before, said = settings.CONFIG, io.StringIO()
        settings.CONFIG = replace(before, home=home, values={**before.values, **values})
        finding.forget()
        try:
            record = databases.wrapper(str(home / "record.sqlite3"))
            with django_db_blocker.unblock(), databases.standing_in(record), contextlib.redirect_stdout(said):
                assert main([*words, "--json"]) == DONE
        finally:
            settings.CONFIG = before
            finding.forget()
        found: Answer = json.loads(said.getvalue())
        return found

    return ask
