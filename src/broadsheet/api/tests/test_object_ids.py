from hypothesis import example, given
from hypothesis import strategies as st

from broadsheet.api.object_ids import author_id, is_object_id, organisation_id, paper_id, paper_key, user_id


@given(st.text("abcdefghijklmnopqrstuvwxyz0123456789./-", min_size=1, max_size=18))
@example("2405.12345")
@example("cond-mat/9901001")
@example("b0123456789ab")
@example("-" * 18)
@example("a")
def test_the_id_of_a_paper_leads_back_to_its_key(key: str) -> None:
    assert is_object_id(paper_id(key)) and paper_key(paper_id(key)) == key


@given(st.text(max_size=60))
@example("math.GT/0309136")
@example("10.5555/a.very.long.doi.of.a.paper")
@example("")
def test_every_key_has_an_id_and_none_leads_to_another_paper(key: str) -> None:
    assert is_object_id(paper_id(key)) and paper_key(paper_id(key)) in (key, None)


@given(st.integers(0, 2**96 - 1))
@example(0)
@example(2**96 - 1)
def test_any_id_leads_to_its_own_paper_or_to_none(number: int) -> None:
    found = paper_key(f"{number:024x}")
    assert found is None or paper_id(found) == f"{number:024x}"


@given(st.text(max_size=40))
@example("A" * 24)
@example("٣" * 24)
def test_what_is_no_id_leads_nowhere(text: str) -> None:
    assert is_object_id(text) or paper_key(text) is None


def test_ids_of_different_things_differ() -> None:
    authors = [author_id("2405.1", 0), author_id("2405.1", 1), author_id("2405.2", 0)]
    ids = [*authors, user_id("ada"), organisation_id("ada")]
    assert len(set(ids)) == len(ids) and all(is_object_id(each) for each in ids)
    assert author_id("2405.1", 0) == author_id("2405.1", 0)
