import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broadsheet.record.facts import Facts, facts
from broadsheet.record.paper import Link


def links(abstract: str) -> list[tuple[str, str]]:
    return [(link.kind, link.url) for link in facts("", abstract).links]


@pytest.mark.parametrize(
    ("said", "url"),
    [
        ("Code is at https://github.com/a/b{https://github.com/a/b}.", "https://github.com/a/b"),
        ("Code is available at https://github.com/a/b{Our Repo}.", "https://github.com/a/b"),
        (r"Code: \url{https://github.com/a/b}.", "https://github.com/a/b"),
        (r"Code: https://github.com/a/under\_score.", "https://github.com/a/under_score"),
        ("Code is at https://github.com/a/b .", "https://github.com/a/b"),
        ("(our code: https://github.com/a/b.git)", "https://github.com/a/b"),
        ("Code is at www.github.com/a/b", "https://www.github.com/a/b"),
        ("We share github.com/a/b with all", "https://github.com/a/b"),
        ("platforms.Code is available at https://github.com/a/b/tree/main/c.", "https://github.com/a/b/tree/main/c"),
        ("Code (https://example.org/x_(1)) is there", "https://example.org/x_(1)"),
    ],
)
def test_an_address_is_cut_out_of_its_sentence_and_completed(said: str, url: str) -> None:
    assert links(said) == [("code", url)]


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ("We release the dataset at https://example.org/set/", "data"),
        ("Data: https://huggingface.co/datasets/a/b", "data"),
        ("The model is at https://huggingface.co/a/b", "model"),
        ("Try https://huggingface.co/spaces/a/b", "demo"),
        ("Project page: https://someone.github.io/thing/", "project"),
        ("Project page and code: https://someone.github.io/thing-demo/", "demo"),
        ("The annotated dataset lies at https://github.com/a/b", "data"),
        ("Dataset and code lie at https://github.com/a/b", "code"),
        ("See http://lab.example.edu/things/", "project"),
    ],
)
def test_host_and_words_say_what_a_link_leads_to(said: str, kind: str) -> None:
    assert [found for found, _ in links(said)] == [kind]


def test_two_links_of_a_sentence_are_told_apart() -> None:
    said = "We release the dataset at https://a.example.org/x and the code at https://b.example.org/y."
    assert links(said) == [("data", "https://a.example.org/x"), ("code", "https://b.example.org/y")]


def test_addresses_of_papers_are_citations_and_no_links() -> None:
    found = facts("", "We extend https://arxiv.org/abs/2004.11967v2 and arXiv:hep-th/9901001.")
    assert (found.links, found.cites) == ((), ("2004.11967", "hep-th/9901001"))


@pytest.mark.parametrize(
    ("said", "released", "promised"),
    [
        ("Our code is publicly available.", True, False),
        ("We open-source our models.", True, False),
        ("The implementation is released here.", True, False),
        ("Our code will be made publicly available.", False, True),
        ("The code will be available via https://github.com/a/b.", False, True),
        ("Data and code are coming soon.", False, True),
        ("We will make our code publicly available at https://github.com/a/b.", False, True),
        ("Code will be released upon acceptance. A demo is at https://a.example.org/demo.", False, True),
        ("Code is available at https://github.com/a/b. The data will be released soon.", True, False),
        ("We study error-correcting codes over available channels.", False, False),
        ("Open-source models will be compared; codes are learned.", False, False),
        ("", False, False),
    ],
)
def test_code_that_is_there_is_told_from_code_that_is_promised(said: str, released: bool, promised: bool) -> None:
    found = facts("", said)
    assert (found.code_released, found.code_promised, found.has_code) == (released, promised, released)


def test_a_repository_that_the_source_names_is_code() -> None:
    given_link = Link("code", "https://github.com/a/b")
    found = facts("", "Code will be released.", [given_link])
    assert (found.links, found.code_released, found.code_promised) == ((given_link,), True, False)


@pytest.mark.parametrize(
    ("said", "sizes"),
    [
        ("a model of 260 billion parameters", ("260B",)),
        ("scaling from 95M to 330M parameters", ("95M", "330M")),
        ("OLMo (1B-7B) and Pythia (160M-12B) models", ("1B", "7B", "160M", "12B")),
        ("Llama-3-8B-Instruct beats mistral-7b and Mixtral 8x7B", ("8B", "7B", "8x7B")),
        ("a 7B model trained to 4T tokens", ("7B",)),
        ("a 1.2b parameter model", ("1.2B",)),
        ("1.3M text-image pairs", ()),
        ("on 15B OpenWebMath corpus and 50 billion token budgets", ()),
        ("500M and 1B training examples", ()),
        ("bands of 30 MB at 5 GHz", ()),
    ],
)
def test_a_number_is_a_model_size_when_the_words_after_it_allow(said: str, sizes: tuple[str, ...]) -> None:
    assert facts("", said).model_sizes == sizes


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ("on ImageNet-1K and CIFAR10/100", ("ImageNet", "CIFAR-10")),
        ("on CIFAR-10 and CIFAR-100", ("CIFAR-10", "CIFAR-100")),
        ("GSM8k, MATH-500 and HumanEval+.", ("GSM8K", "MATH", "HumanEval")),
        ("we do the math, and glue and squad the arc", ()),
        ("COCOA and MATHEMATICS", ()),
        ("MS-COCO, nuScenes and Something-Something", ("COCO", "nuScenes", "Something-Something")),
    ],
)
def test_benchmarks_have_aliases_and_whole_words(said: str, found: tuple[str, ...]) -> None:
    assert facts("", said).benchmarks[: len(found) or None] == found


@pytest.mark.parametrize(
    ("title", "system"),
    [
        ("ALBERT: a lite thing", "ALBERT"),
        ("ERNIE 3.0 Titan: larger", "ERNIE 3.0 Titan"),
        ("Social NCE: contrast", "Social NCE"),
        ("SDSC:A glued one", "SDSC"),
        ("Mind the Gap: on margins", ""),
        ("Revisiting ResNets: improved", ""),
        ("Learning to Rank, Again: a view", ""),
        ("No colon here", ""),
        (":", ""),
    ],
)
def test_a_name_before_the_colon_is_the_system(title: str, system: str) -> None:
    assert facts(title, "").system == system


def test_figures_are_kept_as_the_authors_wrote_them() -> None:
    said = (
        r"It gains 4.5\% and 12 %, from 22.9% to 39.4%, is 3.5x faster, needs 3 times fewer steps, from 2015 to 2020."
    )
    found = facts("", said)
    assert found.percentages == ("4.5%", "12%", "22.9%", "39.4%")
    assert found.gains == ("22.9% → 39.4%",)
    assert found.speed_ups == ("3.5x", "3x")


def test_image_sizes_and_repetitions_are_no_speed_ups() -> None:
    assert facts("", "images of 32 x 32 and 64times 64, each shown 3 times to T5X").speed_ups == ()


def test_a_claim_stands_with_words_of_success() -> None:
    assert facts("", "It achieves state-of-the-art results.").state_of_the_art
    assert facts("", "New SOTA is set: we outperform the SOTA.").state_of_the_art
    assert not facts("", "However, state-of-the-art methods still fail.").state_of_the_art


def test_surveys_and_packages_are_found() -> None:
    assert facts("Sparse things: A Survey", "").survey
    assert not facts("Surveying reviewers", "").survey
    assert facts("", "Install it with pip install some-thing.").packages == ("some-thing",)


def test_facts_survive_their_json_form() -> None:
    found = facts("ABC: a Review", "7B model, 5% on MMLU. Code is available at https://github.com/a/b.")
    assert Facts.from_json(found.to_json()) == found
    assert Facts().to_json() == {}
    assert Facts.from_json({"of_a_later_version": 1}) == Facts()


@given(st.text(alphabet="code will be available 7B:%x/. htps{}()\\github.com,-10", max_size=300))
def test_no_text_breaks_the_reading_and_nothing_is_both_there_and_promised(text: str) -> None:
    found = facts(text, text)
    assert not (found.code_released and found.code_promised)


@pytest.fixture(scope="module")
def pages() -> dict[str, Facts]:
    """The facts of each distinct paper of the saved pages, by page#rank."""
    beside = Path(__file__).resolve().parents[5] / "shared"
    folder = Path(os.environ.get("BROADSHEET_SHARED", beside)) / "data" / "pages"
    if not folder.is_dir():
        pytest.skip(f"the saved pages are not here: {folder}")
    papers: dict[str, tuple[str, str]] = {}
    for page, path in enumerate(sorted(folder.glob("*.txt"))):
        lines = [line for line in path.read_text(encoding="utf-8").split("\n") if line]
        first = next(at for at, line in enumerate(lines) if len(line) > 300) - 1
        for rank, (title, abstract) in enumerate(zip(lines[first::2], lines[first + 1 :: 2], strict=True), 1):
            papers.setdefault(abstract, (f"{page}#{rank}", title))
    return {name: facts(title, abstract) for abstract, (name, title) in papers.items()}


COUNTED: list[tuple[str, Callable[[Facts], object], int, int]] = [
    # what, test, the count by hand, how far from it we may be and why
    ("any link", lambda found: found.links, 108, 0),
    ("a percentage", lambda found: found.percentages, 96, 0),
    ("from X to Y", lambda found: found.gains, 9, 0),
    ("a survey", lambda found: found.survey, 6, 0),
    ("a cited id", lambda found: found.cites, 1, 0),
    ("a package", lambda found: found.packages, 1, 0),
    ("code promised", lambda found: found.code_promised, 12, 0),
    ("a speed-up", lambda found: found.speed_ups, 23, 1),  # "T5X" is a name
    ("code released", lambda found: found.code_released, 109, 4),  # that count knows words only, we know links too
    # 47 hold such a number, 7 of them count pairs, examples, decisions …
    ("a model size", lambda found: found.model_sizes, 40, 0),
    ("a benchmark", lambda found: found.benchmarks, 112, 8),  # our list has the well-known ones
    ("a system", lambda found: found.system, 94, 8),  # one word may be a name or a notion
    ("a claim", lambda found: found.state_of_the_art, 121, 12),  # 124 say it, some of others
]


@pytest.mark.parametrize(("what", "holds", "counted", "tolerance"), COUNTED, ids=[row[0] for row in COUNTED])
def test_the_saved_pages_hold_the_facts_counted_by_hand(
    pages: dict[str, Facts], what: str, holds: Callable[[Facts], object], counted: int, tolerance: int
) -> None:
    assert len(pages) == 457
    assert abs(sum(1 for found in pages.values() if holds(found)) - counted) <= tolerance, what


def test_the_promises_of_the_saved_pages_are_these(pages: dict[str, Facts]) -> None:
    wanted = ["0#9", "0#90", "1#2", "1#6", "1#13", "1#53", "1#75", "2#20", "3#100", "3#109", "3#112", "4#1"]
    assert {name for name, found in pages.items() if found.code_promised} == set(wanted)
