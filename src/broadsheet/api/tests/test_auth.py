import logging
from base64 import b64encode
from datetime import timedelta

import pytest
from django.test import Client, RequestFactory
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from broadsheet.api.auth import caller_of, of_header, reader_for
from broadsheet.api.errors import ApiError
from broadsheet.community.tests.factory import reader
from broadsheet.lib.clock import now
from broadsheet.readers import alone, tokens
from broadsheet.readers.models import Reader, Token

pytestmark = pytest.mark.django_db
LATER = timedelta(days=40)


@pytest.fixture
def ada() -> Reader:
    return reader()


def secret_of(who: Reader, *scopes: str, ago: timedelta = timedelta()) -> str:
    return tokens.make(who, f"t{who.tokens.count()}", scopes or ("read",), days=30, now=now() - ago)[1]


def asked(authorization: str = "", **meta: object) -> object:
    values = {"HTTP_AUTHORIZATION": authorization} if authorization else {}
    return RequestFactory().get("/api/x", **values, **meta)  # type: ignore[arg-type]


def basic(name: str, password: str) -> str:
    return "Basic " + b64encode(f"{name}:{password}".encode()).decode()


def refusal(authorization: str, scope: str = "read") -> ApiError:
    with pytest.raises(ApiError) as raised:
        reader_for(asked(authorization), scope)  # type: ignore[arg-type]
    return raised.value


def test_a_token_says_who_asks(ada: Reader) -> None:
    secret = secret_of(ada)
    headers = [f"Bearer {secret}", f"bearer  {secret} ", basic("ada", secret), basic("", secret), basic(secret, "")]
    for header in headers:
        caller = caller_of(asked(header))  # type: ignore[arg-type]
        assert (caller.reader, caller.problem) == (ada, ""), header
        assert reader_for(asked(header), "read") == ada  # type: ignore[arg-type]


def test_nobody_is_asked_twice_who_asks(ada: Reader, django_assert_num_queries: object) -> None:
    request = asked(f"Bearer {secret_of(ada)}")
    caller_of(request)  # type: ignore[arg-type]
    with django_assert_num_queries(0):  # type: ignore[operator]
        reader_for(request, "read")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "header",
    [
        "Bearer hf_abcdefgh", "Bearer bs_" + "a" * 43, "Bearer bs_" + "é" * 43, "Bearer", "Bearer ", "Basic",
        "Basic %%%", "Basic " + b64encode(b"\xff\xfe").decode(), "Basic bm8gY29sb24=", "Digest x", "bs_" + "a" * 43,
        "\0", "x" * 9000, "Bearer bs_" + "a" * 9000,
    ],
)  # fmt: skip
def test_what_is_no_token_of_ours_makes_a_stranger(db: None, header: str) -> None:
    caller = of_header(header)
    assert (caller.reader, caller.token, caller.problem) == (None, None, "unknown")


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.text(max_size=80), st.sampled_from(["", "Bearer ", "Basic ", "bearer bs_"]))
def test_no_header_is_too_strange(db: None, text: str, scheme: str) -> None:
    assert of_header(scheme + text).reader is None


def test_without_a_token_what_is_ones_own_is_401_and_says_how(db: None) -> None:
    said = refusal("")
    assert said.status == 401 and "/me/tokens" in said.says and "read" in said.says
    assert said.headers["WWW-Authenticate"] == 'Bearer realm="Broadsheet"'


def test_an_unknown_token_is_401_where_a_reader_is_needed(db: None) -> None:
    said = refusal("Bearer hf_abcdefgh")
    assert said.status == 401 and "revoked" in said.says and "hf_abc" not in said.says
    assert "invalid_token" in said.headers["WWW-Authenticate"]


def test_an_expired_token_names_its_last_day(ada: Reader) -> None:
    header = f"Bearer {secret_of(ada, 'read', 'write', ago=LATER)}"
    caller = of_header(header)
    assert (caller.reader, caller.problem) == (None, "expired")
    said = refusal(header, "write")
    over = Token.objects.get().expires
    assert over and said.status == 401 and over.date().isoformat() in said.says


def test_a_revoked_token_is_a_strangers(ada: Reader) -> None:
    secret = secret_of(ada)
    tokens.revoke(ada, Token.objects.get().pk)
    assert of_header(f"Bearer {secret}").problem == "unknown"
    assert refusal(f"Bearer {secret}").status == 401


@pytest.mark.parametrize("has", ["read", "write", "feed"])
@pytest.mark.parametrize("needs", ["read", "write", "feed"])
def test_a_token_does_what_its_scopes_say(ada: Reader, has: str, needs: str) -> None:
    header = f"Bearer {secret_of(ada, has)}"
    if has == needs:
        assert reader_for(asked(header), needs) == ada  # type: ignore[arg-type]
        return
    said = refusal(header, needs)
    assert said.status == 403 and needs in said.says
    assert "insufficient_scope" in said.headers["WWW-Authenticate"]


def test_only_the_scope_read_tells_answers_what_is_the_readers(ada: Reader) -> None:
    assert of_header(f"Bearer {secret_of(ada, 'feed', 'write')}").reader is None
    assert of_header(f"Bearer {secret_of(ada, 'write', 'read')}").reader == ada


@pytest.mark.parametrize("state", ["suspended", "waiting"])
def test_the_token_of_an_account_that_is_not_active_does_nothing(ada: Reader, state: str) -> None:
    header = f"Bearer {secret_of(ada, 'read', 'write')}"
    Reader.objects.update(state=state)
    assert of_header(header).reader is None
    assert refusal(header).status == 403 and "not active" in refusal(header, "write").says


def test_on_a_site_for_one_the_owner_reads_without_a_token_and_writes_with_one(db: None) -> None:
    request = asked()
    request.alone = True  # type: ignore[attr-defined]
    owner = alone.the_reader()
    assert reader_for(request, "read") == reader_for(request, "feed") == owner  # type: ignore[arg-type]
    with pytest.raises(ApiError) as raised:
        reader_for(request, "write")  # type: ignore[arg-type]
    assert raised.value.status == 401
    known = asked(f"Bearer {secret_of(owner, 'write')}")
    known.alone = True  # type: ignore[attr-defined]
    assert reader_for(known, "write") == owner  # type: ignore[arg-type]


def test_a_token_of_another_site_does_not_lock_the_one_person_out(db: None) -> None:
    request = asked("Bearer hf_abcdefgh")
    request.alone = True  # type: ignore[attr-defined]
    assert reader_for(request, "read") == alone.the_reader()  # type: ignore[arg-type]


def test_no_secret_is_logged(ada: Reader, caplog: pytest.LogCaptureFixture) -> None:
    secret = secret_of(ada, ago=LATER)
    with caplog.at_level(logging.DEBUG):
        refusal(f"Bearer {secret}", "write")
        refusal("Bearer bs_unknownunknown")
    assert secret not in caplog.text and "unknownunknown" not in caplog.text


def test_reading_for_all_heeds_no_bad_token(ada: Reader, client: Client) -> None:
    good, old = secret_of(ada), secret_of(ada, ago=LATER)
    suspended = secret_of(reader(2, state="active"))
    Reader.objects.filter(handle="reader-2").update(state="suspended")
    headers = [f"Bearer {secret}" for secret in (good, old, suspended, "hf_abcdefgh", "bs_", "\xff")]
    for header in ["", *headers, basic("me", old), "Basic %%%", "Bearer"]:
        sent = {"HTTP_AUTHORIZATION": header} if header else {}
        assert client.get("/api/daily_papers", **sent).status_code == 200, header  # type: ignore[arg-type]
