"""Documents that cannot rot: what the program has, they tell; what they link to is there."""

import re
from pathlib import Path

import pytest

from broadsheet import docs
from broadsheet.cli import COMMANDS, module_of
from broadsheet.config import SETTINGS

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])


def test_commands_settings_and_routes_are_documented_as_they_are() -> None:
    assert docs.stale() == []


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_a_help_text_and_an_example(command: str) -> None:
    module = module_of(command)
    assert module.HELP.endswith(".")
    assert module.EXAMPLE.startswith(f"broadsheet {command}")


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.name)
def test_every_setting_says_what_it_does(setting: object) -> None:
    assert setting.says.endswith(".")  # type: ignore[attr-defined]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_between_documents_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text()):
        assert (page.parent / target).exists(), target


@pytest.mark.parametrize("adr", sorted((ROOT / "docs" / "adr").glob("*.md")), ids=lambda adr: adr.name)
def test_decisions_are_short_and_have_their_four_parts(adr: Path) -> None:
    text = adr.read_text()
    assert len([line for line in text.splitlines() if line.strip()]) <= 22
    for part in ("Status:", "## Context", "## Decision", "## Consequences"):
        assert part in text


def test_the_code_map_names_every_room() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text()
    rooms = {path.name.removesuffix(".py") for path in (ROOT / "src" / "broadsheet").glob("[!.]*")}
    for room in rooms - {"__init__", "__pycache__", "py.typed", "asgi"}:
        assert f"`{room}`" in text, room
