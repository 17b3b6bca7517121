from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broadsheet.web import categories, cover

TITLES = [f"{word}: a study of {word.lower()} winds" for word in ("ALBERT", "Meteor", "Yuan 2.0", "X", "Ånd", "42nd")]


@pytest.mark.parametrize("wide", [False, True])
@pytest.mark.parametrize("title", TITLES)
def test_a_cover_is_whole_svg_of_a_few_hundred_bytes(title: str, wide: bool) -> None:
    drawn = cover.draw(title, "cs.CL", wide=wide)
    assert ElementTree.fromstring(drawn).tag == "svg"
    assert len(drawn) < (12_000 if wide else 6_000)
    assert "style" not in drawn


def test_the_same_paper_always_gets_the_same_cover_and_others_differ() -> None:
    drawn = {cover.draw(title, "cs.CV") for title in TITLES}
    cover.draw.cache_clear()
    assert drawn == {cover.draw(title, "cs.CV") for title in TITLES}
    assert len(drawn) == len(TITLES)


def test_every_motif_is_drawn_in_both_sizes() -> None:
    for draw in cover.MOTIFS:
        for width, height in ((100, 100), (200, 150)):
            assert draw(bytes(range(31)), width, height).startswith("M")


@given(st.text(max_size=40), st.text(max_size=8))
def test_no_title_breaks_a_cover(title: str, category: str) -> None:
    for wide in (False, True):
        made = "".join(char for char in cover.draw(title, category, wide=wide) if char.isprintable())
        ElementTree.fromstring(made)


@pytest.mark.parametrize(
    ("title", "name"),
    [("ALBERT: A Lite BERT", "ALBERT"), ("Yuan 2.0: more", "Yuan 2.0"), ("On winds", ""), ("A very long name: x", "")],
)
def test_the_name_before_the_colon_stands_on_the_cover(title: str, name: str) -> None:
    assert cover.system_name(title) == name


def test_categories_have_names_and_inks() -> None:
    assert categories.name("cs.CL") == "Computation and Language"
    assert categories.name("new.XX") == "new.XX"
    assert {categories.ink(code) for code in [*categories.NAMES, "new.XX", ""]} <= set(categories.INKS)
    assert len(categories.NAMES) > 150
