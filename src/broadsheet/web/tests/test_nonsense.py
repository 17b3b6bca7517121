import pytest
from django.db import OperationalError
from django.db.backends.utils import CursorWrapper
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from broadsheet.web.tests.accounts import reader, signed_in

NOT_FOUND = [
    "/date/9999-99-99",
    "/date/0000-00-00",
    "/date/0001-01-01",
    "/date/9999-12-31",
    "/date/20240527",
    "/date/2024-W22-1",
    "/date/" + "9" * 5000,
    "/date/%00",
    "/week/2024-W99",
    "/week/2024-W00",
    "/week/9999-W53",
    "/week/nonsense",
    "/month/2024-13",
    "/month/0000-01",
    "/month/2024-5",
    "/papers/nope",
    "/papers/%00",
    "/papers/" + "x" * 5000,
    "/papers/../../etc/passwd",
    "/papers/http://[",
    "/no/such/page",
]
ODD = [
    "/?page=-1",
    "/?page=%00",
    "/?page=99999999999999999999",
    "/?calendar=9999-99",
    "/?calendar=0001-01",
    "/?cat=%00",
    "/?why=abc&limit=abc",
    "/search?q=%00",
    "/search?q=%F0%9F%98%80",
    "/search?q=%ff%fe",
    "/search?q=a&from=9999-99-99&until=x",
    "/search?q=a&from=2024-06-01&until=2024-05-01",
    "/search?q=a&cat=%00&cat=" + "c" * 300,
    "/search?q=a&mode=nonsense&limit=abc&code=maybe",
    "/search?q=%22unclosed",
    "/search?q=AND%20OR%20NOT%20((",
    "/search?q=author:%20cat:%20from:x%20has:",
    "/search?cat=cs.CL&code=1&from=2024-01-01",
]


@pytest.mark.parametrize("address", NOT_FOUND)
def test_what_does_not_exist_is_404_with_a_sentence(edition: int, client: Client, address: str) -> None:
    response = client.get(address)
    assert response.status_code in (400, 404)
    assert b"<h1>" in response.content and b"newest edition" in response.content


def test_a_page_that_breaks_because_the_record_is_gone_is_a_page_all_the_same(
    db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = signed_in(reader())
    client.raise_request_exception = False

    def gone(*_asked: object) -> None:
        raise OperationalError("disk I/O error")

    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(CursorWrapper, "execute", gone)
        response = client.get("/")
    assert response.status_code == 500 and b"Stop press" in response.content and b"</html>" in response.content


@pytest.mark.parametrize("address", ["/", "/papers/nope", "/healthz", "/api/v1/search?q=x"])
def test_a_wrong_host_is_answered_with_a_short_sentence(client: Client, address: str) -> None:
    response = client.get(address, headers={"host": "other.example"})
    assert response.status_code == 400 and len(response.content) < 250
    assert b"does not go by the name" in response.content and b"allowed_hosts" in response.content


@pytest.mark.parametrize("address", ODD)
def test_odd_wishes_are_answered_all_the_same(edition: int, client: Client, address: str) -> None:
    assert client.get(address).status_code == 200


def test_a_question_of_ten_kilobytes_is_refused_with_a_sentence(db: None, client: Client) -> None:
    response = client.get("/search", {"q": "word " * 2000})
    assert response.status_code == 400
    assert b"too long to search for" in response.content


def test_posting_to_a_page_changes_nothing(db: None, client: Client) -> None:
    assert client.post("/about").status_code == 405


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(room=st.sampled_from(["date", "week", "month", "papers"]), key=st.text(min_size=1, max_size=30))
def test_no_address_is_answered_by_500(db: None, client: Client, room: str, key: str) -> None:
    from urllib.parse import quote

    assert client.get(f"/{room}/{quote(key)}").status_code in (200, 301, 302, 400, 404)


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(q=st.text(max_size=60))
def test_no_question_is_answered_by_500(db: None, client: Client, q: str) -> None:
    assert client.get("/search", {"q": q}).status_code in (200, 302)
