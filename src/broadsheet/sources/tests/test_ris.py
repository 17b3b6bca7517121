from datetime import UTC, datetime
from io import BytesIO

import pytest

from broadsheet.record.paper import Author, Item, PaperData, Rejected
from broadsheet.sources.ris import read

RECORD = """TY  - JOUR
AU  - Byron, Ada
AU  - Dee, B. C., Jr
TI  - On things:
  and others
AB  - We prove it.
DO  - 10.1000/ABC
UR  - https://arxiv.org/abs/2405.12345v2
PY  - 2024
DA  - 2024/5/3/
JO  - J. Things
ER  -
"""


def items(text: str | bytes) -> list[Item]:
    raw = text if isinstance(text, bytes) else text.encode()
    return list(read(BytesIO(raw), "refs.ris", lambda: datetime(2026, 3, 1, tzinfo=UTC)))


def titles(text: str | bytes) -> list[str]:
    return [item.title if isinstance(item, PaperData) else item.reason for item in items(text)]


@pytest.mark.parametrize(
    "text", [RECORD, RECORD.replace("\n", "\r\n"), "\ufeff" + RECORD, "Words before.\n\n" + RECORD]
)
def test_a_record_gives_all_it_names(text: str) -> None:
    (found,) = items(text)
    assert isinstance(found, PaperData)
    assert (found.source, found.title, found.abstract) == ("ris", "On things: and others", "We prove it.")
    assert found.authors[0] == Author("Ada Byron") and len(found.authors) == 2
    assert [str(name) for name in found.identifiers] == ["doi:10.1000/abc", "arxiv:2405.12345"]
    assert (found.submitted, found.journal_ref) == (datetime(2024, 5, 3, 12, tzinfo=UTC), "J. Things")


def test_records_are_told_apart_also_where_an_end_is_missing() -> None:
    assert titles("TY  - RPRT\nT1  - One\nTY  - JOUR\nTI  - Two\nER  - \nrubbish\nTY  - GEN\nTI  - Three") == [
        "One",
        "Two",
        "Three",
    ]


def test_an_arxiv_id_is_found_in_the_notes() -> None:
    (found,) = items("TY  - GEN\nTI  - One\nN1  - arXiv:hep-th/9901001\nER  - \n")
    assert isinstance(found, PaperData) and str(found.identifiers[0]) == "arxiv:hep-th/9901001"


def test_a_record_that_cannot_be_right_is_kept_aside_and_the_next_one_read() -> None:
    first, second, third = items(
        "TY  - GEN\nER  - \nTY  - GEN\nTI  - a\nDA  - 9999/01/01\nER  - \nTY  - GEN\nTI  - Good\n"
    )
    assert isinstance(first, Rejected) and (first.subject, first.reason) == ("line 1", "an entry without a title")
    assert isinstance(second, Rejected) and "cannot be right" in second.reason
    assert isinstance(third, PaperData)


def test_a_huge_record_is_kept_aside_without_being_held() -> None:
    first, second = items(b"TY  - GEN\nAB  - " + b"x" * 9_000_000 + b"\nER  - \nTY  - GEN\nTI  - Good\nER  - \n")
    assert isinstance(first, Rejected) and "in one record" in first.reason and isinstance(second, PaperData)


def test_latin_1_files_are_read() -> None:
    assert titles("TY  - GEN\nTI  - Über\nER  - \n".encode("latin-1")) == ["Über"]
