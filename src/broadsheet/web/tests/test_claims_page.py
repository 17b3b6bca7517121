from collections.abc import Callable

import pytest
from django.test import Client

from broadsheet.community.models import Claim
from broadsheet.community.tests.factory import reader

Page = Callable[[str], str]
KEY = "2405.15001"


@pytest.fixture
def ada(edition: int, client: Client) -> Client:
    client.force_login(reader(1, name="Ada Lum"))
    return client


def test_a_claim_waits_is_confirmed_and_marks_the_author(ada: Client, page: Page) -> None:
    assert "Is this paper yours?" in page(f"/papers/{KEY}")
    sent = ada.post(f"/claim/{KEY}", {"position": "0", "says": "My <page>"})
    assert (sent.status_code, sent.headers["Location"]) == (303, f"/papers/{KEY}#authorship")
    assert "Your claim waits for a curator." in page(f"/papers/{KEY}")
    desk = Client()
    desk.force_login(reader(8, role="curator"))
    shown = desk.get("/desk/claims").content.decode()
    assert "My &lt;page&gt;" in shown and "<strong>Ada Lum</strong>" in shown
    claim = Claim.objects.get()
    decided = desk.post("/desk/claims", {"claim": claim.pk, "do": "confirm", "reason": "Her page lists it"})
    assert decided.status_code == 303, decided.content.decode()
    html = page(f"/papers/{KEY}")
    assert "Confirmed: Ada Lum is an author" in html and "This is yours" in html
    assert "Confirmed: Ada Lum" in Client().get(f"/papers/{KEY}").content.decode()
    assert ada.post(f"/claim/{claim.pk}/take-back").status_code == 303
    assert "Confirmed: Ada Lum" not in page(f"/papers/{KEY}")


def test_a_declined_claim_is_told_with_its_reason(ada: Client, page: Page) -> None:
    ada.post(f"/claim/{KEY}", {"position": "1"})
    desk = Client()
    desk.force_login(reader(8, role="curator"))
    claim = Claim.objects.get()
    without = desk.post("/desk/claims", {"claim": claim.pk, "do": "decline", "reason": ""})
    assert without.status_code == 400 and b'role="alert"' in without.content
    assert desk.post("/desk/claims", {"claim": claim.pk, "do": "decline", "reason": "Another Ada"}).status_code == 303
    assert "Another Ada" in page(f"/papers/{KEY}")


@pytest.mark.parametrize("position", ["", "99", "-1", "nope", "9" * 60, "1.5", "\0"])
def test_a_claim_to_no_author_is_refused_with_what_was_typed(ada: Client, position: str) -> None:
    refused = ada.post(f"/claim/{KEY}", {"position": position, "says": "It is <mine>"})
    assert refused.status_code == 400 and "It is &lt;mine&gt;</textarea>" in refused.content.decode()
    assert not Claim.objects.exists()


def test_nobody_takes_back_what_is_another_readers(ada: Client) -> None:
    ada.post(f"/claim/{KEY}", {"position": "0"})
    other = Client()
    other.force_login(reader(2))
    assert other.post(f"/claim/{Claim.objects.get().pk}/take-back").status_code == 400
    assert other.post("/claim/99999/take-back").status_code == 404
    assert Claim.objects.get().state == "waiting"
