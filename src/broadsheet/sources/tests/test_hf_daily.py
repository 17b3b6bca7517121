import gzip
import json
import os
from dataclasses import replace
from datetime import UTC, date, datetime
from io import BytesIO
from pathlib import Path

import pytest

from broadsheet.record.paper import Author, Item, Link, PaperData, Rejected
from broadsheet.sources.files import open_items
from broadsheet.sources.hf_daily import parse_rows, read
from broadsheet.sources.reading import BadFile

TODAY = date(2026, 3, 1)


def row(**more: object) -> dict[str, object]:
    told: dict[str, object] = {
        "paper": {
            "id": "2405.00001",
            "title": "A title\n  on two lines",
            "summary": "Words\nof it.",
            "publishedAt": "2024-05-24T17:34:15.000Z",
            "upvotes": 32,
            "authors": [
                {
                    "name": "Ada Byron",
                    "hidden": False,
                    "user": {"user": "ada", "avatarUrl": "/a.svg", "fullname": "A."},
                },
                {"name": "Hidden One", "hidden": True},
                {"name": "B. Dee"},
            ],
        },
        "publishedAt": "2024-05-27T03:50:58.348Z",
        "title": "A title on two lines",
        "numComments": 3,
        "submittedBy": {"name": "someone", "fullname": "Some One"},
    }
    return {**told, **more}


def with_paper(**more: object) -> dict[str, object]:
    return row(paper={**row()["paper"], **more})  # type: ignore[dict-item]


def only(told: object, day: date | None = None) -> Item:
    (item,) = parse_rows([told], day, today=TODAY)
    return item


def paper(told: object, day: date | None = None) -> PaperData:
    item = only(told, day)
    assert isinstance(item, PaperData), item
    return item


def items(text: str, name: str = "answer.json") -> list[Item]:
    return list(read(BytesIO(text.encode(errors="surrogatepass")), name, lambda: datetime(2026, 3, 1, tzinfo=UTC)))


def test_a_row_gives_texts_counts_and_the_day_it_was_listed() -> None:
    found = paper(row())
    assert (found.title, found.abstract) == ("A title on two lines", "Words of it.")
    assert [str(name) for name in found.identifiers] == ["arxiv:2405.00001"]
    assert found.submitted == datetime(2024, 5, 24, 17, 34, 15, tzinfo=UTC)
    assert (found.announced, found.announced_by) == (date(2024, 5, 27), "listing")
    assert found.signals == (("upvotes", 32), ("comments", 3))


def test_people_are_authors_by_name_and_nothing_else_is_kept_of_them() -> None:
    found = paper(row())
    assert found.authors == (Author("Ada Byron"), Author("B. Dee"))
    assert not any(word in repr(found) for word in ("ada'", "avatar", ".svg", "Some One", "someone", "Hidden"))


@pytest.mark.parametrize(
    ("told", "day", "listed"),
    [
        (with_paper(submittedOnDailyAt="2024-05-28T00:00:00.000Z"), date(2024, 6, 1), date(2024, 5, 28)),
        (row(day="2024-05-29"), date(2024, 6, 1), date(2024, 5, 29)),
        (row(), date(2024, 6, 1), date(2024, 6, 1)),
        (row(publishedAt="2024-05-26T22:15:00.000Z"), None, date(2024, 5, 27)),  # the list of a day opens at 21:00 UTC
        (row(publishedAt="2025-06-01T12:00:00.000Z"), None, None),  # no longer the moment of listing
        (row(publishedAt=None), None, None),
    ],
)
def test_the_day_is_the_one_that_is_told_best(told: object, day: date | None, listed: date | None) -> None:
    found = paper(told, day)
    assert (found.announced, found.announced_by) == (listed, "listing" if listed else "")


def test_links_and_stars_are_taken_where_there_are_any() -> None:
    found = paper(
        with_paper(
            githubRepo="https://github.com/a/b",
            githubStars=9,
            projectPage="https://example.org/p",
            linkedModels=[{"id": "a/m"}, {"id": "../../etc"}, {}],
            linkedDatasets=[{"id": "a/d"}],
            linkedSpaces=[{"id": "a/s"}],
        )
    )
    assert found.links == (
        Link("code", "https://github.com/a/b"),
        Link("project", "https://example.org/p"),
        Link("model", "https://huggingface.co/a/m"),
        Link("data", "https://huggingface.co/datasets/a/d"),
        Link("demo", "https://huggingface.co/spaces/a/s"),
    )
    assert found.signals[-1] == ("github_stars", 9)
    assert paper(with_paper(githubRepo="javascript:alert(1)", upvotes=10**30)).links == ()
    assert paper(with_paper(upvotes=10**30)).signals == (("comments", 3),)


def test_a_row_may_be_the_text_of_a_python_dict() -> None:
    told = with_paper(title='It\'s "quoted"', projectPage=None, summary="a\n\\n b")
    assert replace(paper(repr(told)), raw_hash="") == replace(paper(told), raw_hash="")


@pytest.mark.parametrize(
    ("told", "says"),
    [
        (repr(row())[:200], "no whole Python dict"),
        ("__import__('os').getcwd()", "no whole Python dict"),
        ("[" * 5000, "no whole Python dict"),
        ("'" + "x" * (2 << 20), "characters as one string"),
        ("['a']", "a row that is a list"),
        (7, "a row that is a int"),
        ({"title": "alone"}, "without a paper"),
        (with_paper(id=None), "without an id"),
        (row(title="", paper={"id": "2405.00001", "title": " "}), "2405.00001 has no title"),
        (with_paper(id="2405.0001"), "4 digits"),
        (with_paper(publishedAt="9999-01-01T00:00:00Z"), "cannot be right"),
        (with_paper(publishedAt="soon"), "not a moment"),
        (with_paper(title="a\x00b"), "NUL"),
        (with_paper(summary="\udfff"), "half a character"),
        (with_paper(title={"en": "x"}), "paper.title is a dict"),
    ],
)
def test_a_row_that_cannot_be_read_is_kept_aside(told: object, says: str) -> None:
    item = only(told)
    assert isinstance(item, Rejected) and says in item.reason and item.subject == "row 1"
    assert item.raw and len(item.raw) <= 64 << 10


def test_one_bad_row_does_not_stop_the_list() -> None:
    assert [type(item) for item in parse_rows(["{", row(), {}], None, today=TODAY)] == [Rejected, PaperData, Rejected]


@pytest.mark.parametrize(
    "text",
    [
        json.dumps([row()]),
        json.dumps([row()], indent=1),
        json.dumps([repr(row())]),
        json.dumps({"status": "success", "date": "2024-05-27", "count": 1, "data": [row()]}),
        json.dumps({"status": "success", "date": "2024-05-27", "count": 1, "data": [repr(row())]}, indent=2),
        json.dumps(row(day="2024-05-27")),
        "\ufeff" + json.dumps([row()]),
    ],
)
def test_every_shape_of_file_gives_the_same_paper(text: str) -> None:
    (item,) = items(text, "daily-2024-05-27.json")
    assert isinstance(item, PaperData)
    assert (item.title, item.announced) == ("A title on two lines", date(2024, 5, 27))


def test_json_lines_go_on_after_a_broken_line() -> None:
    good = json.dumps(row(day="2024-05-27"))
    found = items(f"{good}\n{good[:300]}\n\n{good}\n")
    assert [type(item) for item in found] == [PaperData, Rejected, PaperData]
    first_broken = items(f"{good[:300]}\n{good}\n")
    assert [type(item) for item in first_broken] == [Rejected, PaperData]


@pytest.mark.parametrize("text", ["[1, 2", '{"data": 3}', '{\n"error": "too many requests"\n}', '[{"paper": '])
def test_a_file_that_is_no_list_is_refused(text: str) -> None:
    with pytest.raises(BadFile, match=r"answer\.json"):
        items(text)


def shared(name: str) -> Path:
    beside = Path(__file__).resolve().parents[5] / "shared"
    path = Path(os.environ.get("BROADSHEET_SHARED", beside)) / "data" / "hf_daily" / name
    if not path.exists():
        pytest.skip(f"the recorded lists are not here: {path}")
    return path


@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("2024-05-27.json", 13),
        ("2024-06-03.json", 6),
        ("2024-10-01.json", 11),
        ("2024-12-11-drift.json", 26),
        ("2025-01-10-drift.json", 9),
    ],
)
def test_every_row_of_the_recorded_answers_is_read_onto_its_day(name: str, count: int) -> None:
    form, found = open_items(shared("raw") / name)
    papers = [item for item in found if isinstance(item, PaperData)]
    assert (form, len(papers)) == ("hf-daily", count)
    assert {paper.announced for paper in papers} == {date.fromisoformat(name[:10])}


def test_the_recorded_year_is_read_whole_and_the_day_is_told_without_being_said() -> None:
    path = shared("2024.jsonl.gz")
    papers = [item for item in open_items(path)[1] if isinstance(item, PaperData)]
    with gzip.open(path) as stream:
        rows = [json.loads(line) for line in stream]
    assert [str(paper.announced) for paper in papers] == [one["day"] for one in rows]
    for one in rows:
        del one["day"]
    guessed = [item.announced for item in parse_rows(rows, None, today=TODAY) if isinstance(item, PaperData)]
    assert sum(mine == theirs.announced for mine, theirs in zip(guessed, papers, strict=True)) >= len(papers) - 1
