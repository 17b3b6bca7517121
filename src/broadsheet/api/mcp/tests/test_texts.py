from dataclasses import replace

from broadsheet.api.mcp import texts
from broadsheet.api.mcp.texts import ListedPaper, PaperList

PAPER = ListedPaper(
    rank=1,
    id="2611.00001",
    title="On two suns",
    authors=["Ada Example", "Bo Sample"],
    author_count=2,
    day="2026-11-18",
    categories=["cs.LG"],
    votes=1,
    comments=2,
    abstract="We study two suns.",
    url="https://papers.example/papers/2611.00001",
)


def listing(count: int, **values: object) -> PaperList:
    papers = [replace(PAPER, rank=rank, id=f"2611.{rank:05}") for rank in range(1, count + 1)]
    return replace(PaperList("Suns", papers), **values)  # type: ignore[arg-type]


def test_a_paper_stands_in_five_lines() -> None:
    assert texts.of_paper(PAPER).splitlines() == [
        "## 1. On two suns",
        "id 2611.00001 · 2026-11-18 · cs.LG · 1 vote, 2 comments",
        "Ada Example, Bo Sample",
        "We study two suns.",
        "https://papers.example/papers/2611.00001",
    ]


def test_authors_that_are_left_out_are_counted() -> None:
    assert "Ada Example, Bo Sample, and 3 more" in texts.of_paper(replace(PAPER, author_count=5))


def test_each_list_says_how_much_of_it_is_there() -> None:
    assert texts.header(listing(0)) == "# Suns: no papers."
    assert texts.header(listing(0), 20) == "# Suns: no papers after the first 20."
    assert texts.header(listing(1, total=1)) == "# Suns: all 1 paper."
    assert texts.header(listing(2, total=9, next_skip=2)) == "# Suns: the first 2 of 9."
    assert texts.header(listing(2, next_skip=2)) == "# Suns: the first 2, and there are more."
    assert texts.header(listing(2, notes=["No words."])).endswith(".\nNo words.")


def test_an_abstract_is_cut_at_a_blank() -> None:
    assert texts.shortened("one two three", 13) == "one two three"
    assert texts.shortened("one two three four", 13) == "one two …"
    assert len(texts.shortened("x" * 900, 600)) == 600


def test_a_list_that_is_too_long_loses_its_end_and_says_so() -> None:
    whole = listing(20, total=20)
    one = len(texts.of_paper(PAPER).encode())

    kept = texts.bounded(whole, 5, most=4 * one)

    assert len(kept.papers) == 3 and kept.next_skip == 8
    assert "cut after 3 papers" in kept.notes[0] and "skip=8" in texts.going_on(kept)
    assert texts.bounded(whole) == whole
    assert len(texts.bounded(whole, most=1).papers) == 1


def test_a_paper_that_is_too_long_is_cut_between_characters() -> None:
    said = texts.cut("é" * 100, "https://papers.example/x", most=51)

    assert said.startswith("é" * 25 + "\n\n(Cut after 51 of 200 bytes; all of it is at https://papers.example/x.)")
    assert texts.cut("short", "") == "short"


def test_wrong_arguments_are_told_in_one_sentence() -> None:
    said = texts.wrong_arguments("edition", [("limit", "Input should be less than or equal to 50")])

    assert said.startswith("edition was not called: limit: input should be less than or equal to 50. ")
