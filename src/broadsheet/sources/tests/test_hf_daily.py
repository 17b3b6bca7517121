import gzip
import json
import os
from dataclasses import replace
from datetime import UTC, date, datetime
from functools import cache
from io import BytesIO
from pathlib import Path

import pytest

from broadsheet.record.paper import Account, Author, Item, Link, ListedAuthor, Listing, PaperData, Rejected
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


def listing(told: object) -> Listing:
    return paper(told).listing or Listing()


def test_of_people_are_kept_names_and_public_accounts_and_no_pictures() -> None:
    found = paper(row())
    assert found.authors == (Author("Ada Byron"), Author("B. Dee"))
    assert found.listing == Listing(
        submitter=Account("someone", "Some One"), authors=(ListedAuthor(0, Account("ada", "A.")),)
    )
    assert not any(word in repr(found) for word in ("avatar", ".svg", "Hidden"))


def test_a_row_of_today_tells_all_that_is_beside_the_paper() -> None:
    told = with_paper(
        ai_summary="In short,\n bees.",
        ai_summary_model="a/model",
        ai_keywords=["bees", " honey\ncombs ", "bees"],
        submittedOnDailyBy={"user": "ada", "fullname": "Ada Byron", "avatarUrl": "/a.svg"},
        organization={"_id": "0" * 24, "name": "hive", "fullname": "The Hive", "avatar": "https://x.example/a.png"},
        mediaUrls=["https://media.example/a.mp4", "https://media.example/b.png", "https://media.example/a.mp4"],
        discussionId="66ac44677746f1e5ff6b71f3",
        githubRepo="https://github.com/a/b",
        githubRepoAddedBy="auto",
        authors=[
            {"name": "Hidden One", "hidden": True, "user": {"user": "hidden"}, "status": "claimed_verified"},
            {"name": "B. Dee", "hidden": False},
            {
                "name": "Ada Byron",
                "user": {"user": "ada", "fullname": "A."},
                "status": "claimed_verified",
                "statusLastChangedAt": "2024-05-28T09:13:43.053Z",
            },
            {"name": "C. Eff", "status": "extracted_pending"},
        ],
    )
    del told["submittedBy"]
    assert listing(told) == Listing(
        summary="In short, bees.",
        summary_by="a/model",
        keywords=("bees", "honey combs"),
        submitter=Account("ada", "Ada Byron"),
        organisation=("hive", "The Hive"),
        media=("https://media.example/a.mp4", "https://media.example/b.png"),
        authors=(
            ListedAuthor(1, Account("ada", "A."), "claimed_verified", datetime(2024, 5, 28, 9, 13, 43, 53000, UTC)),
            ListedAuthor(2, None, "extracted_pending"),
        ),
        discussion="66ac44677746f1e5ff6b71f3",
        code_by="auto",
    )


@pytest.mark.parametrize(
    ("told", "kept"),
    [
        ({"mediaUrl": "https://media.example/a.mp4"}, ("https://media.example/a.mp4",)),
        ({"mediaUrl": "https://cdn.example/social-thumbnails/papers/2405.00001.png"}, ()),
        ({"mediaUrl": "https://cdn.example/t.png", "thumbnail": "https://cdn.example/t.png"}, ()),
        ({"mediaUrls": ["javascript:alert(1)", "/local.png", "ftp://x.example/a", None, 7, {}]}, ()),
        ({"mediaUrls": [f"https://media.example/{number}" for number in range(99)]}, 20),
        ({"mediaUrls": ["https://media.example/" + "a" * 5000, "https://media.example/\x00"]}, ()),
    ],
)
def test_media_are_web_addresses_and_not_what_the_site_made_itself(told: dict[str, object], kept: object) -> None:
    media = listing(row(**told)).media
    assert (len(media) if isinstance(kept, int) else media) == kept


@pytest.mark.parametrize("key", ["organization", "submitterOrganization"])
def test_an_organisation_has_had_two_names_and_two_places(key: str) -> None:
    told = {"name": "hive", "fullname": "The Hive"}
    assert listing(row(**{key: told})).organisation == listing(with_paper(**{key: told})).organisation
    assert listing(row(**{key: {"name": "hive"}})).organisation == ("hive", "hive")


def test_a_site_that_names_itself_is_nobody_who_submitted() -> None:
    itself = {"user": "broadsheet", "name": "broadsheet", "fullname": "Lab papers"}
    assert listing(row(submittedBy=itself, source="arxiv")).submitter is None
    assert listing(row(submittedBy=itself)).submitter == Account("broadsheet", "Lab papers")


def test_parts_that_make_no_sense_are_left_out_and_the_paper_stays() -> None:
    told = with_paper(
        ai_summary={"text": "x"},
        ai_summary_model="\udfff",
        ai_keywords=[7, "a\x00b", "x" * 81, "", None, *(f"word {number}" for number in range(99))],
        submittedOnDailyBy=["ada"],
        organization="hive",
        discussionId="../../etc",
        githubRepoAddedBy="<b>",
        authors=[{"name": "Ada", "user": {"user": "a b"}, "status": 7}, {"name": "B", "user": "b", "status": "DROP;"}],
    )
    found = paper({**told, "submittedBy": {"name": "../x", "fullname": 7}})
    assert found.authors == (Author("Ada"), Author("B"))
    assert found.listing == Listing(keywords=tuple(f"word {number}" for number in range(50)))
    assert listing(with_paper(ai_summary="x" * 9999)).summary == "x" * 2000
    assert paper({"paper": {"id": "2405.00001", "title": "Alone"}}).listing is None
    assert listing(with_paper(authors=[{"name": "A", "status": "claimed", "statusLastChangedAt": "soon"}])).authors == (
        ListedAuthor(0, None, "claimed"),
    )


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


@cache
def recorded_year() -> tuple[PaperData, ...]:
    return tuple(item for item in open_items(shared("2024.jsonl.gz"))[1] if isinstance(item, PaperData))


def test_the_recorded_year_is_read_whole_and_the_day_is_told_without_being_said() -> None:
    papers = recorded_year()
    with gzip.open(shared("2024.jsonl.gz")) as stream:
        rows = [json.loads(line) for line in stream]
    assert [str(paper.announced) for paper in papers] == [one["day"] for one in rows]
    for one in rows:
        del one["day"]
    guessed = [item.announced for item in parse_rows(rows, None, today=TODAY) if isinstance(item, PaperData)]
    assert sum(mine == theirs.announced for mine, theirs in zip(guessed, papers, strict=True)) >= len(papers) - 1


def test_the_recorded_year_keeps_its_accounts_and_films_but_not_the_pictures_the_site_made() -> None:
    papers = recorded_year()
    listings = [paper.listing for paper in papers if paper.listing]
    media = [url for listing in listings for url in listing.media]
    assert sum(listing.submitter is not None for listing in listings) >= 2000
    assert sum(len(listing.authors) for listing in listings) > 6000
    assert len(media) > 200 and not any("social-thumbnails" in url for url in media)
    assert all(author.place < len(paper.authors) for paper in papers for author in (paper.listing or Listing()).authors)
