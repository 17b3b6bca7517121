"""The rows that say which papers lists show in a category follow the papers."""

from dataclasses import replace
from datetime import date
from importlib import import_module

import pytest
from django.apps import apps

from broadsheet.papers import store
from broadsheet.papers.ingest import ingest
from broadsheet.papers.models import InCategory, Paper
from broadsheet.papers.tests.factory import paper

pytestmark = pytest.mark.django_db
DAY = date(2026, 11, 18)


def filed(code: str) -> list[tuple[str, date]]:
    return list(InCategory.objects.filter(code=code).order_by("-day", "paper").values_list("paper__key", "day"))


def number(key: str) -> int:
    return Paper.objects.get(key=key).id


def test_a_new_paper_is_filed_under_each_of_its_categories_once() -> None:
    ingest([paper(1, categories=("cs.LG", "cs.CL", "cs.LG"))])
    assert filed("cs.LG") == filed("cs.CL") == [("2611.00001", DAY)]


def test_a_revision_moves_it() -> None:
    ingest([paper(1)])
    ingest([replace(paper(1, categories=("stat.ML",)), version=2, raw_hash="later")])
    assert filed("cs.LG") == []
    assert filed("stat.ML") == [("2611.00001", DAY)]


def test_what_lists_do_not_show_is_filed_under_nothing() -> None:
    ingest([paper(1), paper(3, withdrawn=True), paper(5, announced=None, announced_by="")])
    assert filed("cs.LG") == [("2611.00001", DAY)]
    store.hide(number("2611.00001"), True)
    assert filed("cs.LG") == []
    store.hide(number("2611.00001"), False)
    assert filed("cs.LG") == [("2611.00001", DAY)]


def test_a_paper_of_no_known_day_stands_where_it_was_placed() -> None:
    ingest([paper(5, announced=None, announced_by="")])
    store.place(number("2611.00005"), date(2026, 11, 20))
    assert filed("cs.LG") == [("2611.00005", date(2026, 11, 20))]
    store.place(number("2611.00005"), None)
    assert filed("cs.LG") == []


def test_a_name_too_long_for_a_category_is_left_out() -> None:
    ingest([paper(1, categories=("x" * 81, "cs.LG"))])
    assert list(InCategory.objects.values_list("code", flat=True)) == ["cs.LG"]


def test_papers_that_were_here_before_are_filed_alike() -> None:
    ingest([paper(1), paper(2), paper(3, withdrawn=True)])
    store.hide(number("2611.00002"), True)
    expected = sorted(InCategory.objects.values_list("paper", "code", "day"))
    InCategory.objects.all().delete()
    import_module("broadsheet.papers.migrations.0004_in_category").file_known(apps, None)
    assert sorted(InCategory.objects.values_list("paper", "code", "day")) == expected != []
