import re
from urllib.parse import quote, unquote

import pytest
from django.test import Client

from broadsheet.community.tests.factory import reader
from broadsheet.lib.clock import now
from broadsheet.readers import alone, follows, tokens
from broadsheet.readers.models import Follow, Reader, Token


@pytest.fixture
def ada(indexed: int, client: Client) -> Reader:
    who = reader(1)
    client.force_login(who)
    return who


def text(client: Client) -> str:
    return client.get("/follows").content.decode()


@pytest.mark.parametrize(
    "key", ["category/cs.CL", "author/Ada Lum", "search/small planets", "trending", "edition", "search/cat:cs.CL a?b#%"]
)
def test_a_list_is_followed_by_its_button_and_removed(ada: Reader, client: Client, key: str) -> None:
    place = f"/follow/{quote(key)}"
    for _again in range(2):
        response = client.post(place, {"on": "1", "next": "/category/cs.CL"})
        assert (response.status_code, response.headers["Location"]) == (303, "/category/cs.CL")
    assert follows.of(ada) == [key]
    assert f"/follow/{key}" in [unquote(found) for found in re.findall(r'action="([^"]+)"', text(client))]
    assert client.post(place, {"on": "0"}).headers["Location"] == "/follows"
    assert follows.of(ada) == []


def test_the_button_knows_whether_the_list_is_followed(ada: Reader, client: Client) -> None:
    before = client.get("/category/cs.CL").content.decode()
    assert re.search(r'formaction="/follow/category/cs.CL" name="on" value="1" aria-pressed="false"', before)
    answer = client.post("/follow/category/cs.CL", {"on": "1"}, headers={"Accept": "application/json"})
    assert answer.json() == {"on": True}
    after = client.get("/category/cs.CL").content.decode()
    assert 'formaction="/follow/category/cs.CL" name="on" value="0" aria-pressed="true"' in after


def test_a_search_is_followed_from_its_page(ada: Reader, client: Client) -> None:
    html = client.get("/search?q=small+planets&cat=cs.CL").content.decode()
    place = re.search(r'formaction="(/follow/search/[^"]+)"', html)
    assert place
    client.post(place[1], {"on": "1"})
    assert follows.of(ada) == ["search/small planets cat:cs.CL"]
    html = text(client)
    assert "small planets cat:cs.CL" in html and html.count("<article") == 7


def test_a_stranger_is_sent_to_sign_in(indexed: int, client: Client) -> None:
    for response in (client.get("/follows"), client.post("/follow/trending", {"on": "1"}), client.post("/follows/add")):
        assert response.status_code == 303 and "/account/login" in response.headers["Location"]
    assert 'class="save follow" href="/account/login/?next=' in client.get("/category/cs.CL").content.decode()


@pytest.mark.parametrize(
    ("kind", "value", "key"),
    [
        ("category", "cs.CL", "category/cs.CL"),
        ("author", " ada  lum ", "author/Ada Lum"),
        ("search", "small planets", "search/small planets"),
        ("category", "author/Ada Lum", "author/Ada Lum"),
        ("category", "edition", "edition"),
    ],
)
def test_a_list_is_followed_by_its_name(ada: Reader, client: Client, kind: str, value: str, key: str) -> None:
    assert client.post("/follows/add", {"kind": kind, "value": value}).headers["Location"] == "/follows"
    assert follows.of(ada) == [key]
    assert "You follow “" in text(client)


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("category", "nope.NO"),
        ("author", "Nobody At All"),
        ("", "x"),
        ("planet", "x"),
        ("search", ""),
        ("category", "<script>x"),
        ("search", "x" * 900),
        ("author", "\x00"),
    ],
)
def test_what_cannot_be_followed_is_said(ada: Reader, client: Client, kind: str, value: str) -> None:
    response = client.post("/follows/add", {"kind": kind, "value": value})
    html = response.content.decode()
    assert response.status_code == 400 and 'role="alert"' in html and "<script>x" not in html
    assert not Follow.objects.exists()


def test_what_is_gone_can_be_removed(ada: Reader, client: Client) -> None:
    follows.follow(ada, "organisation/gone", now=now())
    html = text(client)
    assert "organisation/gone" in html and ">gone</span>" in html
    client.post("/follow/organisation/gone", {"on": "0"})
    assert follows.of(ada) == []


@pytest.mark.parametrize(
    "key", ["nonsense", "digest", "library", "category/nope.NO", "author/Nobody", "search/" + "x" * 400]
)
def test_what_is_no_list_is_not_followed(ada: Reader, client: Client, key: str) -> None:
    assert client.post(f"/follow/{quote(key)}", {"on": "1"}).status_code == 404
    assert not Follow.objects.exists()


def test_a_button_must_say_yes_or_no(ada: Reader, client: Client) -> None:
    assert client.post("/follow/trending", {"on": "maybe"}).status_code == 400
    assert client.get("/follow/trending").status_code == 405


def test_following_needs_the_token_against_forgery(ada: Reader) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(ada)
    for place in ("/follow/trending", "/follows/add", "/follows/addresses"):
        assert strict.post(place, {"on": "1", "do": "make"}).status_code == 403
    assert not Follow.objects.exists() and not Token.objects.exists()


def secrets(html: str) -> list[str]:
    return re.findall(r"http://testserver/feeds/own/(bs_[\w-]+)/\w+\.atom", html)


def test_a_secret_address_is_made_and_shown_once(ada: Reader, client: Client) -> None:
    assert "Make a secret address" in text(client)
    response = client.post("/follows/addresses", {"do": "make"})
    assert response.headers["Location"] == "/follows#addresses"
    page = client.get("/follows")
    made = secrets(page.content.decode())
    assert len(made) == 2 and len(set(made)) == 1 and "no-store" in page.headers["Cache-Control"]
    assert client.get(f"/feeds/own/{made[0]}/digest.atom").status_code == 200
    assert secrets(text(client)) == []
    token = Token.objects.get()
    assert (token.reader, token.scopes, token.expires) == (ada, ["feed"], None)


def test_a_secret_address_is_replaced_and_ended(ada: Reader, client: Client) -> None:
    client.post("/follows/addresses", {"do": "make"})
    old = secrets(text(client))[0]
    client.post("/follows/addresses", {"do": "replace", "number": str(Token.objects.get().pk)})
    new = secrets(text(client))[0]
    assert client.get(f"/feeds/own/{old}/digest.atom").status_code == 404
    assert client.get(f"/feeds/own/{new}/library.json").status_code == 200
    client.post("/follows/addresses", {"do": "revoke", "number": str(Token.objects.get().pk)})
    assert client.get(f"/feeds/own/{new}/digest.atom").status_code == 404 and not Token.objects.exists()


def test_nobody_ends_what_is_not_theirs_nor_what_can_do_more(ada: Reader, client: Client) -> None:
    theirs, _secret = tokens.make(reader(2), "x", ["feed"], days=None, now=now())
    able, _secret = tokens.make(ada, "x", ["feed", "read"], days=None, now=now())
    for token in (theirs, able):
        client.post("/follows/addresses", {"do": "revoke", "number": str(token.pk)})
    assert Token.objects.count() == 2


@pytest.mark.parametrize("given", [{}, {"do": "x"}, {"do": "\x00"}])
def test_nonsense_about_addresses_is_refused(ada: Reader, client: Client, given: dict[str, str]) -> None:
    assert client.post("/follows/addresses", given).status_code == 400
    assert not Token.objects.exists()


def test_the_digest_below_is_what_is_trending_until_something_is_followed(ada: Reader, client: Client) -> None:
    html = text(client)
    assert "Trending, until you follow something" in html and html.count("<article") == 13
    follows.follow(ada, "category/cs.CV", now=now())
    html = text(client)
    assert "New in what you follow" in html and html.count("<article") == 6


def test_too_many_follows_are_refused_in_words(ada: Reader, client: Client) -> None:
    Follow.objects.bulk_create(Follow(reader=ada, key=f"search/{n}", at=now()) for n in range(follows.MOST))
    response = client.post("/follows/add", {"kind": "category", "value": "cs.CL"})
    assert response.status_code == 400 and b"You follow 200 lists already." in response.content


def test_whoever_sits_at_a_one_person_site_follows_without_signing_in(
    indexed: int, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(alone.VARIABLE, "1")
    here = {"REMOTE_ADDR": "127.0.0.1", "HTTP_HOST": "localhost:8000"}
    assert client.post("/follow/category/cs.CL", {"on": "1"}, **here).status_code == 303  # type: ignore[arg-type]
    html = client.get("/follows", **here).content.decode()  # type: ignore[arg-type]
    assert "Computation and Language" in html and html.count("<article") == 7
    client.post("/follows/addresses", {"do": "make"}, **here)  # type: ignore[arg-type]
    html = client.get("/follows", **here).content.decode()  # type: ignore[arg-type]
    place = re.search(r"http://localhost:8000(/feeds/own/bs_[^<]+digest.atom)", html)
    assert place
    response = client.get(place[1], **here)  # type: ignore[arg-type]
    assert response.status_code == 200 and b"<entry" in response.content
