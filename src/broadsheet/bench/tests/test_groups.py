import numpy as np
import pytest

from broadsheet.bench import groups
from broadsheet.bench.groups import World, ask, by_author
from broadsheet.search.types import PaperToIndex

PEOPLE = 8


def papers(telling: bool) -> list[PaperToIndex]:
    """Eight people with six papers each; where they tell something, each writes about one subject of their own."""
    draw = np.random.default_rng(3)
    found = []
    for number in range(PEOPLE * 6):
        subject = number % PEOPLE if telling else int(draw.integers(PEOPLE))
        words = " ".join(f"word{subject}{chr(97 + int(letter))}" for letter in draw.integers(0, 12, 30))
        found.append(PaperToIndex(number + 1, f"On {words[:24]}", words, authors=(f"Person Number{number % PEOPLE}",)))
    return found


@pytest.mark.parametrize(("telling", "least", "most"), [(True, 0.99, 1.0), (False, 0.0, 0.5)])
def test_the_author_is_found_where_papers_tell_who_wrote_them(
    monkeypatch: pytest.MonkeyPatch, telling: bool, least: float, most: float
) -> None:
    monkeypatch.setattr(groups, "PEOPLE", PEOPLE)
    given = papers(telling)
    written = list(by_author(given).values())
    assert len(written) == PEOPLE
    found = ask(World(given, np.zeros((len(given), 0), np.float32)), written, most=25, draws=60)
    assert least <= found["first"] <= most and found["first_lo"] <= found["first"] <= found["first_hi"]
    assert all(0 <= found[name] <= 1 for name in ("author_near", "stranger_near", "answered_close", "first_if_close"))
    if telling:
        assert found["author_near"] == 1 and found["stranger_near"] < 0.05
