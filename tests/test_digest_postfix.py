"""Digests through a real mail server: taken, refused, cut off in the middle, and asked after in its log."""

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from pytest_django import Settings

from broadsheet.digest import deliver, outbox, transport
from broadsheet.digest.models import Mail, Subscription
from broadsheet.digest.reconcile import PostfixLog, Reconciled, reconcile
from broadsheet.digest.tests.senders import queue
from broadsheet.lib.clock import now as wall_clock
from broadsheet.mail import dkim
from tests.postfix import Postfix, postfix

pytestmark = [pytest.mark.slow, pytest.mark.django_db]


@pytest.fixture(scope="module")
def server() -> Iterator[Postfix]:
    with postfix(refused="reader3@host3.example") as running:
        yield running


@pytest.fixture
def configure(tmp_path: Path, settings: Settings, server: Postfix) -> Callable[..., None]:
    def change(**values: object) -> None:
        settings.CONFIG = replace(settings.CONFIG, values={**settings.CONFIG.values, **values})

    settings.CONFIG = replace(settings.CONFIG, home=tmp_path)
    settings.DEFAULT_FROM_EMAIL = "Papers <papers@lab.example>"
    (tmp_path / "dkim.pem").write_bytes(dkim.make_key("lab.example", "broadsheet").pem)
    change(public_url="https://papers.lab.example", mail_url=server.url, mail_log=str(server.log), mail_rate=0.0)
    change(dkim_key="dkim.pem", bounce_address="bounces@lab.example")
    return change


def log_tells(server: Postfix, text: str) -> None:
    """Wait until the server wrote it: its log comes a little after its answer."""
    until = time.monotonic() + 15
    while text not in server.log.read_text() and time.monotonic() < until:
        time.sleep(0.02)
    assert text in server.log.read_text()


def test_digests_go_through_and_what_is_in_doubt_is_found_in_the_log(
    server: Postfix, configure: Callable[..., None]
) -> None:
    queue(30)
    now = wall_clock()
    way = transport.chosen()
    assert way
    done = deliver.deliver(now, way, deliver.rules())
    way.close()
    assert (done.sent, done.failed, done.put_off, done.doubtful) == (29, 1, 0, 0)
    gone = Mail.objects.get(state="failed")
    assert gone.address == "reader3@host3.example" and gone.reply.startswith("550 5.1.1")
    assert Subscription.objects.get(address=gone.address).state == "suppressed"
    arrived = server.wait_for(29)
    sent = Mail.objects.filter(state="sent")
    assert sorted(arrived) == sorted(sent.values_list("message_id", "address")), server.log.read_text()[-3000:]

    # As if the answers to two of them had not come, and a third one had never reached the server.
    taken, lost = sent.order_by("pk")[:2], sent.order_by("pk")[2]
    Mail.objects.filter(pk__in=[mail.pk for mail in taken]).update(state="doubtful", claimed_until=now, next_try=now)
    Mail.objects.filter(pk=lost.pk).update(
        state="doubtful", claimed_until=now, next_try=now, message_id="<never@lab.example>"
    )
    found = reconcile(wall_clock() + timedelta(minutes=5), PostfixLog(server.log))
    assert found == Reconciled(sent=2, again=1)


def test_a_message_that_was_cut_off_is_not_taken_for_one_that_arrived(
    server: Postfix, configure: Callable[..., None]
) -> None:
    queue(1)
    began = wall_clock()
    [mail] = outbox.claim("one", began, batch=1, per_domain=1)
    assert outbox.advance(None, mail, began)
    name = mail.message_id.replace(">", ".cut>")
    Mail.objects.filter(pk=mail.pk).update(message_id=name)
    port = int(server.url.rpartition(":")[2])
    with closing(socket.create_connection(("127.0.0.1", port))) as connected:
        for said in ("EHLO x", "MAIL FROM:<a@lab.example>", "RCPT TO:<reader0@host0.example>", "DATA"):
            connected.recv(1000)
            connected.sendall(f"{said}\r\n".encode())
        connected.recv(1000)
        # Enough for the server to read the header, and no end.
        connected.sendall(f"Message-ID: {name}\r\n\r\n".encode() + b"words and words\r\n" * 20_000)
        log_tells(server, f"message-id={name}")
    log_tells(server, "lost connection after DATA")
    later = began + outbox.LEASE + timedelta(minutes=5)
    deliver.tidy_up(later, deliver.accept_log())
    mail.refresh_from_db()
    assert (mail.state, mail.tries) == ("queued", 1)
