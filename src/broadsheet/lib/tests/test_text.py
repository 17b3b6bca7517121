import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broadsheet.lib.text import accents, fold, plain, squash, title_key


@pytest.mark.parametrize(
    ("tex", "shown"),
    [
        (r"H\"older", "Hölder"),
        (r"Fr\'echet", "Fréchet"),
        (r"Aky\"urek", "Akyürek"),
        (r"na\"{\i}ve", "naïve"),
        (r"M\k{a}dry", "Mądry"),
        (r"\c{c}a va", "ça va"),
        (r"Stra\ss{}e", "Straße"),
        (r"\v{C}ech", "Čech"),
        (r"90{\deg}", "90{°}"),
    ],
)
def test_tex_accents_become_the_characters_they_stand_for(tex: str, shown: str) -> None:
    assert accents(tex) == shown


@pytest.mark.parametrize(
    ("tex", "words"),
    [
        (r"\emph{robust} models", "robust models"),
        (r"a {\it slanted} word", "a slanted word"),
        (r"30\% of $n$ items", "30% of n items"),
        (r"``quoted'' text", '"quoted" text'),
        ("no tex at all", "no tex at all"),
    ],
)
def test_plain_keeps_the_words_and_drops_the_commands(tex: str, words: str) -> None:
    assert plain(tex) == words


def test_fold_makes_accents_and_case_equal() -> None:
    assert fold("Ünïcode ﬁne STRAẞE Łódź") == "unicode fine strasse lodz"


def test_like_titles_have_equal_keys() -> None:
    assert title_key("SDSC: A  Structure-Aware\n Model") == title_key("sdsc:a structure aware model")


@pytest.mark.parametrize("length", [0, 10, 2000])
@pytest.mark.parametrize("blank", [chr(code) for code in range(0x3001) if chr(code).isspace()])
def test_every_white_space_is_folded_in_a_text_of_any_length(blank: str, length: int) -> None:
    words = "word " * (length // 5)
    assert squash(f"{words}one{blank}two {blank}") == f"{words}one two"


@given(st.text())
def test_a_key_is_the_letters_and_digits_of_the_folded_title(title: str) -> None:
    assert title_key(title) == re.sub(r"[\W_]", "", fold(title))


@given(st.text())
def test_no_text_breaks_them(text: str) -> None:
    assert squash(squash(text)) == squash(text)
    assert title_key(text) == title_key(title_key(text)) or not text.isascii()
    plain(text)


@given(st.text(st.characters(codec="ascii")))
def test_folding_is_done_once(text: str) -> None:
    assert fold(fold(plain(text))) == fold(plain(text)) or "\\" in text or "'" in text
