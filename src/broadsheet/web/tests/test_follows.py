import re
from datetime import date, timedelta
from io import BytesIO
from urllib.parse import quote, unquote

import pytest
from django.test import Client

from broadsheet.community.tests.factory import reader
from broadsheet.delivery import choose, places
from broadsheet.digest import wishes
from broadsheet.digest.pool import Pools
from broadsheet.editions import named
from broadsheet.lib.clock import now
from broadsheet.papers.models import Paper
from broadsheet.readers import alone, follows, tokens
from broadsheet.readers.models import Follow, Reader, Token
from broadsheet.web.tests.conftest import NOW


@pytest.fixture
def ada(edition: int, client: Client) -> Reader:
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


def test_a_search_is_followed_from_its_page(ada: Reader, indexed: int, client: Client) -> None:
    html = client.get("/search?q=small+planets&cat=cs.CL").content.decode()
    place = re.search(r'formaction="(/follow/search/[^"]+)"', html)
    assert place
    client.post(place[1], {"on": "1"})
    assert follows.of(ada) == ["search/small planets cat:cs.CL"]
    html = text(client)
    assert "small planets cat:cs.CL" in html and html.count("<article") == 7


def test_a_stranger_is_sent_to_sign_in(edition: int, client: Client) -> None:
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
    assert len(made) == 3 and len(set(made)) == 1 and "no-store" in page.headers["Cache-Control"]
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


@pytest.mark.thorough
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


def test_new_papers_are_counted_and_marked_until_they_are_marked_as_seen(ada: Reader, client: Client) -> None:
    for key in ("category/cs.CL", "author/Ada Lum"):
        follows.follow(ada, key, now=NOW - timedelta(hours=1))
    html = text(client)
    assert "<strong>13 new papers</strong> since you last looked" in html and html.count("follow-mark") == 13
    assert [int(count) for count in re.findall(r">(\d+) new</a>", html)] == [13, 7]
    # Looking alone, by a person or by whatever fetches pages ahead, changes nothing.
    assert text(client).count("follow-mark") == 13
    assert client.get("/follows/seen").status_code == 405
    client.post("/follows/seen", {"key": "category/cs.CL"})
    assert [int(count) for count in re.findall(r">(\d+) new</a>", text(client))] == [13]
    assert client.post("/follows/seen").headers["Location"] == "/follows"
    assert "You have seen everything." in text(client) and "follow-mark" not in text(client)


def test_the_new_papers_of_one_list_are_shown_alone(ada: Reader, client: Client) -> None:
    for key in ("category/cs.CV", "edition"):
        follows.follow(ada, key, now=NOW - timedelta(hours=1))
    html = client.get("/follows", {"list": "category/cs.CV"}).content.decode()
    assert html.count("<article") == 6 and "Mark this list as seen" in html
    for nonsense in ("category/cs.CL", "nonsense", "\x00", "x" * 900):
        assert client.get("/follows", {"list": nonsense}).content.decode().count("<article") == 13


def test_a_follow_is_named_and_switched(ada: Reader, client: Client) -> None:
    follows.follow(ada, "category/cs.CL", now=now())
    given = {"name": " My <b>field</b> ", "alert": "1"}
    assert client.post("/follows/switch/category/cs.CL", given).headers["Location"] == "/follows#lists"
    row = Follow.objects.get()
    assert (row.name, row.in_digest, row.alert) == ("My <b>field</b>", False, True)
    html = text(client)
    assert "My &lt;b&gt;field&lt;/b&gt;" in html and "not in digests" in html and ">at once<" in html
    assert "Computation and Language, cs.CL" in html
    client.post("/follows/switch/category/cs.CL", {"name": "", "in_digest": "1"})
    row.refresh_from_db()
    assert (row.name, row.in_digest, row.alert) == ("", True, False)


@pytest.mark.parametrize("key", ["category/cs.LG", "nonsense", "trending"])
def test_what_is_not_followed_or_cannot_alert_is_refused_in_words(ada: Reader, client: Client, key: str) -> None:
    follows.follow(ada, "trending", now=now())
    assert client.post(f"/follows/switch/{key}", {"alert": "1"}).status_code == 400
    assert not Follow.objects.filter(alert=True).exists()


def test_nobody_switches_the_follows_of_others(ada: Reader, client: Client) -> None:
    follows.follow(reader(2), "category/cs.CL", now=now())
    assert client.post("/follows/switch/category/cs.CL", {"alert": "1"}).status_code == 400
    client.post("/follows/seen")
    assert not Follow.objects.filter(alert=True).exists() and not Follow.objects.exclude(seen=None).exists()


def test_each_list_leads_to_its_feeds_and_to_the_form_that_sends_it_on(ada: Reader, client: Client) -> None:
    follows.follow(ada, "author/Ada Lum", now=now())
    html = text(client)
    assert 'href="/feeds/author/Ada%20Lum.atom"' in html
    place = re.search(r'href="(/me/deliver[^"]*list=author[^"]*)"', html) or re.search(
        r'href="([^"]*list=author%2FAda\+Lum)"', html
    )
    assert place and 'value="author/Ada Lum"' in client.get(place[1]).content.decode()


def test_without_an_encoder_lists_by_meaning_say_so_and_are_not_offered(ada: Reader, client: Client) -> None:
    html = client.get("/search?q=small+planets").content.decode()
    assert "Follow this search" in html and "near in meaning" not in html
    assert "Follow papers like this" not in client.get("/papers/2405.15001").content.decode()
    client.post("/follows/add", {"kind": "like", "value": "small planets"})
    client.post("/follows/add", {"kind": "similar", "value": "arxiv.org/abs/2405.15001v2"})
    assert follows.of(ada) == ["similar/2405.15001", "like/small planets"]
    html = text(client)
    assert html.count("This list needs the encoder") >= 2 and "Weather of small planets, part 1" in html


def test_with_an_encoder_they_are_followed_by_buttons(
    ada: Reader, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("broadsheet.editions.near.is_on", lambda: True)
    html = client.get("/search?q=small+planets&cat=cs.CL&code=1").content.decode()
    place = re.search(r'formaction="(/follow/like/[^"]+)"', html)
    assert place
    client.post(place[1], {"on": "1"})
    assert 'formaction="/follow/similar/2405.15001"' in client.get("/papers/2405.15001").content.decode()
    client.post("/follow/similar/2405.15001", {"on": "1"})
    assert follows.of(ada) == ["similar/2405.15001", "like/small planets cat:cs.CL has:code"]
    assert "Papers like this followed" in client.get("/papers/2405.15001").content.decode()


def bring(client: Client, *addresses: str) -> str:
    lines = "".join(f'<outline type="rss" text="Feed {place}" xmlUrl="{one}"/>' for place, one in enumerate(addresses))
    file = BytesIO(f'<?xml version="1.0"?><opml version="2.0"><body>{lines}</body></opml>'.encode())
    file.name = "mine.opml"
    return client.post("/follows/bring", {"file": file}, follow=True).content.decode()


def test_an_outline_is_brought(ada: Reader, client: Client) -> None:
    html = bring(
        client,
        "https://rss.arxiv.org/rss/cs.CL+cs.CV",
        "https://old.example/feeds/author/ada%20lum.atom",
        "https://old.example/feeds/organisation/unknown.atom",
        "https://blog.example/feed.xml",
    )
    assert set(follows.of(ada)) == {"category/cs.CL", "category/cs.CV", "author/Ada Lum"}
    assert "You follow 3 more lists now." in html and "2 feeds are of no list here: Feed 2; Feed 3" in html


def test_ones_own_outline_comes_back_whole(ada: Reader, client: Client) -> None:
    keys = ["search/small planets", "author/Ada Lum", "edition", "category/cs.CL"]
    for key in keys:
        follows.follow(ada, key, now=now())
    outline = client.get("/follows.opml").content
    Follow.objects.all().delete()
    file = BytesIO(outline)
    file.name = "follows.opml"
    client.post("/follows/bring", {"file": file})
    assert sorted(follows.of(ada)) == sorted(keys)


def test_the_names_one_gave_leave_and_come_back_and_replace_none_that_is_here(ada: Reader, client: Client) -> None:
    named_so = {"search/small planets": "Planets & <b>", "author/Ada Lum": "", "category/cs.CL": "Mine"}
    for key, name in named_so.items():
        follows.follow(ada, key, now=now())
        follows.switch(ada, key, follows.Switches(name=name))
    outline = client.get("/follows.opml").content
    Follow.objects.all().delete()
    follows.follow(ada, "category/cs.CL", now=now())
    follows.switch(ada, "category/cs.CL", follows.Switches(name="Newer"))
    file = BytesIO(outline)
    file.name = "follows.opml"
    page = client.post("/follows/bring", {"file": file}, follow=True).content.decode()
    assert dict(Follow.objects.values_list("key", "name")) == named_so | {"category/cs.CL": "Newer"}
    assert "Planets &amp; &lt;b&gt;" in page and "Planets & <b>" not in page


@pytest.mark.parametrize(
    "data", [b"", b"nothing", b"<!DOCTYPE opml [<!ENTITY a 'x'>]><opml>&a;</opml>", b" " * 1_000_001]
)
def test_what_is_no_outline_is_said(ada: Reader, client: Client, data: bytes) -> None:
    file = BytesIO(data)
    file.name = "x.opml"
    response = client.post("/follows/bring", {"file": file})
    assert response.status_code == 400 and b'role="alert"' in response.content
    assert client.post("/follows/bring").status_code == 400


@pytest.mark.thorough
def test_a_full_shelf_stops_the_outline_in_words(ada: Reader, client: Client) -> None:
    Follow.objects.bulk_create(Follow(reader=ada, key=f"search/{n}", at=now()) for n in range(follows.MOST - 1))
    html = bring(client, "https://rss.arxiv.org/rss/cs.CL+cs.CV")
    assert "You follow 200 lists already." in html and Follow.objects.count() == follows.MOST


def test_a_list_of_a_room_above_has_a_secret_feed_too(
    ada: Reader, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    head = named.NamedList("mine", "For me", "/", (), own=True)
    monkeypatch.setattr(named, "OWN", {**named.OWN, "mine": named.OwnKind(lambda who: head, lambda *_: ())})
    client.post("/follows/addresses", {"do": "make"})
    html = text(client)
    assert "<p>For me</p>" in html
    place = re.search(r"http://testserver(/feeds/own/bs_[^<]+/mine.atom)", html)
    assert place and client.get(place[1]).status_code == 200
    assert client.get(place[1].replace("/mine.", "/others.")).status_code == 404


@pytest.mark.parametrize("key", ["like/small planets", "similar/2405.15001"])
def test_lists_by_meaning_go_wherever_lists_go(
    ada: Reader, client: Client, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    near_it = list(Paper.objects.order_by("key").values_list("id", flat=True)[:2])
    for kind in ("like", "similar"):
        monkeypatch.setitem(named.FOUND, kind, lambda value, wanted, most: near_it)
    follows.follow(ada, key, now=now())
    assert client.get(f"/feeds/{quote(key)}.atom").content.count(b"<entry") == 2
    assert quote(key).encode() in client.get("/follows.opml").content
    assert len(client.get("/api/v1/lists", {"key": key}).json()["papers"]) == 2
    assert client.post("/follows/add", {"kind": "search", "value": key}).status_code == 303
    wish = wishes.checked(wishes.Wish(lists=(key, "follows")), has_account=True, today=NOW.date())
    assert wish.lists == (key, "follows")
    pool = Pools(NOW).of(date(2024, 5, 27), date(2024, 5, 27), [key])
    assert len(pool.lists[key]) == 2 and pool.names[key]
    hooked = {"kind": "webhook", "target": "https://x.example/", "rhythm": "daily", "least": 1, "most": 20}
    hook = places.made(ada, hooked | {"key": key}, now=NOW)
    assert [paper.id for paper in choose.current(hook, NOW)[1]] == near_it
