import pytest

from broadsheet.digest.readable import clamped, cut, readable, visible, width, without_emoji, wrapped


def test_a_text_ends_with_the_last_sentence_that_fits() -> None:
    text = "One wind blows. Two winds blow here. Three winds are a storm."
    assert clamped(text, 40) == "One wind blows. Two winds blow here."
    assert clamped(text, 100) == text
    assert clamped(text, 0) == ""


def test_a_full_stop_of_an_abbreviation_ends_no_sentence() -> None:
    text = "As Lum et al. say, winds blow, e.g. from the north and also from elsewhere in the world"
    assert clamped(text, 60).endswith("…")
    assert clamped(text, 36) == "As Lum et al. say, winds blow…"


def test_where_no_sentence_ends_a_word_does() -> None:
    assert cut("One wind blows over the sea", 16) == "One wind blows…"
    assert cut("Onewindblowsoverthesea", 10) == "Onewindbl…"
    assert all(len(cut("a bc def ghij klmno " * 5, longest)) <= longest for longest in range(1, 60))


def test_east_asian_text_is_clamped_at_its_own_full_stop() -> None:
    assert (
        clamped("小さな惑星の風を測る。それは強い。もっと長い文がここに続く", 18)
        == "小さな惑星の風を測る。それは強い。"
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a\r\nb\u2028c\x00d", "a b cd"),
        ("a\u202eb\u2066c\ufeff", "abc"),
        ("\ue0001\ue001", "1"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("plain  text ", "plain text"),
    ],
)
def test_signs_that_hide_or_turn_are_left_out(text: str, expected: str) -> None:
    assert visible(text) == expected


def test_formulas_become_a_line() -> None:
    assert readable(r"Mixing in $O(n^2)$ at $\alpha_1$") == "Mixing in O(n²) at α₁"
    assert readable("half \ud800 sign") == "half sign"


def test_pictures_go_and_letters_stay() -> None:
    assert without_emoji("Wind \U0001f300\ufe0f α → β ² 東") == "Wind α → β ² 東"


def test_lines_are_broken_by_columns_not_by_characters() -> None:
    assert wrapped("one two three", 8, "* ", "  ") == "* one\n  two\n  three"
    assert wrapped("小さな惑星 の 風", 8) == "小さな惑\n星の風"
    assert wrapped("averyveryverylongword b", 8) == "averyveryverylongword\nb"
    assert width("a東\u0301") == 3
    assert wrapped("", 8, "  ") == ""
