from datetime import datetime, timedelta

import pytest
from django.test import Client

from broadsheet.community.models import Vote
from broadsheet.digest import links
from broadsheet.digest.models import Less, Subscription
from broadsheet.foryou.models import Opinion
from broadsheet.lib.clock import now as wall_clock
from broadsheet.papers.models import Paper
from broadsheet.readers import filing
from broadsheet.readers.models import Reader, Saved
from broadsheet.web import limits
from broadsheet.web.tests.accounts import reader, signed_in

KEY = "2405.15001"
PURPOSES = ("vote", "save", "less")


@pytest.fixture
def ada(edition: int) -> Reader:
    return reader()


@pytest.fixture
def hers(ada: Reader) -> Subscription:
    return Subscription.objects.create(address="ada@lab.example", reader=ada, state="active", asked=wall_clock())


@pytest.fixture
def free(edition: int) -> Subscription:
    """A subscription without an account."""
    return Subscription.objects.create(address="bo@lab.example", state="active", asked=wall_clock())


def paper() -> Paper:
    return Paper.objects.get(key=KEY)


def path(of: Subscription, purpose: str, moment: datetime | None = None) -> str:
    token = links.token(of, purpose, paper=paper().pk, now=moment or wall_clock())
    return f"/digest/{purpose}/{token}"


def counts() -> tuple[int, int, int]:
    return Vote.objects.count(), Saved.objects.count(), Less.objects.count()


@pytest.mark.parametrize("purpose", PURPOSES)
def test_reading_a_link_shows_the_paper_and_changes_nothing(hers: Subscription, client: Client, purpose: str) -> None:
    for _time in range(3):
        response = client.get(path(hers, purpose))
        html = response.content.decode()
        assert response.status_code == 200 and "Weather of small planets, part 1" in html
        assert '<button name="on" value="1"' in html and "csrfmiddlewaretoken" in html and "noindex" in html
        assert "no-store" in response.headers["Cache-Control"]
    assert client.head(path(hers, purpose)).status_code == 200
    assert counts() == (0, 0, 0)


@pytest.mark.parametrize("purpose", PURPOSES)
def test_the_button_acts_once_and_can_be_taken_back(hers: Subscription, client: Client, purpose: str) -> None:
    address, place = path(hers, purpose), PURPOSES.index(purpose)
    for _time in range(2):
        response = client.post(address, {"on": "1"})
        assert (response.status_code, response.headers["Location"]) == (303, address)
        assert counts()[place] == 1 and sum(counts()) == 1
    assert 'value="0"' in client.get(address).content.decode()
    client.post(address, {"on": "0"})
    assert counts() == (0, 0, 0)


def test_a_vote_is_the_subscribers_own(hers: Subscription, ada: Reader, client: Client) -> None:
    client.post(path(hers, "vote"), {"on": "1"})
    assert Vote.objects.get().reader == ada and paper().votes_here == 1


def test_a_link_throws_away_no_note_and_no_tags(hers: Subscription, ada: Reader, client: Client) -> None:
    address = path(hers, "save")
    client.post(address, {"on": "1"})
    filing.file(ada, paper(), now=wall_clock(), note="Read with Bo.", tags=["weather"])
    response = client.post(address, {"on": "0"})
    assert response.status_code == 400 and "note and tags" in response.content.decode()
    assert Saved.objects.get().note == "Read with Bo."


@pytest.mark.parametrize("purpose", PURPOSES)
def test_nothing_is_done_without_the_token_of_the_form(hers: Subscription, purpose: str) -> None:
    strict = Client(enforce_csrf_checks=True)
    address = path(hers, purpose)
    assert strict.post(address, {"on": "1"}).status_code == 403
    assert counts() == (0, 0, 0)
    html = strict.get(address).content.decode()
    token = html.split('name="csrfmiddlewaretoken" value="')[1].split('"')[0]
    assert strict.post(address, {"on": "1", "csrfmiddlewaretoken": token}).status_code == 303
    assert sum(counts()) == 1


@pytest.mark.parametrize("purpose", ["vote", "save"])
def test_without_an_account_a_link_leads_to_one(free: Subscription, client: Client, purpose: str) -> None:
    html = client.get(path(free, purpose)).content.decode()
    assert "account" in html and 'href="/account/signup/"' in html and "<button" not in html.split("<main")[1]
    assert client.post(path(free, purpose), {"on": "1"}).status_code == 200
    assert counts() == (0, 0, 0)


def test_less_like_this_is_kept_for_every_subscription(free: Subscription, client: Client) -> None:
    client.post(path(free, "less"), {"on": "1"})
    kept = Less.objects.get()
    assert (kept.subscription, kept.paper) == (free, paper())
    assert "hold less like this" in client.get(path(free, "less")).content.decode()


def test_less_like_this_teaches_the_list_of_a_reader_and_taking_it_back_leaves_nothing(
    hers: Subscription, ada: Reader, client: Client
) -> None:
    client.post(path(hers, "less"), {"on": "1"})
    kept = Opinion.objects.get()
    assert (kept.reader, kept.paper, kept.more, kept.origin) == (ada, paper(), False, "mail")
    client.post(path(hers, "less"), {"on": "0"})
    assert not Opinion.objects.exists()
    client.post(path(hers, "less"), {"on": "1"})
    Opinion.objects.update(more=True)
    client.post(path(hers, "less"), {"on": "0"})
    assert Opinion.objects.get().more


@pytest.mark.parametrize("purpose", PURPOSES)
def test_a_link_does_nothing_where_somebody_else_is_signed_in(hers: Subscription, purpose: str) -> None:
    other = signed_in(reader("bo"))
    assert other.get(path(hers, purpose)).status_code == 403
    assert other.post(path(hers, purpose), {"on": "1"}).status_code == 403
    assert counts() == (0, 0, 0)


def test_a_link_works_where_its_reader_is_signed_in(hers: Subscription, ada: Reader) -> None:
    assert signed_in(ada).post(path(hers, "save"), {"on": "1"}).status_code == 303
    assert Saved.objects.get().reader == ada


def test_a_token_is_good_for_one_purpose_and_one_subscription(
    hers: Subscription, free: Subscription, client: Client
) -> None:
    token = path(hers, "less").rpartition("/")[2]
    forged = token.replace(f".{hers.pk}.", f".{free.pk}.", 1)
    for address in (f"/digest/vote/{token}", f"/digest/save/{token}", f"/digest/less/{forged}", "/digest/less/x"):
        assert client.get(address).status_code == 410
        assert client.post(address, {"on": "1"}).status_code == 410
    assert counts() == (0, 0, 0)


@pytest.mark.parametrize("purpose", PURPOSES)
def test_links_expire_and_end_with_their_epoch(hers: Subscription, client: Client, purpose: str) -> None:
    old = path(hers, purpose, wall_clock() - timedelta(days=181))
    assert client.post(old, {"on": "1"}).status_code == 410
    good = path(hers, purpose)
    Subscription.objects.update(epoch=1)
    assert client.post(good, {"on": "1"}).status_code == 410
    assert counts() == (0, 0, 0)


@pytest.mark.parametrize("purpose", PURPOSES)
def test_what_is_no_more_on_the_lists_is_said_to_be_gone(hers: Subscription, client: Client, purpose: str) -> None:
    address = path(hers, purpose)
    Paper.objects.filter(key=KEY).update(hidden=True)
    response = client.get(address)
    assert response.status_code == 404 and "taken off the lists" in response.content.decode()


def test_a_link_without_a_paper_is_refused(hers: Subscription, client: Client) -> None:
    token = links.token(hers, "vote", now=wall_clock())
    assert client.get(f"/digest/vote/{token}").status_code == 404


def test_readers_who_may_not_act_cannot_by_mail(hers: Subscription, ada: Reader, client: Client) -> None:
    Reader.objects.filter(pk=ada.pk).update(state="suspended")
    assert client.post(path(hers, "vote"), {"on": "1"}).status_code == 403
    assert counts() == (0, 0, 0)


@pytest.mark.parametrize("given", [{}, {"on": "2"}, {"on": ""}])
def test_a_request_that_says_neither_yes_nor_no_is_refused(
    hers: Subscription, client: Client, given: dict[str, str]
) -> None:
    assert client.post(path(hers, "vote"), given).status_code == 400
    assert counts() == (0, 0, 0)


def test_other_methods_are_refused(hers: Subscription, client: Client) -> None:
    assert client.put(path(hers, "less")).status_code == 405


@pytest.mark.thorough
def test_a_hail_of_clicks_is_stopped(hers: Subscription, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    at = wall_clock()
    monkeypatch.setattr(limits, "now", lambda: at)
    address = path(hers, "less")
    answers = [client.post(address, {"on": "1"}).status_code for _time in range(61)]
    assert answers == [303] * 60 + [429]


def test_titles_are_escaped(hers: Subscription, client: Client) -> None:
    Paper.objects.filter(key=KEY).update(title="<script>alert(1)</script> wind")
    assert "<script>alert" not in client.get(path(hers, "vote")).content.decode()
