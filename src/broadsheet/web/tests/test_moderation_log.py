from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client

from broadsheet.community.models import Act
from broadsheet.community.tests.factory import NOON, reader
from broadsheet.readers.models import Reader

Page = Callable[[str], str]


@pytest.fixture
def judge(edition: int) -> Reader:
    return reader(9, role="moderator")


def acts(judge: Reader, number: int) -> None:
    for place in range(number):
        Act.objects.create(
            at=NOON + timedelta(minutes=place),
            by=judge,
            did="hide",
            subject="paper:2405.15001",
            about=f"Paper <{place}>",
            reason=f"Reason {place}.",
        )


def test_the_log_is_public_and_escapes_what_it_tells(judge: Reader, page: Page) -> None:
    acts(judge, 1)
    html = page("/moderation")
    assert "Reason 0." in html and "Paper &lt;0&gt;" in html and 'href="/papers/2405.15001"' in html
    assert "csrfmiddlewaretoken" not in html


def test_a_long_log_comes_in_pages(judge: Reader, page: Page) -> None:
    acts(judge, 60)
    first = page("/moderation")
    assert "Reason 59." in first and "Reason 9." not in first
    older = first.split('href="?before=')[1].split('"')[0]
    second = page(f"/moderation?before={older}")
    assert "Reason 9." in second and "Reason 10." not in second and "Newest" in second


@pytest.mark.parametrize("before", ["nope", "-1", "9" * 40, "%00", "0"])
def test_nonsense_pages_are_answered_all_the_same(judge: Reader, page: Page, before: str) -> None:
    page(f"/moderation?before={before}")


def test_hiding_a_paper_takes_it_off_the_lists_and_stands_in_the_log(judge: Reader, client: Client, page: Page) -> None:
    client.force_login(judge)
    assert client.post("/desk/paper/2405.15001", {"do": "hide", "reason": "A test"}).status_code == 303
    assert "part 1</a></h3>" not in page("/date/2024-05-27")
    assert "A moderator took this paper off the lists." in page("/papers/2405.15001")
    assert "A test" in page("/moderation") and "hid" in page("/moderation")
    client.post("/desk/paper/2405.15001", {"do": "show", "reason": "It was only a test"})
    assert "part 1</a></h3>" in page("/date/2024-05-27")


def test_an_act_without_a_reason_is_refused(judge: Reader, client: Client) -> None:
    client.force_login(judge)
    assert client.post("/desk/paper/2405.15001", {"do": "hide"}).status_code == 400
    assert client.post("/desk/paper/2405.15001", {"do": "nonsense", "reason": "x"}).status_code == 400
    assert not Act.objects.exists()
