from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from django.test import Client
from pytest_django import Settings

from broadsheet.delivery import chat, due, places
from broadsheet.delivery.models import Delivery, Hook
from broadsheet.delivery.sending import Message, Outcome
from broadsheet.lib.clock import now
from broadsheet.lib.tests.loopback import Loopback, playing
from broadsheet.readers.models import Reader
from broadsheet.web.tests.accounts import reader, signed_in

pytestmark = pytest.mark.django_db
GIVEN = {
    "kind": "webhook",
    "target": "https://hooks.example/services/abcdef123456",
    "key": "trending",
    "rhythm": "daily",
    "least": 1,
    "most": 20,
    "name": "My robot",
}
PAGE = "/me/deliveries"


@pytest.fixture
def ada() -> Reader:
    return reader()


@pytest.fixture
def server() -> Iterator[Loopback]:
    with playing() as loopback:
        yield loopback


@pytest.fixture
def own_network(settings: Settings, own_home: object) -> None:
    settings.CONFIG = replace(settings.CONFIG, values={**settings.CONFIG.values, "hook_hosts": ("127.0.0.1",)})


def kept(who: Reader, **values: object) -> Hook:
    response = signed_in(who).post(PAGE, GIVEN | values | {"keep": "1"})
    assert response.status_code == 303, response.content.decode()
    return Hook.objects.latest("pk")


def test_strangers_are_sent_to_sign_in() -> None:
    assert Client().get(PAGE).status_code == 303
    assert Client().post(PAGE, GIVEN).status_code == 303 and not Hook.objects.exists()


def test_the_list_is_filled_in_from_the_address(ada: Reader) -> None:
    page = signed_in(ada).get(PAGE, {"list": "category/cs.CL"}).content.decode()
    assert 'value="category/cs.CL"' in page
    for nonsense in ("\x00", "x" * 5000, '"><script>alert(1)</script>'):
        response = signed_in(ada).get(PAGE, {"list": nonsense})
        assert response.status_code == 200 and "<script>alert" not in response.content.decode()


def test_a_preview_shows_what_would_go_out_and_keeps_nothing(ada: Reader, edition: int) -> None:
    page = signed_in(ada).post(PAGE, GIVEN | {"preview": "1"}).content.decode()
    assert "This is how it would go out now" in page
    assert "&quot;event&quot;: &quot;papers&quot;" in page and "Weather of small planets" in page
    assert not Hook.objects.exists()


def test_a_place_is_kept_and_shown_without_its_secrets(ada: Reader, edition: int) -> None:
    hook = kept(ada)
    assert (hook.reader, hook.key, hook.rhythm, hook.name) == (ada, "trending", "daily", "My robot")
    page = signed_in(ada).get(PAGE).content.decode()
    assert "My robot" in page and "https://hooks.example/…3456" in page and "abcdef12" not in page
    assert hook.secret not in page
    own = signed_in(ada).get(f"{PAGE}/{hook.pk}").content.decode()
    assert hook.secret not in own and "abcdef12" not in own


def test_a_new_secret_is_shown_once_to_who_made_it(ada: Reader, edition: int) -> None:
    browser = signed_in(ada)
    browser.post(PAGE, GIVEN | {"keep": "1"})
    hook = Hook.objects.get()
    other = browser.get(f"{PAGE}/{hook.pk + 1}")
    assert other.status_code == 404
    for _ in range(2):
        assert hook.secret in browser.get(f"{PAGE}/{hook.pk}").content.decode()
        again = browser.get(f"{PAGE}/{hook.pk}").content.decode()
        assert hook.secret not in again and "not shown again" in again
        browser.post(f"{PAGE}/{hook.pk}/rotate")
        hook.refresh_from_db()


def test_a_place_is_changed_on_a_page_that_shows_no_secret(ada: Reader, edition: int) -> None:
    hook, browser = kept(ada), signed_in(ada)
    address = f"{PAGE}/{hook.pk}/change"
    page = browser.get(address).content.decode()
    assert 'value="My robot"' in page and 'value="trending"' in page and "https://hooks.example/…3456" in page
    assert "abcdef12" not in page and hook.secret not in page
    given = {"name": "Renamed", "key": "category/cs.CL", "rhythm": "weekly", "least": 2, "most": 5, "target": ""}
    seen = browser.post(address, given | {"preview": "1"}).content.decode()
    assert "This is how it would go out now" in seen and "category/cs.CL" in seen
    hook.refresh_from_db()
    assert hook.name == "My robot"
    response = browser.post(address, given | {"keep": "1"}, follow=True)
    assert "Renamed" in response.content.decode() and "new list begins" in response.content.decode()
    told = Hook.objects.values_list("name", "key", "rhythm", "least", "most", "target", "secret").get()
    assert told == ("Renamed", "category/cs.CL", "weekly", 2, 5, GIVEN["target"], hook.secret)
    browser.post(address, given | {"keep": "1", "target": "https://other.example/<b>"})
    assert Hook.objects.get().target == "https://other.example/<b>"
    assert "<b>" not in browser.get(address).content.decode()


def test_what_cannot_be_changed_so_is_refused_on_the_page(ada: Reader, edition: int) -> None:
    hook = kept(ada)
    address = f"{PAGE}/{hook.pk}/change"
    given = {name: GIVEN[name] for name in ("key", "rhythm", "least", "most", "name")}
    for wrong in ({"secret": "x"}, {"key": "nonsense"}, {"target": "ftp://x"}, {"most": "nan"}, {"target": "\x00"}):
        response = signed_in(ada).post(address, given | wrong | {"keep": "1"})
        assert response.status_code == 400 and 'class="wrong' in response.content.decode()
    bo = signed_in(reader("bo"))
    assert bo.get(address).status_code == 404
    assert bo.post(address, given).status_code == 404
    assert Client().post(address, given).status_code == 303


@pytest.mark.thorough
@pytest.mark.parametrize(
    "wrong",
    [
        {"target": ""}, {"target": "nonsense"}, {"target": "ftp://host.example/"}, {"target": "https://"},
        {"target": "https://user:pass@host.example/"}, {"target": "https://[::1"}, {"target": "x" * 5000},
        {"key": ""}, {"key": "nonsense"}, {"key": "category/'; DROP TABLE"}, {"key": "edition/9999-99-99"},
        {"key": "x" * 400}, {"key": "author/nobody at all"}, {"kind": "mail"}, {"rhythm": "hourly"},
        {"least": "0"}, {"most": "9999"}, {"most": "nan"}, {"name": "x" * 200},
        {"target": "https://host.example/\x00"}, {"key": "search/\x00"},
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_refused_with_a_sentence(wrong: dict[str, str], ada: Reader, edition: int) -> None:
    for button in ("preview", "keep"):
        response = signed_in(ada).post(PAGE, GIVEN | wrong | {button: "1"})
        assert response.status_code == 400 and 'class="wrong' in response.content.decode()
    assert not Hook.objects.exists()


def test_an_eleventh_place_is_refused(ada: Reader, edition: int) -> None:
    for _ in range(places.MOST):
        places.keep(places.made(ada, GIVEN, now=now()), now=now())
    response = signed_in(ada).post(PAGE, GIVEN | {"keep": "1"})
    assert response.status_code == 400 and "10 places already" in response.content.decode()


def test_names_are_escaped(ada: Reader, edition: int) -> None:
    hook = kept(ada, name="<b>Ada</b>")
    for page in (PAGE, f"{PAGE}/{hook.pk}"):
        assert "<b>Ada" not in signed_in(ada).get(page).content.decode()


def test_the_places_of_others_are_not_there(ada: Reader, edition: int) -> None:
    hook, bo = kept(ada), signed_in(reader("bo"))
    assert bo.get(f"{PAGE}/{hook.pk}").status_code == 404
    assert bo.post(f"{PAGE}/{hook.pk}").status_code == 404
    for act in ("pause", "resume", "rotate", "remove", "nonsense"):
        assert bo.post(f"{PAGE}/{hook.pk}/{act}").status_code == 404
    hook.refresh_from_db()
    assert hook.state == "active"
    assert signed_in(ada).get(f"{PAGE}/{10**30}").status_code == 404
    assert signed_in(ada).post(f"{PAGE}/{hook.pk}/nonsense").status_code == 404
    assert signed_in(ada).get(f"{PAGE}/{hook.pk}/pause").status_code == 405


def test_forms_need_their_csrf_token(ada: Reader, edition: int) -> None:
    hook = kept(ada)
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(ada, backend="allauth.account.auth_backends.AuthenticationBackend")
    for address in (PAGE, f"{PAGE}/{hook.pk}", f"{PAGE}/{hook.pk}/change", f"{PAGE}/{hook.pk}/remove"):
        assert browser.post(address, GIVEN).status_code == 403
    assert Hook.objects.exists()


def test_a_place_is_paused_resumed_given_a_new_secret_and_removed(ada: Reader, edition: int) -> None:
    hook, browser, old = kept(ada), signed_in(ada), Hook.objects.get().secret
    for act, state in (("pause", "paused"), ("resume", "active"), ("rotate", "active")):
        assert browser.post(f"{PAGE}/{hook.pk}/{act}").status_code == 303
        hook.refresh_from_db()
        assert hook.state == state
    assert hook.secret != old and hook.before == old
    assert "old one signs too" in browser.get(f"{PAGE}/{hook.pk}").content.decode()
    browser.post(f"{PAGE}/{hook.pk}/remove")
    assert not Hook.objects.exists()


def test_a_test_says_that_it_arrived(ada: Reader, edition: int, server: Loopback, own_network: None) -> None:
    server.answer("/in")
    hook = kept(ada, target=f"{server.base}/in")
    page = signed_in(ada).post(f"{PAGE}/{hook.pk}").content.decode()
    assert "It arrived." in page and b'"event": "test"' in server.asked[0].body


@pytest.mark.parametrize(
    "target", ["http://127.0.0.1/in", "http://10.0.0.1/", "http://[::1]/", "http://169.254.169.254/"]
)
def test_a_test_of_a_private_address_says_what_is_wrong(target: str, ada: Reader, edition: int) -> None:
    hook = kept(ada, target=target)
    page = signed_in(ada).post(f"{PAGE}/{hook.pk}").content.decode()
    assert "It did not arrive." in page and "not a public address" in page


def test_what_went_wrong_is_said_and_can_be_tried_again(
    ada: Reader, edition: int, server: Loopback, own_network: None
) -> None:
    server.answer("/in", status=404)
    hook = kept(ada, target=f"{server.base}/in", rhythm="at-once")
    delivery = Delivery.objects.create(hook=hook, papers=[], payload={"papers": []}, made=now(), at=now())
    due.Round().run()
    browser = signed_in(ada)
    for page in (PAGE, f"{PAGE}/{hook.pk}"):
        assert "Nothing is at this address" in browser.get(page).content.decode()
    address = f"{PAGE}/{hook.pk}/retry/{delivery.pk}"
    assert signed_in(reader("bo")).post(address).status_code == 404
    assert browser.post(address).status_code == 303
    delivery.refresh_from_db()
    assert delivery.state == "waiting"


def test_a_chat_is_looked_at_before_it_is_kept(ada: Reader, edition: int, monkeypatch: pytest.MonkeyPatch) -> None:
    def look(target: str, message: dict[str, object]) -> dict[str, str]:
        if not target.startswith("slack://"):
            raise chat.NoChat("That is no address of a chat that Broadsheet knows.")
        return {"service": "Slack", "title": "", "text": f"**{message['list']['title']}**"}  # type: ignore[index]

    monkeypatch.setattr(chat, "look", look)
    browser, given = signed_in(ada), GIVEN | {"kind": "chat"}
    page = browser.post(PAGE, given | {"target": "slack://A/B/C", "preview": "1"}).content.decode()
    assert "Slack" in page and "**Trending**" in page
    response = browser.post(PAGE, given | {"target": "mailto://a:b@host.example", "keep": "1"})
    assert response.status_code == 400 and "no address of a chat" in response.content.decode()
    hook = kept(ada, kind="chat", target="slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ")
    assert hook.secret == ""
    page = browser.get(f"{PAGE}/{hook.pk}").content.decode()
    assert "slack://…i7FQ" in page and "T1JJ3T3L2" not in page and "Secret" not in page


@pytest.mark.thorough
def test_tests_are_limited(ada: Reader, edition: int, monkeypatch: pytest.MonkeyPatch) -> None:
    hook, sent = kept(ada), []

    def send(message: Message) -> Outcome:
        sent.append(message)
        return Outcome("sent", 200)

    monkeypatch.setattr(places, "SENDERS", {"webhook": send})
    browser = signed_in(ada)
    answers = [browser.post(f"{PAGE}/{hook.pk}").status_code for _ in range(25)]
    assert answers[-1] == 429 and 10 <= len(sent) < 25


def test_only_one_test_at_a_time_holds_a_thread(ada: Reader, edition: int) -> None:
    hook = kept(ada)
    with places._testing:
        page = signed_in(ada).post(f"{PAGE}/{hook.pk}").content.decode()
    assert "Somebody else is trying" in page


def test_a_place_of_the_past_is_told_when_it_last_sent(ada: Reader, edition: int) -> None:
    hook, at = kept(ada), now() - timedelta(days=1)
    Delivery.objects.create(hook=hook, papers=["x"], state="sent", made=at, at=at, tries=2)
    page = signed_in(ada).get(PAGE).content.decode()
    assert "Last message: arrived" in page
    assert "2 tries" in signed_in(ada).get(f"{PAGE}/{hook.pk}").content.decode()
