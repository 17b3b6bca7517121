from broadsheet.papers.models import Paper
from broadsheet.web.badges import badges, figures, told

CODE = {"kind": "code", "url": "https://code.example/a"}


def kinds(**fields: object) -> list[str]:
    return [badge.kind for badge in badges(Paper(**fields))]


def test_each_kind_of_link_gives_one_sign() -> None:
    model = {"kind": "model", "url": "https://models.example/a"}
    assert kinds(links=[CODE, CODE | {"url": "https://code.example/b"}], facts={"links": [model]}) == ["code", "model"]


def test_code_that_is_only_promised_says_so() -> None:
    (badge,) = badges(Paper(links=[], facts={"code_promised": True, "links": [CODE]}))
    assert (badge.kind, badge.label, badge.url) == ("promised", "Code promised", CODE["url"])


def test_code_released_in_words_has_a_sign_without_a_link() -> None:
    (badge,) = badges(Paper(facts={"code_released": True}))
    assert (badge.kind, badge.url) == ("code", "")


def test_links_that_no_browser_should_open_are_left_out() -> None:
    assert kinds(links=[{"kind": "code", "url": "javascript:alert(1)"}, {"kind": "evil", "url": "https://x"}, 7]) == []


def test_damaged_facts_break_nothing() -> None:
    paper = Paper(links="nonsense", facts=["nonsense"])
    assert badges(paper) == [] and figures(paper) == [] and told(paper) == []


def test_the_figures_of_a_card_are_few() -> None:
    paper = Paper(facts={"gains": ["1% → 2%"], "model_sizes": ["7B", "13B", "70B"], "speed_ups": ["3x"]})
    assert figures(paper) == ["1% → 2%", "3x", "7B"]


def test_what_was_found_is_told_by_name() -> None:
    found = dict(told(Paper(facts={"system": "ALBERT", "benchmarks": ["GLUE"], "state_of_the_art": True})))
    assert found["System"] == ["ALBERT"] and found["Benchmarks"] == ["GLUE"] and "Claim" in found
