"""Readers from outside: everything that can be read is, and what cannot is said in a line."""

import gzip
import json
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from broadsheet.bench.foryou_files import Notes, read, read_papers
from broadsheet.bench.foryou_readers import Proxy, refuse_leaks
from broadsheet.bench.report import CannotMeasure
from broadsheet.lib.progress import silent

Write = Callable[[str, Sequence[object]], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def lines(name: str, rows: Sequence[object]) -> Path:
        place = tmp_path / name
        text = "".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows)
        place.write_bytes(gzip.compress(text.encode()) if name.endswith("gz") else text.encode())
        return place

    return lines


def _papers(count: int = 40) -> list[object]:
    return [{"id": number, "title": f"On {number}", "abstract": "Of it."} for number in range(count)]


def _read(tmp_path: Path, readers: Path, papers: Path) -> tuple[Proxy, str]:
    proxy, notes = read(readers, papers, tmp_path, silent)
    for reader in proxy.readers:
        refuse_leaks(proxy.world, reader)
    return proxy, "\n".join(notes)


READER = {
    "reader": "a",
    "likes": [1, 2, 3],
    "dislikes": [4],
    "held_out": [{"id": 5, "grade": 2}, {"id": 6, "grade": 0}],
}


def test_a_reader_with_grades_is_tested_on_what_is_held_out(tmp_path: Path, write: Write) -> None:
    proxy, _notes = _read(tmp_path, write("r.jsonl", [READER]), write("p.jsonl", _papers()))
    (reader,) = proxy.readers
    assert (reader.likes.tolist(), reader.dislikes.tolist()) == ([1, 2, 3], [4])
    assert (reader.tested.tolist(), reader.grades.tolist()) == ([5, 6], [2, 0])
    assert sorted([*reader.others, 1, 2, 3, 4, 5, 6]) == list(range(40))
    assert proxy.levels[-1] is None


def test_a_reader_with_one_grade_is_tested_against_the_other_papers(tmp_path: Path, write: Write) -> None:
    row = {**READER, "held_out": [{"id": 5, "grade": 3}]}
    proxy, _notes = _read(tmp_path, write("r.jsonl", [row]), write("p.jsonl", _papers()))
    (reader,) = proxy.readers
    assert dict(zip(reader.tested.tolist(), reader.grades.tolist(), strict=True))[5] == 3
    assert reader.grades.sum() == 3
    # A quarter of the papers is learned from, all the rest is tested.
    assert (len(reader.others), len(reader.tested)) == (10, 40 - 4 - 10)


def test_zipped_files_numbers_and_strings_go(tmp_path: Path, write: Write) -> None:
    papers = [{"id": str(number), "title": f"On {number}"} for number in range(20)]
    proxy, _notes = _read(tmp_path, write("r.jsonl.gz", [READER, {**READER, "reader": 7}]), write("p.jsonl.gz", papers))
    assert [reader.name for reader in proxy.readers] == ["a", "7"]


def test_counted_words_stand_for_a_text(tmp_path: Path, write: Write) -> None:
    papers = [
        {"id": number, "words": {"graph": 2, f"word{number}": 1.5, "none": 0, "bad": "x"}} for number in range(20)
    ]
    proxy, _notes = _read(tmp_path, write("r.jsonl", [READER]), write("p.jsonl", papers))
    assert proxy.world.contents[3] == {"graph": 2, "word3": 1.5}
    assert proxy.world.vectors.shape == (20, 0)


def test_without_an_encoder_words_are_read_alone_and_it_is_said(tmp_path: Path, write: Write) -> None:
    proxy, notes = _read(tmp_path, write("r.jsonl", [READER]), write("p.jsonl", _papers()))
    assert proxy.world.vectors.shape == (40, 0)
    assert "words alone: no encoder" in notes


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ("{not json", "line 2: is no JSON object; left out"),
        ("[1, 2]", "line 2: is no JSON object; left out"),
        ('"\\ud800"', "line 2: is no JSON object; left out"),
        ({"likes": [1]}, "has no reader's name"),
        ({**READER, "reader": True}, "has no reader's name"),
        (READER, "is of a reader who came before"),
        ({**READER, "reader": "b", "likes": [1, 99]}, "names likes that are not among the papers"),
        ({**READER, "reader": "b", "likes": [1, 1, "1"]}, "names likes twice"),
        ({**READER, "reader": "b", "likes": None}, "has no list of likes"),
        ({"reader": "b", "likes": [1, 2, 3], "held_out": READER["held_out"]}, "has no list of dislikes; taken as none"),
        ({"reader": "b", "likes": [1, 2, 3], "dislikes": []}, "has no list of held_out"),
        ({**READER, "reader": "b", "held_out": [5, 6]}, "without a grade; taken as grade 1"),
        ({**READER, "reader": "b", "held_out": [{"id": 5, "grade": "good"}, {"id": 6}]}, "a grade that is no number"),
        ({**READER, "reader": "b", "held_out": [{"id": 5, "grade": 1e9}]}, "a grade that is no number"),
        ({**READER, "reader": "b", "held_out": [{"id": 1, "grade": 1}]}, "holds papers out that are likes"),
        ({**READER, "reader": "b", "held_out": [{"id": 5, "grade": 0}]}, "that is better or worse"),
        ({**READER, "reader": "b", "likes": [{"id": 1}, [2], None]}, "names likes that are not among the papers"),
    ],
)
def test_a_bad_line_of_a_reader_is_told_and_the_rest_goes_on(
    tmp_path: Path, write: Write, row: object, told: str
) -> None:
    proxy, notes = _read(tmp_path, write("r.jsonl", [READER, row]), write("p.jsonl", _papers()))
    assert proxy.readers[0].name == "a"
    assert told in notes
    assert notes.count("line 2") <= 2


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ("", ""),
        ("{", "line 2: is no JSON object"),
        ({"title": "Nameless"}, "has no id"),
        ({"id": 1, "title": "Again"}, "has an id that came before"),
        ({"id": 2, "title": 5, "abstract": None}, "has neither title nor abstract nor words"),
        ({"id": 2, "words": {}}, "has neither title nor abstract nor words"),
        ({"id": 2.5, "title": "Half"}, "has no id"),
    ],
)
def test_a_bad_line_of_a_paper_is_told(write: Write, row: object, told: str) -> None:
    notes = Notes()
    place, contents = read_papers(
        write("p.jsonl", [{"id": 1, "title": "One"}, row, {"id": 3, "title": "Three"}]), notes
    )
    assert (list(place), len(contents)) == (["1", "3"], 2)
    assert told in "\n".join(notes.all())


def test_the_same_fault_a_thousand_times_is_counted(write: Write) -> None:
    notes = Notes()
    read_papers(write("p.jsonl", ["{"] * 1000), notes)
    assert len(notes.all()) == 6
    assert notes.all()[-1] == "and 995 more: is no JSON object; left out"


def test_a_file_that_is_cut_off_is_read_up_to_there(tmp_path: Path) -> None:
    rows = "".join(json.dumps({"id": n, "title": str(np.random.default_rng(n).random(20))}) + "\n" for n in range(500))
    place = tmp_path / "p.gz"
    place.write_bytes(gzip.compress(rows.encode())[:-2000])
    notes = Notes()
    found, _contents = read_papers(place, notes)
    assert 0 < len(found) < 500
    assert "ends in the middle" in "\n".join(notes.all())


def test_nothing_to_measure_is_one_clear_line(tmp_path: Path, write: Write) -> None:
    with pytest.raises(CannotMeasure, match=r"nothing\.jsonl cannot be read: No such file"):
        read(tmp_path / "nothing.jsonl", tmp_path / "nothing.jsonl", tmp_path, silent)
    with pytest.raises(CannotMeasure, match="holds no paper"):
        read(write("r.jsonl", [READER]), write("p.jsonl", []), tmp_path, silent)
    with pytest.raises(CannotMeasure, match="holds no reader"):
        read(write("r.jsonl", [{"reader": "a"}]), write("p.jsonl", _papers()), tmp_path, silent)
    with pytest.raises(CannotMeasure, match="cannot be read"):
        read(tmp_path, write("p.jsonl", _papers()), tmp_path, silent)
