"""Pages stay light: no framework, no fonts, a style sheet and a script that fit in a few packets."""

from pathlib import Path

STATIC = Path(__file__).resolve().parents[1] / "static" / "web"
TEMPLATES = Path(__file__).resolve().parents[1] / "templates"


def test_the_style_sheet_and_the_script_are_small() -> None:
    assert sum((STATIC / name).stat().st_size for name in ("colours.css", "broadsheet.css")) < 30_000
    assert (STATIC / "community.css").stat().st_size < 12_000
    assert (STATIC / "broadsheet.js").stat().st_size < 5_500


def test_the_style_sheet_loads_nothing() -> None:
    text = "".join((STATIC / name).read_text() for name in ("colours.css", "broadsheet.css"))
    assert "@import" not in text and "url(" not in text and "@font-face" not in text


def test_no_template_holds_a_style_or_a_script_of_its_own() -> None:
    for path in TEMPLATES.rglob("*.html"):
        text = path.read_text()
        assert "<style" not in text and " style=" not in text and "hx-on" not in text, path
        assert text.count("<script") == text.count("<script src="), path
