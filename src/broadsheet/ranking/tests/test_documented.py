"""docs/ranking.md names every constant with the default it has."""

import re
from dataclasses import fields
from pathlib import Path

import pytest

from broadsheet.config import SETTINGS
from broadsheet.ranking.rules import Rules

PAGE = Path(__file__).resolve().parents[4] / "docs" / "ranking.md"
ROWS = {
    match["name"]: match
    for match in re.finditer(r"^\| `(?P<name>\w+)` \| (?P<default>[\d.]+) \| (?P<rest>.*) \|$", PAGE.read_text(), re.M)
}


def test_no_constant_is_documented_that_is_not_there() -> None:
    assert set(ROWS) == {field.name for field in fields(Rules)}


@pytest.mark.parametrize("field", fields(Rules), ids=lambda field: str(field.name))
def test_every_constant_is_documented_with_its_default_and_reason(field: object) -> None:
    name, default = field.name, field.default  # type: ignore[attr-defined]
    assert float(ROWS[name]["default"]) == default
    assert len(ROWS[name]["rest"].split("|")[-1]) > 10
    assert f"{name}:" in (Rules.__doc__ or "") or f"{name}," in (Rules.__doc__ or "")


def test_constants_with_a_setting_name_it_and_share_its_default() -> None:
    known = {setting.name: setting.default for setting in SETTINGS}
    named = {field.name: field.default for field in fields(Rules) if field.name in known}
    assert len(named) == 5
    for name, default in named.items():
        assert f"`{name}`" in ROWS[name]["rest"]
        assert default == known[name]
