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
    assert found.authors == (Author("Ada Byron"), Author("B. C. Dee Jr"))
    assert [str(name) for name in found.identifiers] == ["doi:10.1000/abc", "arxiv:2405.12345"]
    assert (found.submitted, found.journal_ref) == (datetime(2024, 5, 3, 12, tzinfo=UTC), "J. Things (2024)")


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


def test_where_it_came_out_is_kept() -> None:
    (found,) = items("TY  - JOUR\nTI  - A\nT2  - J. Things\nVL  - 3\nIS  - 2\nSP  - 10\nEP  - 20\nPY  - 2020\nER  - \n")
    assert isinstance(found, PaperData) and found.journal_ref == "J. Things 3(2), 10-20 (2020)"
    (found,) = items("TY  - BOOK\nTI  - A\nPB  - Wind Press\nY1  - 2020//\nER  - \n")
    assert isinstance(found, PaperData) and found.journal_ref == "Wind Press (2020)"


def test_the_address_that_names_the_paper_is_chosen() -> None:
    (found,) = items("TY  - GEN\nTI  - A\nUR  - https://library.example/1\nUR  - https://doi.org/10.1000/x\nER  - \n")
    assert isinstance(found, PaperData) and [str(name) for name in found.identifiers] == ["doi:10.1000/x"]
    (found,) = items("TY  - GEN\nTI  - A\nN1  - Printed. doi: 10.1000/Y\nER  - \n")
    assert isinstance(found, PaperData) and [str(name) for name in found.identifiers] == ["doi:10.1000/y"]


def test_groups_are_not_taken_apart_and_keywords_of_arxiv_are_categories() -> None:
    text = (
        "TY  - GEN\nTI  - A\nAU  - The Wind Collaboration,\nAN  - arXiv:2405.12345\nKW  - cs.CL\nKW  - wind\nER  - \n"
    )
    (found,) = items(text)
    assert isinstance(found, PaperData)
    assert (found.authors, found.categories) == ((Author("The Wind Collaboration"),), ("cs.CL",))
