import base64
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from pytest_django import DjangoAssertNumQueries, Settings

from broadsheet.digest import health, progress, records
from broadsheet.digest.health import bounces_check, doubtful_check, queue_check, subscriptions_check
from broadsheet.digest.models import Digest, Mail, Subscription
from broadsheet.digest.tests.ledger import Ledger
from broadsheet.digest.tests.people import LONG_AGO, subscriber
from broadsheet.mail import dkim
from broadsheet.mail.dns import Unanswered

pytestmark = pytest.mark.django_db
NOW = LONG_AGO + timedelta(days=30, hours=9)
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


@pytest.fixture(autouse=True)
def mail_is_on(settings: Settings, tmp_path: Path) -> None:
    settings.MAIL = True
    settings.DEFAULT_FROM_EMAIL = "Papers <papers@lab.org>"
    configure(settings, tmp_path, mail_url="smtp://192.0.2.7:25")


def configure(settings: Settings, home: Path | None = None, **values: object) -> None:
    config = settings.CONFIG
    settings.CONFIG = replace(config, home=home or config.home, values={**config.values, **values})


class Names:
    """A DNS of so many records, by name and kind; it counts what it was asked."""

    def __init__(self, records: Mapping[tuple[str, str], list[str]] | None = None, *, silent: bool = False) -> None:
        self.records = {(".", "NS"): ["a.root-servers.net."], **(records or {})}
        self.silent, self.asked = silent, 0

    def __call__(self, name: str, kind: str) -> list[str]:
        self.asked += 1
        if self.silent:
            raise Unanswered(name)
        return self.records.get((name, kind), [])


def told(names: Names, sends_from: str = "") -> dict[str, tuple[bool, str]]:
    found = records.checks(resolve=names, sends_from=sends_from)
    return {check.name: (check.ok, f"{check.says} {check.do}".strip()) for check in found}


def test_a_site_without_mail_is_well_until_somebody_waits_for_it(settings: Settings) -> None:
    settings.MAIL = False
    assert subscriptions_check().ok and queue_check(NOW).ok
    assert records.checks(resolve=Names()) == []
    subscriber()
    found = subscriptions_check()
    assert not found.ok and "no mail can leave" in found.says and "mail_url" in found.do


def test_the_checks_of_digests_stand_among_all_and_ask_no_network() -> None:
    names = {check.name for check in health.checks(NOW)}
    assert {"papers", "accounts", "deliveries", "digests", "digest queue", "bounces", "doubtful mails"} <= names
    assert not {"SPF", "DKIM", "DMARC", "mail DNS"} & names


def test_digests_that_nobody_chooses_are_an_alarm() -> None:
    one = subscriber()
    assert not queue_check(NOW).ok
    Subscription.objects.update(next_look=NOW - 10 * MINUTE)
    assert queue_check(NOW).ok
    found = queue_check(NOW + HOUR)
    assert not found.ok and "1 digests are due" in found.says and "worker" in found.do
    Subscription.objects.update(state="stopped")
    assert queue_check(NOW + HOUR).ok and one.pk


def test_a_wish_that_just_changed_is_no_alarm() -> None:
    one = subscriber()
    Digest.objects.create(subscription=one, first=NOW, last=NOW, state="nothing", made=NOW)
    one.save()
    assert queue_check(NOW).ok


def test_a_queue_that_stands_still_is_an_alarm_and_one_that_moves_is_none() -> None:
    ledger = Ledger(NOW)
    ledger.mail(1)
    Subscription.objects.update(next_look=NOW + timedelta(days=1))
    assert queue_check(NOW).ok
    later = NOW + HOUR
    found = queue_check(later)
    assert not found.ok and "1 mails wait since 2026-10-31 09:00 UTC, and none leaves" in found.says
    Ledger(NOW).mail(2, state="sent", ended=later - 5 * MINUTE)
    Subscription.objects.update(next_look=NOW + timedelta(days=1))
    assert queue_check(later).ok


def test_mails_that_wait_for_a_slow_server_are_no_alarm() -> None:
    Ledger(NOW).mail(1, tries=3, next_try=NOW + 2 * HOUR)
    Subscription.objects.update(next_look=NOW + timedelta(days=1))
    assert queue_check(NOW + HOUR).ok


def test_a_few_bounces_are_normal_and_many_are_not() -> None:
    ledger = Ledger(NOW)
    for number in range(60):
        ledger.mail(number, state="sent", ended=NOW)
    for number in range(3):
        ledger.bounce(f"a{number}@lab.example")
    assert bounces_check(NOW).ok
    for number in range(3, 6):
        ledger.bounce(f"a{number}@lab.example")
    found = bounces_check(NOW)
    assert not found.ok and "6 for good" in found.says and "of 60 mails" in found.says
    assert bounces_check(NOW + timedelta(days=8)).ok


def test_complaints_weigh_more_than_bounces() -> None:
    ledger = Ledger(NOW)
    for number in range(100):
        ledger.mail(number, state="sent", ended=NOW)
    ledger.bounce("a@lab.example", kind="complaint")
    assert bounces_check(NOW).ok
    ledger.bounce("b@lab.example", kind="complaint")
    assert not bounces_check(NOW).ok


def test_what_nobody_understood_is_kept_for_a_person() -> None:
    Ledger(NOW).bounce("a@lab.example", kind="unknown")
    found = bounces_check(NOW)
    assert found.ok and "1 not understood" in found.says and "/desk/digests" in found.do


def test_mails_in_doubt_wait_for_a_decision() -> None:
    assert doubtful_check().ok
    Ledger(NOW).mail(1, state="doubtful")
    found = doubtful_check()
    assert not found.ok and "/desk/digests" in found.do


def test_progress_counts_the_last_day_and_whatever_is_open() -> None:
    today, before = Ledger(NOW - HOUR), Ledger(NOW - timedelta(days=3))
    today.mail(1, state="sent", ended=NOW - MINUTE)
    today.mail(2, tries=2, reply="450 later")
    before.mail(3, state="sent", ended=NOW - timedelta(days=3))
    before.mail(4, state="doubtful")
    before.mail(5, state="queued")
    Digest.objects.filter(subscription__address="reader2@lab2.example").update(state="composed")
    found = progress.today(NOW)
    assert (found.composed, found.nothing) == (2, 0)
    assert {name: count for name, count in found.states.items() if count} == {"queued": 2, "sent": 1, "doubtful": 1}
    assert (found.mails, found.ended) == (4, 1)
    assert [mail.token for mail in found.doubtful] == ["token4"]
    assert [(one.name, one.put_off, one.failed, one.says) for one in found.domains] == [
        ("lab2.example", 1, 0, "450 later")
    ]
    assert found.oldest == NOW - timedelta(days=3)
    assert found.per_minute == round(1 / 15, 1)


def test_a_domain_that_refuses_is_told_for_a_day() -> None:
    Ledger(NOW).mail(1, state="failed", reply="550 no")
    assert [one.failed for one in progress.domains(NOW - progress.DAY, NOW)] == [1]
    later = NOW + timedelta(days=2)
    assert progress.domains(later - progress.DAY, later) == []


def test_a_network_that_answers_nothing_is_said_once_and_asked_once(settings: Settings) -> None:
    configure(settings, mail_url="smtp://mail.host.net:587")
    names = Names(silent=True)
    found = told(names)
    assert list(found) == ["mail DNS"] and found["mail DNS"][0]
    assert "does not answer" in found["mail DNS"][1]
    assert names.asked == 1


def test_a_network_that_denies_every_name_is_no_alarm() -> None:
    names = Names({(".", "NS"): []})
    found = told(names)
    assert list(found) == ["mail DNS"] and found["mail DNS"][0] and names.asked == 1


def test_every_missing_record_comes_with_the_one_to_add(settings: Settings, tmp_path: Path) -> None:
    key = dkim.make_key("lab.org", "news", algorithm="ed25519")
    (tmp_path / "news.pem").write_bytes(key.pem)
    configure(settings, dkim_ed25519_key="news.pem", dkim_ed25519_selector="news", mail_url="smtp://localhost:25")
    found = told(Names(), "192.0.2.7")
    assert not any(ok for name, (ok, _says) in found.items() if name != "alignment")
    assert 'lab.org. IN TXT ( "v=spf1 ip4:192.0.2.7 -all" )' in found["SPF"][1]
    assert key.record.zone_line() in found["DKIM"][1]
    assert "_dmarc.lab.org. IN TXT" in found["DMARC"][1] and "lab.org. IN MX" in found["MX"][1]
    assert "PTR record of 192.0.2.7" in found["reverse DNS"][1]


def test_a_domain_set_up_well_is_well(settings: Settings, tmp_path: Path) -> None:
    key = dkim.make_key("lab.org", "news", algorithm="ed25519")
    (tmp_path / "news.pem").write_bytes(key.pem)
    configure(settings, dkim_ed25519_key="news.pem", dkim_ed25519_selector="news", mail_url="smtp://localhost:25")
    names = Names(
        {
            ("lab.org", "TXT"): ["v=spf1 ip4:192.0.2.7 -all"],
            ("news._domainkey.lab.org", "TXT"): [key.record.text],
            ("_dmarc.lab.org", "TXT"): ["v=DMARC1; p=reject"],
            ("lab.org", "MX"): ["10 mail.lab.org."],
            ("7.2.0.192.in-addr.arpa", "PTR"): ["mail.lab.org."],
            ("mail.lab.org", "A"): ["192.0.2.7"],
        }
    )
    found = told(names, "192.0.2.7")
    assert set(found) == {"SPF", "DKIM", "DMARC", "MX", "reverse DNS", "alignment"}
    assert all(ok for ok, _says in found.values()), found


def test_of_a_relay_less_is_asked(settings: Settings) -> None:
    configure(settings, mail_url="smtp://user:secret@mail.host.net:587")
    relayed = {("mail.host.net", "A"): ["8.8.4.4"], ("lab.org", "TXT"): ["v=spf1 ip4:192.0.2.1 -all"]}
    found = told(Names(relayed))
    assert found["SPF"][0] and "mail.host.net may send from other addresses" in found["SPF"][1]
    assert found["DKIM"][0] and "mail.host.net has to sign" in found["DKIM"][1]
    assert "reverse DNS" not in found and "secret" not in str(found)
    del relayed["lab.org", "TXT"]
    assert not told(Names(relayed))["SPF"][0]


def test_an_address_that_nobody_can_tell_is_asked_for(settings: Settings) -> None:
    configure(settings, mail_url="smtp://mail.host.net:587")
    found = told(Names())
    assert found["SPF"][0] and "--sends-from" in found["SPF"][1]


def test_a_key_that_cannot_be_read_is_told(settings: Settings, tmp_path: Path) -> None:
    configure(settings, dkim_key="nowhere.pem")
    [check] = records.checks(resolve=Names())
    assert not check.ok and "nowhere.pem" in check.says
    (tmp_path / "nowhere.pem").write_bytes(b"-----BEGIN NONSENSE-----" + base64.b64encode(b"x" * 40))
    [check] = records.checks(resolve=Names())
    assert not check.ok


@pytest.mark.parametrize("sender", ["papers@localhost", "papers@lab.example", "papers@box.local"])
def test_a_domain_that_is_nobodys_is_told(settings: Settings, sender: str) -> None:
    settings.DEFAULT_FROM_EMAIL = sender
    names = Names()
    [check] = records.checks(resolve=names)
    assert not check.ok and "mail_from" in check.do and not names.asked


def test_questions_are_asked_once_and_none_after_the_time_is_over() -> None:
    seconds = [0.0]
    names = Names({("a", "TXT"): ["x"]})
    ask = records.in_time(names, 5, lambda: seconds[0])
    assert ask("a", "TXT") == ask("a", "TXT") == ["x"] and names.asked == 1
    seconds[0] = 6
    assert ask("a", "TXT") == ["x"]
    with pytest.raises(Unanswered):
        ask("b", "TXT")


def test_the_first_digests_are_looked_at_before_and_later_ones_not(settings: Settings) -> None:
    assert records.before_the_first(Names())
    configure(settings, mail_check_first=False)
    assert not records.before_the_first(Names())
    configure(settings, mail_check_first=True)
    assert not records.before_the_first(Names(silent=True))
    Ledger(NOW).mail(1, state="sent")
    assert not records.before_the_first(Names())


def test_numbers_of_a_large_ledger_are_read_in_few_questions(
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    for number in range(30):
        Ledger(NOW).mail(number, state=("queued", "sent", "doubtful")[number % 3], tries=1)
    assert Mail.objects.count() == 30
    with django_assert_max_num_queries(12):
        progress.today(NOW)
