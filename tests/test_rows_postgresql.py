"""Many rows at once on PostgreSQL, where they go in one go: the same rows, and the same refusals, as one by one."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.postgres]
PROGRAM = """
import json
from datetime import UTC, date, datetime
from broadsheet.cli import prepare
prepare()
from django.db import DatabaseError, transaction
from broadsheet.papers import database, rows
from broadsheet.papers.models import Authorship, Change, Paper, Quarantined, Sighting, Signal, Vector, Version
database.migrate()
now = datetime(2024, 5, 27, 12, tzinfo=UTC)
awkward = 'a\\tb\\\\c\\nd {"e": [1, "x,y"]} NULL \\\\N'
for n in (1, 2):
    Paper.objects.create(id=n, key=f"k{n}", title="t", abstract="", source="s", first_seen=now)
rows.insert(Authorship, ("paper", "position", "name", "name_key", "affiliation"), [(1, 0, awkward, "", awkward)])
seen = ("paper", "source", "raw_hash", "datestamp", "seen")
rows.insert(Sighting, seen, [(1, "a", "h", None, now), (2, "a", "h", date(2024, 5, 2), now)], replace="paper_id,source")
rows.insert(Version, ("paper", "number", "submitted"), [(1, 1, None), (1, 2, now)])
rows.insert(Change, ("seq", "paper", "kind", "source", "at", "old"), [(1, 1, "revise", "", now, '{"title": "x"}')])
signal = ("paper", "source", "name", "value", "observed")
unique = "paper_id,source,name"
rows.insert(Signal, signal, [(1, "a", "upvotes", 5, now), (1, "a", "upvotes", 7, now)], replace=unique)
rows.insert(Signal, signal, [(2, "a", "upvotes", 1, now), (1, "a", "upvotes", 9, now)], replace=unique)
rows.insert(Vector, ("encoder", "text_hash", "data"), [("e", "h", b"\\0\\1\\xff")], replace="encoder,text_hash")
rows.insert(Quarantined, ("digest", "source", "subject", "reason", "raw", "at"),
            [("d", "s", awkward, "r", b"\\\\x00", now)], replace="digest")
counts = list(Signal.objects.order_by("paper").values_list("paper_id", "value"))
refused = []
for model, names, row, replace in (
    (Signal, signal, (1, "s" * 21, "upvotes", 1, now), unique),
    (Signal, signal, (1, "s" * 21, "upvotes", 1, now), ""),
    (Signal, signal, (1, "a", "upvotes", 1, now), ""),
    (Signal, signal, (99, "b", "upvotes", 1, now), ""),
):
    try:
        with transaction.atomic():
            rows.insert(model, names, [row], replace=replace)
    except DatabaseError as problem:
        refused.append(type(problem).__name__)
author, (one, two) = Authorship.objects.get(), Sighting.objects.order_by("paper")
print(json.dumps({
    "texts": [author.name == awkward, author.affiliation == awkward, Quarantined.objects.get().subject == awkward],
    "days": [one.datestamp, str(two.datestamp), str(one.seen), *map(str, Version.objects.values_list("submitted"))],
    "signals": counts,
    "bytes": [bytes(Vector.objects.get().data).hex(), bytes(Quarantined.objects.get().raw).hex()],
    "old": Change.objects.get().old,
    "refused": refused,
}))
"""


def outcome(home: Path, database: str) -> dict[str, Any]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("BROADSHEET_")}
    environment |= {"BROADSHEET_HOME": str(home), "BROADSHEET_DATABASE": database, "BROADSHEET_ENCODER": "none"}
    done = subprocess.run([sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def test_rows_go_in_alike_on_both_databases(tmp_path: Path, empty_database: str) -> None:
    there = outcome(tmp_path / "there", empty_database)
    assert there["refused"] == ["DataError", "DataError", "IntegrityError", "IntegrityError"]
    # SQLite takes a text of any length.
    here = outcome(tmp_path / "here", "")
    assert there["texts"] == [True, True, True]
    assert there["signals"] == [[1, 9], [2, 1]]
    assert {**there, "refused": []} == {**here, "refused": []}
