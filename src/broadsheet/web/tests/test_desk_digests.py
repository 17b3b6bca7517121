from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from broadsheet.community.tests.factory import reader
from broadsheet.digest.models import Bounced, Digest, Mail, Subscription
from broadsheet.digest.tests.ledger import Ledger
from broadsheet.lib.clock import now
from broadsheet.readers.models import Reader

pytestmark = pytest.mark.django_db
DESK = "/desk/digests"


def signed_in(member: Reader) -> Client:
    client = Client()
    client.force_login(member)
    return client


@pytest.fixture
def ledger(edition: int) -> Ledger:
    return Ledger(now())


@pytest.fixture
def owner(edition: int) -> Client:
    return signed_in(reader(9, role="owner"))


def text_of(client: Client, address: str = DESK) -> str:
    answer = client.get(address)
    assert answer.status_code == 200
    return answer.content.decode()


def test_strangers_readers_and_curators_see_nothing_of_it(edition: int, client: Client) -> None:
    assert client.get(DESK).status_code == 303
    for number, role in ((1, "reader"), (2, "curator")):
        assert signed_in(reader(number, role=role)).get(DESK).status_code == 403
    assert DESK not in text_of(signed_in(Reader.objects.get(handle="reader-2")), "/desk")


def test_an_empty_day_says_so(owner: Client) -> None:
    html = text_of(owner)
    assert "No mail is in doubt" in html and "All take their mails" in html and "None yet" in html
    assert f'href="{DESK}"' in text_of(owner, "/desk")


def test_moderators_see_counts_and_no_address_domain_or_mail(ledger: Ledger) -> None:
    ledger.mail(1, state="sent")
    doubtful = ledger.mail(2, state="doubtful")
    ledger.mail(3, state="queued", tries=2, reply="450 reader3@lab3.example later")
    ledger.bounce("reader1@lab1.example")
    client = signed_in(reader(8, role="moderator"))
    html = text_of(client)
    assert "1 of 3 mails are done" in html and "are in doubt" in html
    assert "lab1.example" not in html and "lab3.example" not in html and "button-main" not in html
    assert client.post(DESK, {"mail": doubtful.pk, "do": "again"}).status_code == 400
    assert client.get(f"{DESK}/{doubtful.digest_id}").status_code == 403
    doubtful.refresh_from_db()
    assert doubtful.state == "doubtful"


def test_the_owner_sees_slow_domains_bounces_and_shortened_addresses(ledger: Ledger, owner: Client) -> None:
    ledger.mail(3, state="queued", tries=2, reply="450 <reader3@lab3.example> later")
    ledger.mail(4, state="failed", reply="550 no")
    ledger.bounce("ada.lovelace@lab1.example", kind="hard", status="5.1.1", reason="no such user")
    html = text_of(owner)
    assert "lab3.example" in html and "450 &lt;r…@lab3.example&gt; later" in html and "550 no" in html
    assert "a…@lab1.example" in html and "5.1.1" in html and "no such user" in html and "for good" in html
    assert "ada.lovelace" not in html and "reader3@" not in html


def test_the_owner_decides_on_mails_in_doubt_once(ledger: Ledger, owner: Client) -> None:
    one, other = ledger.mail(1, state="doubtful"), ledger.mail(2, state="doubtful")
    html = text_of(owner)
    assert html.count("Try once more") == 2 and "r…@lab1.example" in html
    names = one.message_id, other.message_id
    assert owner.post(DESK, {"mail": one.pk, "do": "again"}).status_code == 303
    assert owner.post(DESK, {"mail": other.pk, "do": "arrived"}).status_code == 303
    states = dict(Mail.objects.values_list("message_id", "state"))
    assert states == {names[0]: "queued", names[1]: "sent"}
    assert owner.post(DESK, {"mail": one.pk, "do": "arrived"}).status_code == 400
    assert Mail.objects.get(pk=one.pk).state == "queued"


@pytest.mark.parametrize("given", [{}, {"mail": "9" * 30}, {"mail": "x", "do": "again"}, {"do": "\0"}])
def test_nonsense_is_answered_with_a_sentence(ledger: Ledger, owner: Client, given: dict[str, str]) -> None:
    assert owner.post(DESK, given).status_code == 400
    mail = ledger.mail(1, state="doubtful")
    assert owner.post(DESK, given | {"mail": mail.pk, "do": "dance"}).status_code == 400


def test_a_get_decides_nothing(ledger: Ledger, owner: Client) -> None:
    mail = ledger.mail(1, state="doubtful")
    owner.get(f"{DESK}?mail={mail.pk}&do=again")
    assert Mail.objects.get().state == "doubtful"


def test_a_post_without_its_token_is_refused(ledger: Ledger) -> None:
    mail = ledger.mail(1, state="doubtful")
    client = Client(enforce_csrf_checks=True)
    client.force_login(reader(7, role="owner"))
    assert client.post(DESK, {"mail": mail.pk, "do": "again"}).status_code == 403


def test_three_mails_of_today_can_be_read_without_their_readers(ledger: Ledger, owner: Client) -> None:
    for number in range(1, 6):
        ledger.mail(number, state="sent")
    html = text_of(owner)
    shown = [f'"{DESK}/{digest.pk}"' for digest in Digest.objects.all() if f'"{DESK}/{digest.pk}"' in html]
    assert len(shown) == 3
    answer = owner.get(shown[0].strip('"'))
    policy, body = answer["Content-Security-Policy"], answer.content.decode()
    assert "default-src 'none'" in policy and "style-src 'unsafe-inline'" in policy and "sandbox" in policy
    assert "script-src" not in policy and "img-src" not in policy and "allow-" not in policy
    assert answer["X-Frame-Options"] == "DENY" and "no-store" in answer["Cache-Control"]
    assert "Weather of small planets" in body and "@lab" in body and "reader1@" not in body
    for number in range(1, 6):
        assert f"reader{number}@" not in body
    # The page beside it keeps the policy of the site.
    assert "unsafe-inline" not in owner.get(DESK)["Content-Security-Policy"]


def test_links_of_a_shown_mail_do_nothing(ledger: Ledger, owner: Client, client: Client) -> None:
    digest = ledger.mail(1, state="sent").digest
    assert digest
    body = text_of(owner, f"{DESK}/{digest.pk}")
    for purpose in ("unsubscribe", "vote", "preferences"):
        assert f"/digest/{purpose}/preview" in body
        assert client.post(f"/digest/{purpose}/preview").status_code in (400, 403, 404, 410)
    assert Subscription.objects.get().state == "active"


def test_a_mail_can_be_read_as_plain_text(ledger: Ledger, owner: Client) -> None:
    digest = ledger.mail(1, state="sent").digest
    assert digest
    answer = owner.get(f"{DESK}/{digest.pk}?part=text")
    assert answer["Content-Type"] == "text/plain; charset=utf-8" and b"Weather of small planets" in answer.content


def test_mails_of_other_days_are_not_shown(ledger: Ledger, owner: Client) -> None:
    digest = ledger.mail(1, state="sent").digest
    Digest.objects.update(made=now() - timedelta(days=2))
    assert digest and owner.get(f"{DESK}/{digest.pk}").status_code == 404
    assert owner.get(f"{DESK}/{10**15}").status_code == 404


def test_hostile_words_of_servers_and_bounces_are_escaped(ledger: Ledger, owner: Client) -> None:
    script: dict[str, Any] = {"reply": "<script>x</script>"}
    ledger.mail(1, state="queued", tries=1, **script)
    ledger.mail(2, state="doubtful", **script)
    Bounced.objects.create(digest_of_raw="1", kind="unknown", address="<script>x</script>@a", at=now())
    assert "<script>x" not in text_of(owner)
