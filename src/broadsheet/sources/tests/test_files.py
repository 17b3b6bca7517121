import gzip
import json
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from broadsheet.record.paper import Item, PaperData, Rejected
from broadsheet.sources.files import FORMATS, BadFile, files_under, open_items

ROW = {"id": "2405.{:05}", "title": "A title", "abstract": "Words.", "categories": "cs.LG", "authors": "Ada Byron"}
LONG = "An abstract of enough words to be one, told again and again. " * 5
COPIED: dict[str, object] = {
    "source": "sample",
    "title": "A title",
    "identifiers": [["arxiv", "2405.00001"]],
    "sightings": [["sample", "", None, []]],
}
SAMPLES = {
    "broadsheet-jsonl": ("copy.jsonl", json.dumps({"seq": 1, "key": "2405.00001", "paper": COPIED})),
    "saved-page": ("page.txt", f"Get trending papers in your email inbox!\nSubscribe\nA title\n{LONG}\n"),
    "arxiv-jsonl": ("arxiv.jsonl", json.dumps({**ROW, "id": "2405.00001"}) + "\n"),
    "hf-daily": ("2024-05-27.json", json.dumps([{"paper": {"id": "2405.00001", "title": "A title"}}])),
    "bibtex": ("refs.bib", "@article{key, title = {A title}, year = 2024}"),
    "ris": ("refs.ris", "TY  - JOUR\nTI  - A title\nER  - \n"),
    "csl-json": ("refs.json", json.dumps([{"type": "article", "title": "A title"}])),
}


def clock() -> datetime:
    return datetime(2026, 3, 1, tzinfo=UTC)


def rows(count: int) -> bytes:
    return b"".join(json.dumps({**ROW, "id": ROW["id"].format(number)}).encode() + b"\n" for number in range(count))


def read(path: Path, form: str = "auto") -> list[Item]:
    return list(open_items(path, form, clock)[1])


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("packed", [False, True])
def test_each_format_is_told_from_the_others_plain_and_packed(tmp_path: Path, form: str, packed: bool) -> None:
    name, text = SAMPLES[form]
    path = tmp_path / (f"{name}.gz" if packed else name)
    path.write_bytes(gzip.compress(text.encode()) if packed else text.encode())

    found, items = open_items(path, clock=clock)

    assert found == form
    assert [item.title for item in items if isinstance(item, PaperData)] == ["A title"]


def test_a_format_that_is_named_is_not_guessed(tmp_path: Path) -> None:
    path = tmp_path / "odd.name"
    path.write_text("% nothing yet\n")
    assert open_items(path, "bibtex", clock)[0] == "bibtex"
    with pytest.raises(BadFile, match="no format 'pdf'"):
        open_items(path, "pdf", clock)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "is empty"),
        (b" \n\n", "is empty"),
        (b"just some words", "of no known format"),
        (b"<!doctype html><title>502</title>", "a web page without papers"),
        ("{}".encode("utf-16"), "UTF-16"),
        (b"\x1f\x8bnonsense", "is damaged"),
        (gzip.compress(b"", mtime=0), "is empty"),
    ],
)
def test_a_file_that_is_not_what_it_says_is_refused_in_one_line(tmp_path: Path, content: bytes, says: str) -> None:
    path = tmp_path / "some.jsonl"
    path.write_bytes(content)
    with pytest.raises(BadFile, match=says) as refused:
        read(path)
    assert str(path) in str(refused.value) and "\n" not in str(refused.value)


def test_an_error_page_in_place_of_data_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "arxiv.jsonl"
    path.write_bytes(b"<html><body><div>Too many requests, see /papers/</div></body></html>")
    with pytest.raises(BadFile, match="web page, not arxiv-jsonl"):
        read(path, "arxiv-jsonl")
    with pytest.raises(BadFile, match="web page without papers"):
        read(path)


def test_a_missing_file_and_a_folder_are_no_files(tmp_path: Path) -> None:
    with pytest.raises(BadFile, match="cannot be read"):
        open_items(tmp_path / "absent.bib")
    with pytest.raises(BadFile, match="is not a file"):
        open_items(tmp_path)


def test_of_a_packed_file_that_breaks_off_the_items_before_the_break_are_given(tmp_path: Path) -> None:
    path = tmp_path / "arxiv.jsonl.gz"
    whole = gzip.compress(os.urandom(0) + rows(20_000))
    path.write_bytes(whole[: len(whole) // 2])
    given = []

    with pytest.raises(BadFile, match="breaks off"):
        for item in open_items(path, clock=clock)[1]:
            given.append(item)

    assert 5_000 < len(given) < 20_000
    assert all(isinstance(item, PaperData) for item in given)


def test_a_line_of_thirty_megabytes_is_kept_aside_and_the_next_one_read(tmp_path: Path) -> None:
    path = tmp_path / "arxiv.jsonl.gz"
    huge = json.dumps({**ROW, "abstract": "x" * 30_000_000}).encode()
    path.write_bytes(gzip.compress(rows(1) + huge + b"\n" + rows(2)))

    first, second, *rest = read(path)

    assert isinstance(second, Rejected) and second.subject == "line 2" and "30,0" in second.reason
    assert len(second.raw) == 64 << 10
    assert all(isinstance(item, PaperData) for item in (first, *rest)) and len(rest) == 2


def test_a_huge_first_line_does_not_hide_the_format(tmp_path: Path) -> None:
    path = tmp_path / "arxiv.jsonl"
    huge = json.dumps({"id": "2405.00001", "submitter": "x", "abstract": "x" * 9_000_000}).encode()
    path.write_bytes(huge + b"\n" + rows(1))
    assert [type(item) for item in read(path)] == [Rejected, PaperData]


def test_a_folder_gives_its_files_of_known_formats_in_the_order_of_names(tmp_path: Path) -> None:
    for name, text in SAMPLES.values():
        (tmp_path / name).write_text(text)
    (tmp_path / "titles.jsonl").write_text('{"page": 0, "rank": 1, "title": "A title"}\n')
    (tmp_path / "changed.jsonl").write_text('{"id": "2405.00001", "changed": ["title"], "old": {}, "new": {}}\n')
    (tmp_path / "notes.txt").write_text("hello")
    (tmp_path / ".hidden.bib").write_text(SAMPLES["bibtex"][1])
    (tmp_path / "inner").mkdir()

    found = files_under([tmp_path, tmp_path / "titles.jsonl"])

    assert [path.name for path in found] == sorted(name for name, _ in SAMPLES.values()) + ["titles.jsonl"]


def test_a_folder_with_nothing_to_read_or_an_unreadable_entry_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadFile, match="holds no files of a known format"):
        files_under([tmp_path])
    (tmp_path / "gone.bib").symlink_to(tmp_path / "nowhere.bib")
    with pytest.raises(BadFile, match=r"gone\.bib cannot be read"):
        files_under([tmp_path])


def test_reading_is_lazy_and_repeatable(tmp_path: Path) -> None:
    path = tmp_path / "arxiv.jsonl"
    path.write_bytes(rows(3))
    assert read(path) == read(path)
    items = open_items(path, clock=clock)[1]
    next(items)
    items.close()  # type: ignore[attr-defined]
