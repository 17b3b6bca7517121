from datetime import date

import pytest

from broadsheet.web import almanac


def test_a_sheet_holds_each_day_of_its_month_once() -> None:
    sheet = almanac.sheet(date(2024, 2, 10), {date(2024, 2, 29): 7}, date(2024, 2, 29))
    inside = [cell for week in sheet.weeks for cell in week if not cell.outside]
    assert [cell.day.day for cell in inside] == list(range(1, 30))
    assert (inside[-1].papers, inside[-1].chosen) == (7, True)
    assert all(len(week) == 7 and week[0].day.weekday() == 0 for week in sheet.weeks)


def test_the_first_and_the_last_sheet_have_one_neighbour() -> None:
    assert almanac.sheet(date(1991, 1, 5), {}, None).earlier is None
    assert almanac.sheet(date(2100, 12, 5), {}, None).later is None
    assert almanac.sheet(date(2024, 1, 5), {}, None).earlier == date(2023, 12, 1)


@pytest.mark.parametrize("text", ["", "2024", "2024-13", "0001-01", "9999-12", "2024-1", "2024-W1", "\x002024-1"])
def test_what_is_no_month_gives_none(text: str) -> None:
    assert almanac.month_of(text) is None
