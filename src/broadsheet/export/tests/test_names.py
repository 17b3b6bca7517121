import pytest
from hypothesis import given
from hypothesis import strategies as st

from broadsheet.export.names import Name, split


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("Ada Byron", Name("Byron", "Ada")),
        ("A. B. van den Berg Jr.", Name("Berg", "A. B.", "van den", "Jr.")),
        ("José de la Ef", Name("Ef", "José", "de la")),
        ("Henry IV", Name("IV", "Henry")),
        ("bell hooks", Name("hooks", "bell")),
        ("Ada von Berg Ef", Name("Berg Ef", "Ada", "von")),
        ("Madonna", Name(literal="Madonna")),
        ("王小明", Name(literal="王小明")),
        ("The WIND Collaboration", Name(literal="The WIND Collaboration")),
        ("Ada Byron on behalf of all", Name(literal="Ada Byron on behalf of all")),
        ("Dee, Ada", Name(literal="Dee, Ada")),
        ("", Name()),
    ],
)
def test_names_are_split(name: str, parts: Name) -> None:
    assert split(name) == parts


@given(st.text(st.sampled_from("abcABC .'-jrJR王"), max_size=30))
def test_the_parts_give_the_name_again(name: str) -> None:
    told = split(name)
    joined = " ".join(part for part in (told.given, told.particle, told.family, told.suffix) if part)
    assert (told.literal or joined) == " ".join(name.split())
