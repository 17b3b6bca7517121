import json
import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from urllib.parse import quote

import pytest
from django.core.cache import caches
from django.test import Client
from hypothesis import HealthCheck, given
from hypothesis import settings as effort
from hypothesis import strategies as st
from pytest_django import Settings

from broadsheet.digest import links, subscribing
from broadsheet.digest.models import Mail, Subscription
from broadsheet.digest.wishes import Wish
from broadsheet.lib.clock import now
from broadsheet.readers import alone
from broadsheet.readers.models import Reader
from broadsheet.web.tests.accounts import reader, signed_in

Page = Callable[[str], str]
ADA = "ada@home.example"
LISTS = ["/", "/date/2024-05-27", "/week/2024-W22", "/month/2024-05", "/trending", "/date/2024-05-26"]
WISH = {
    "lists": ["trending", "category/cs.CL"],
    "more": "search/small planets", "rhythm": "weekly", "weekday": "4", "least": "1",
    "hour": "6", "time_zone": "Asia/Tokyo", "length": "12", "form": "text", "language": "", "paused_until": "",
}  # fmt: skip


@pytest.fixture(autouse=True)
def _mail(db: None, settings: Settings) -> None:
    settings.MAIL = True
    caches["default"].clear()


@pytest.fixture
def strict() -> Client:
    """A browser of which forged requests are asked for their token, as everywhere but in tests."""
    return Client(enforce_csrf_checks=True)


@pytest.fixture
def ada() -> Subscription:
    return Subscription.objects.create(
        address=ADA, state="active", lists=["trending"], asked=now(), confirmed=now(), time_zone="Asia/Tokyo"
    )


def path(subscription: Subscription, purpose: str, **told: object) -> str:
    return "/" + links.link(subscription, purpose, now=now(), **told).split("/", 3)[3]  # type: ignore[arg-type]


def token_in(html: str) -> str:
    found = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', html)
    assert found
    return found[1]


def press(browser: Client, place: str, **given: object) -> object:
    """Fetch a page and post its form, as a person does."""
    html = browser.get(place).content.decode()
    return browser.post(place, {**given, "csrfmiddlewaretoken": token_in(html)})


@pytest.mark.parametrize("address", LISTS)
def test_every_edition_has_the_box_and_sets_no_cookie(edition: int, client: Client, address: str) -> None:
    response = client.get(address)
    html = response.content.decode()
    assert html.count('action="/subscribe"') == 1 and 'href="#by-mail"' in html or "blank-mark" in html
    assert 'id="by-mail-address"' in html
    assert "csrfmiddlewaretoken" not in html and not response.cookies


def test_without_a_mail_server_nothing_is_offered(edition: int, client: Client, page: Page, settings: Settings) -> None:
    settings.MAIL = False
    assert "by-mail" not in page("/trending")
    for response in (client.get("/subscribe"), client.post("/subscribe", {"address": ADA})):
        assert response.status_code == 404 and b"sends no mail" in response.content


def test_the_box_changes_nothing_and_fills_the_form(edition: int, strict: Client, page: Page) -> None:
    assert 'value="category/cs.CV"' in page("/trending?cat=cs.CV")
    response = strict.post("/subscribe", {"address": ADA, "lists": "category/cs.CV"})
    html = response.content.decode()
    assert response.status_code == 200 and f'value="{ADA}"' in html
    assert re.search(r'value="category/cs.CV"[^>]* checked', html)
    assert not re.search(r'value="trending"[^>]* checked', html)
    assert not Subscription.objects.exists()


def test_subscribing_by_the_form(edition: int, strict: Client) -> None:
    box = strict.post("/subscribe", {"address": ADA, "lists": "trending"}).content.decode()
    response = strict.post("/subscribe", {**WISH, "address": ADA, "csrfmiddlewaretoken": token_in(box)})
    assert response.status_code == 200 and b"Look into your mailbox" in response.content
    found = Subscription.objects.get()
    assert (found.state, found.rhythm, found.weekday, found.hour) == ("asked", "weekly", 4, 6)
    assert (found.time_zone, found.length, found.form) == ("Asia/Tokyo", 12, "text")
    assert found.lists == ["trending", "category/cs.CL", "search/small planets"]
    assert Mail.objects.get().address == ADA


def test_the_form_needs_its_token(strict: Client) -> None:
    for token in ("", "x" * 64, "nonsense"):
        response = strict.post("/subscribe", {**WISH, "address": ADA, "csrfmiddlewaretoken": token})
        assert response.status_code == 403
    assert not Subscription.objects.exists()


def test_the_page_says_the_same_whether_an_address_is_known_or_not(client: Client, ada: Subscription) -> None:
    Subscription.objects.create(address="no@home.example", state="suppressed", asked=now(), ended=now())
    said = set()
    for address in (ADA, "no@home.example", "new@home.example", ADA):
        response = client.post("/subscribe", {**WISH, "address": address, "csrfmiddlewaretoken": "x"})
        assert response.status_code == 200
        said.add(response.content.decode().replace(address, "ADDRESS"))
    assert len(said) == 1


def test_the_time_zone_is_asked_for(client: Client, page: Page) -> None:
    assert '<option value="" selected>Choose</option>' in page("/subscribe")
    given = {**WISH, "address": ADA, "time_zone": "", "csrfmiddlewaretoken": "x"}
    assert client.post("/subscribe", given).status_code == 400


@pytest.mark.thorough
@pytest.mark.parametrize(
    "changes",
    [
        {"address": ""}, {"address": "a\r\nBcc: b@lab.example"}, {"address": "x" * 1000},
        {"address": "\0@lab.example"},
        {"address": "ada@\ud7ff"}, {"lists": ["nonsense"]}, {"lists": [], "more": ""}, {"more": "author/Nobody Known"},
        {"more": "x\n" * 1500}, {"more": "category/\u202e"}, {"rhythm": "x"}, {"weekday": "9"}, {"hour": "24"},
        {"least": "-1"}, {"length": "51"}, {"length": "9" * 500}, {"time_zone": "../../etc"}, {"form": "pdf"},
        {"language": "x" * 400}, {"paused_until": "soon"}, {"paused_until": "9999-12-31"},
        {"paused_until": "0000-00-00"},
    ],
)  # fmt: skip
def test_nonsense_in_the_form_gets_a_sentence(client: Client, ada: Subscription, changes: dict[str, object]) -> None:
    given = {**WISH, "address": "new@home.example", "csrfmiddlewaretoken": "x", **changes}
    if "paused_until" not in changes:
        response = client.post("/subscribe", given)
        assert response.status_code == 400 and b'class="wrong' in response.content
    if "address" not in changes:
        assert client.post(path(ada, "preferences"), {**WISH, **changes}).status_code == 400
    assert Subscription.objects.get().lists == ["trending"]


def test_what_the_box_sends_may_be_anything(client: Client) -> None:
    for sent in ({"address": "\0\n<b>" * 300, "lists": "x" * 9000}, {"lists": "search/<script>"}, {"lists": "follows"}):
        response = client.post("/subscribe", sent)
        assert response.status_code == 200
        assert b"<script>" not in response.content and b"<b>" not in response.content


def test_a_confirmation_shows_a_button_and_only_the_button_confirms(strict: Client) -> None:
    subscribing.ask(ADA, Wish(), now=now(), origin="8.8.4.4")
    place = path(Subscription.objects.get(), "confirm")
    for _scan in range(3):
        response = strict.get(place)
        assert response.status_code == 200 and ADA in response.content.decode()
    strict.head(place)
    assert strict.post(place).status_code == 403
    assert Subscription.objects.get().state == "asked"
    for _click in range(2):
        assert b"Welcome" in press(strict, place).content  # type: ignore[attr-defined]
    assert Subscription.objects.get().state == "active"


def test_one_click_stops_the_digests_without_cookie_or_token(strict: Client, ada: Subscription) -> None:
    place = path(ada, "unsubscribe")
    for _scan in range(2):
        response = strict.get(place)
        assert b"Stop them" in response.content and not response.cookies
        assert ADA.encode() not in response.content
    strict.head(place)
    ada.refresh_from_db()
    assert ada.state == "active"
    response = strict.post(place, "List-Unsubscribe=One-Click", content_type="application/x-www-form-urlencoded")
    assert response.status_code == 200 and not response.cookies
    ada.refresh_from_db()
    assert ada.state == "stopped"
    assert strict.post(place).status_code == 200


def test_every_other_page_behind_a_link_needs_its_token(strict: Client, ada: Subscription) -> None:
    for purpose in ("confirm", "preferences"):
        for do in ("save", "stop", "move", "end-links", "export", "erase"):
            assert strict.post(path(ada, purpose), {**WISH, "do": do}).status_code == 403
    ada.refresh_from_db()
    assert (ada.state, ada.rhythm, ada.epoch) == ("active", "daily", 0)


def test_preferences_are_shown_and_saved(strict: Client, ada: Subscription) -> None:
    place = path(ada, "preferences")
    html = strict.get(place).content.decode()
    assert ADA in html and "Every day with an edition" in html and 'value="foryou"' not in html
    later = (now() + timedelta(days=9)).date()
    response = press(strict, place, **WISH | {"paused_until": later.isoformat()})
    assert response.status_code == 303  # type: ignore[attr-defined]
    ada.refresh_from_db()
    assert (ada.rhythm, ada.weekday, ada.length, ada.form, ada.paused_until) == ("weekly", 4, 12, "text", later)
    html = strict.get(place).content.decode()
    assert "Saved." in html and "Paused until" in html and "search/small planets" in html


def test_stopping_resuming_and_ending_links(client: Client, ada: Subscription) -> None:
    place = path(ada, "preferences")
    client.post(place, {"do": "stop"})
    assert "Begin again" in client.get(place).content.decode()
    client.post(place, {"do": "resume"})
    ada.refresh_from_db()
    assert ada.state == "active"
    response = client.post(place, {"do": "end-links"})
    assert client.get(place).status_code == 410
    assert client.get(response.headers["Location"]).status_code == 200


def test_a_new_address_is_asked_first(client: Client, ada: Subscription) -> None:
    place = path(ada, "preferences")
    client.post(place, {"do": "move", "address": "ada@new.example"})
    assert "We wrote to ada@new.example" in client.get(place).content.decode()
    for wrong in ("", "x" * 1000, "a\nb@lab.example", ADA):
        assert client.post(place, {"do": "move", "address": wrong}).status_code == 303
    client.post(path(ada, "confirm", address="ada@new.example"))
    ada.refresh_from_db()
    assert ada.address == "ada@new.example"
    assert client.get(place).status_code == 410


def test_what_is_kept_can_be_taken_along_and_erased(client: Client, ada: Subscription) -> None:
    place = path(ada, "preferences")
    response = client.post(place, {"do": "export"})
    assert json.loads(response.content)["address"] == ADA and "attachment" in response.headers["Content-Disposition"]
    assert b"Erased" in client.post(place, {"do": "erase"}).content
    assert not Subscription.objects.exists()
    for purpose in ("preferences", "unsubscribe", "confirm"):
        assert client.get(path(ada, purpose)).status_code == 410


def test_a_link_is_of_no_use_for_another_subscription_or_page(client: Client, ada: Subscription) -> None:
    bo = Subscription.objects.create(address="bo@home.example", state="active", asked=now(), confirmed=now())
    token = links.token(ada, "unsubscribe", now=now())
    forged = token.replace(f"..{ada.pk}.", f"..{bo.pk}.")
    assert forged != token
    for place in (f"/digest/unsubscribe/{forged}", f"/digest/preferences/{token}", f"/confirm/{token}"):
        for response in (client.get(place), client.post(place, WISH)):
            assert response.status_code == 410 and b"does not work" in response.content
    assert Subscription.objects.filter(state="active").count() == 2


def test_an_expired_link_says_so(client: Client, ada: Subscription) -> None:
    token = links.token(ada, "confirm", now=now() - timedelta(days=8))
    response = client.get(f"/confirm/{token}")
    assert response.status_code == 410 and b"expired" in response.content


@pytest.mark.thorough
@effort(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(token=st.text(min_size=1, max_size=80).filter(lambda text: "/" not in text))
def test_no_token_breaks_a_page(client: Client, token: str) -> None:
    caches["memory"].clear()
    for place in ("confirm", "digest/preferences", "digest/unsubscribe"):
        address = f"/{place}/{quote(token.encode('utf-8', 'replace'))}"
        for response in (client.get(address), client.post(address)):
            assert response.status_code in (404, 410), token


def test_a_reader_sets_up_a_digest_without_links(ada_reader: Reader) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.cookies = signed_in(ada_reader).cookies
    assert browser.get("/subscribe").headers["Location"] == "/me/digest"
    html = browser.get("/me/digest").content.decode()
    assert 'value="foryou"' in html and 'name="address"' not in html
    assert browser.post("/me/digest", WISH).status_code == 403
    assert press(browser, "/me/digest", **WISH | {"lists": ["follows"]}).status_code == 303  # type: ignore[attr-defined]
    found = Subscription.objects.get()
    assert (found.reader, found.address, found.state) == (ada_reader, ada_reader.email, "active")
    assert "by-mail" not in browser.get("/trending").content.decode()
    press(browser, "/me/digest", do="stop")
    found.refresh_from_db()
    assert found.state == "stopped"


@pytest.fixture
def ada_reader(edition: int) -> Reader:
    return reader()


def test_a_forwarded_link_moves_and_tells_nothing_of_an_account(client: Client, ada_reader: Reader) -> None:
    found = subscribing.begin(ada_reader, Wish(), now=now())
    place = path(found, "preferences")
    html = client.get(place).content.decode()
    assert 'value="export"' not in html and 'value="stop"' in html
    for do in ("move", "export", "erase", "end-links"):
        response = client.post(place, {"do": do, "address": "evil@home.example"})
        assert (response.status_code, response.headers["Location"]) == (303, place), do
    kept = Subscription.objects.get()
    # Nor does it end the links of its owner's mails, among them the one that stops them.
    assert (kept.address, kept.epoch) == (ada_reader.email, 0) and not Mail.objects.exists()


def test_a_reader_is_told_what_the_site_lacks(ada_reader: Reader, settings: Settings) -> None:
    settings.MAIL = False
    assert b"no mail server" in signed_in(ada_reader).get("/me/digest").content
    owner = reader("bo", role="owner")
    assert b"mail_url" in signed_in(owner).get("/me/digest").content


def test_the_one_person_of_a_site_gives_an_address(
    client: Client, edition: int, monkeypatch: pytest.MonkeyPatch, own_home: Path
) -> None:
    monkeypatch.setenv(alone.VARIABLE, "1")
    assert 'href="/me/digest"' in client.get("/trending", SERVER_NAME="localhost").content.decode()
    html = client.get("/me/digest", SERVER_NAME="localhost").content.decode()
    assert 'name="address"' in html
    given = {**WISH, "address": ADA}
    assert client.post("/me/digest", given, SERVER_NAME="localhost").status_code == 303
    found = Subscription.objects.get()
    assert (found.state, found.address, Mail.objects.get().address) == ("asked", ADA, ADA)
    assert b"We wrote to" in client.get("/me/digest", SERVER_NAME="localhost").content
    client.post(path(found, "confirm"), SERVER_NAME="localhost")
    found.refresh_from_db()
    assert found.state == "active"


def test_strangers_are_sent_to_sign_in(client: Client) -> None:
    assert client.get("/me/digest").headers["Location"].startswith("/account/login/")


@pytest.mark.parametrize("address", ["/subscribe", "/digest/unsubscribe/x", "/digest/preferences/x", "/confirm/x"])
def test_other_methods_are_refused(client: Client, address: str) -> None:
    for method in (client.put, client.delete, client.patch):
        assert method(address).status_code == 405
