"""Marking matched words."""

from hypothesis import given
from hypothesis import strategies as st

from broadsheet.search.highlight import highlight, snippet


def marked(text: str, *words: str) -> list[str]:
    return [piece for piece, matched in highlight(text, words) if matched]


def test_words_are_marked_whole_and_whatever_their_case() -> None:
    assert marked("Whale song; whales, WHALE-watching", "whale") == ["Whale", "WHALE"]


def test_accents_and_tex_accents_are_folded() -> None:
    assert marked(r"The Hölder and the H\"older norm", "holder") == ["Hölder", r"H\"older"]


def test_the_snippet_shows_the_place_with_most_words() -> None:
    text = "Nothing here. " * 40 + "Here whales sing a song. " + "Nothing more. " * 40
    pieces = snippet(text, ["whales", "song"], 120)
    assert [piece for piece, matched in pieces if matched] == ["whales", "song"]
    assert len("".join(piece for piece, _ in pieces)) <= 130


@given(st.text(max_size=200), st.lists(st.text(min_size=1, max_size=5), max_size=4))
def test_the_pieces_give_the_text_back(text: str, words: list[str]) -> None:
    assert "".join(piece for piece, _ in highlight(text, words)) == text
    snippet(text, words, 20)


LETTERS = "aBc1 _-.(\\"
WORDS = st.lists(st.sampled_from(["a", "bc", "ab1", "1", "c", "B", "a-c", ""]))


@given(st.text(LETTERS, max_size=40), WORDS)
def test_texts_of_ascii_alone_are_marked_as_all_others(text: str, words: list[str]) -> None:
    others = [piece for piece in highlight(f"{text} \u4e2d", words) if piece[1]]
    assert [piece for piece in highlight(text, words) if piece[1]] == others
