import json
from pathlib import Path

import pytest

from broadsheet.mail.bounces.read import read

LEAST_RIGHT = 0.95


def seen(raw: bytes) -> list[tuple[str, bool]]:
    """Status class and hardness of each recipient, as a script gets them."""
    told = read(raw)
    recipients = told.recipients if told.kind in ("bounce", "delivered") else ()
    return sorted((one.status[:1], one.hard) for one in recipients)


@pytest.mark.slow
def test_real_bounces_are_understood_and_nothing_else_is_one(shared: Path) -> None:
    cases = json.loads((shared / "bounces" / "expected.json").read_text())
    wrong, false = [], []
    for case in cases:
        expected = sorted((status[:1], hard == "1") for status, _, _, hard in case["expected"])
        got = seen((shared / "bounces" / case["file"]).read_bytes())
        if got != expected:
            wrong.append(case["file"])
        if got and not expected:
            false.append(case["file"])

    assert false == []
    assert 1 - len(wrong) / len(cases) >= LEAST_RIGHT, wrong
