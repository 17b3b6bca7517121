from collections.abc import Callable

from django.test import Client

from broadsheet.community.tests.factory import reader

Page = Callable[[str], str]


def test_a_saved_paper_stands_in_the_library_until_it_is_removed(edition: int, client: Client, page: Page) -> None:
    client.force_login(reader(1))
    assert "Nothing is saved yet." in page("/library")
    for number in (1, 2):
        client.post(f"/save/2405.{15000 + number}", {"on": "1"})
    client.post("/save/2405.15001", {"on": "1"})
    html = page("/library")
    assert html.count("<article") == 2 and html.index("part 2") < html.index("part 1")
    assert 'formaction="/save/2405.15001" name="on" value="0" aria-pressed="true"' in html
    back = client.post("/save/2405.15001", {"on": "0", "next": "/library"})
    assert back.headers["Location"] == "/library#paper-2405.15001"
    assert page("/library").count("<article") == 1


def test_a_library_is_its_readers_alone(edition: int, client: Client, page: Page) -> None:
    client.force_login(reader(1))
    client.post("/save/2405.15001", {"on": "1"})
    other = Client()
    other.force_login(reader(2))
    assert b"Nothing is saved yet." in other.get("/library").content
    assert "private" in client.get("/library").headers["Cache-Control"]


def test_a_stranger_has_no_library(db: None, client: Client) -> None:
    response = client.get("/library")
    assert response.status_code == 303 and response.headers["Location"].endswith("?next=/library")
