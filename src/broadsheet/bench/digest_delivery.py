"""What it costs to deliver digests: composed, written, signed, handed in and noted in the ledger, in CPU seconds.

Senders are processes of their own beside a sink in another one, so that its work is not counted. Beside the figures of
one, two and four senders stands the plain way: the standard library's messages and SMTP, unsigned and without a ledger.
"""

import json
import os
import random
import smtplib
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from email.message import EmailMessage
from pathlib import Path
from typing import Any, Final

from broadsheet.bench.report import CannotMeasure, Measured
from broadsheet.lib.progress import Progress

SENDERS: Final = (1, 2, 4)
EACH: Final = 400
# Papers in a digest, of so many shared ones, so that a message has about 50 KB.
PAPERS: Final = 14
SHARED: Final = 200
ABSTRACT: Final = 900
PLAIN: Final = 300
KILLS: Final = 50
KILLED_MAILS: Final = 2000


def measure(progress: Progress) -> Measured:
    """Deliver with one, two and four senders, then kill senders. Raises CannotMeasure."""
    told = _in_a_process()
    told |= _killed()
    one = told["delivered_per_cpu_s"]
    ratios = {
        "delivered_to_plain_smtplib": one / told["plain_smtplib_per_cpu_s"],
        "two_senders_to_one": told["delivered_2_per_cpu_s"] / one,
        "four_senders_to_one": told["delivered_4_per_cpu_s"] / one,
    }
    notes = [
        f"messages of {told['message_kib']:.0f} KiB, each composed, signed with RSA-2048 and noted in the ledger; per "
        "CPU second of a sender, beside a sink in a process of its own"
    ]
    return Measured(told, ratios, notes)


def _in_a_process() -> dict[str, float]:
    with tempfile.TemporaryDirectory(prefix="broadsheet-bench-") as scratch:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("BROADSHEET_")}
        environment |= {"BROADSHEET_HOME": scratch, "BROADSHEET_PUBLIC_URL": "https://papers.example"}
        environment |= {
            "DJANGO_SETTINGS_MODULE": "broadsheet.settings",
            "BROADSHEET_ENCODER": "none",
            "BROADSHEET_MAIL_FROM": "Papers <papers@lab.example>",
        }
        command = [sys.executable, "-m", "broadsheet.bench.digest_delivery"]
        done = subprocess.run(command, env=environment, check=False, capture_output=True, text=True)
    if done.returncode:
        raise CannotMeasure(f"the measured process ended early: {done.stderr.strip().splitlines()[-1:]}")
    told: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return told


def in_this_process() -> dict[str, float]:
    """Make a site in the home of this process and deliver from it."""
    import django

    django.setup()
    from django.core.management import call_command
    from django.db import connections

    from broadsheet.digest.tests import senders
    from broadsheet.mail.tests.sink import sink_process

    call_command("migrate", verbosity=0)
    senders.queue(sum(SENDERS) * EACH, papers=SHARED, each=PAPERS, form="html", length=ABSTRACT)
    senders.warm_up()
    told: dict[str, float] = {}
    with sink_process() as port:
        told["plain_smtplib_per_cpu_s"], told["message_kib"] = _plain(port)
        for count in SENDERS:
            name = "delivered_per_cpu_s" if count == 1 else f"delivered_{count}_per_cpu_s"
            connections.close_all()
            began = time.monotonic()
            spent = _forked([lambda: _send(port) for _ in range(count)])
            told[name] = count * EACH / sum(spent)
            told[name.replace("_cpu_s", "_s")] = count * EACH / (time.monotonic() - began)
    _all_are_sent()
    return told


def _send(port: int) -> None:
    """Be a sender of EACH mails, with a key as sites have."""
    from broadsheet.digest import deliver
    from broadsheet.digest.transport import MailServer
    from broadsheet.lib.clock import now
    from broadsheet.mail import dkim, smtp

    signer = dkim.Signer("lab.example", [dkim.read_key("news", _key())])
    way = MailServer(smtp.Pool(smtp.server(f"smtp://127.0.0.1:{port}")), signer)
    # The domains are few here: each sender may hold its batch.
    done = deliver.deliver(now(), way, deliver.Rules(seconds=600, most=EACH, per_domain=100), clock=now)
    way.close()
    if done.sent != EACH:
        raise CannotMeasure(f"a sender did not send its mails: {done}")


def _key() -> bytes:
    from broadsheet.mail import dkim

    path = Path(os.environ["BROADSHEET_HOME"]) / "dkim.pem"
    if not path.exists():
        path.write_bytes(dkim.make_key("lab.example", "news").pem)
    return path.read_bytes()


def _forked(work: list[Callable[[], None]]) -> list[float]:
    """Do each in a fork of its own; give the CPU seconds of each. Raises CannotMeasure where one fails."""
    _key()
    pids = [_fork(one) for one in work]
    spent = []
    for pid in pids:
        _pid, status, usage = os.wait4(pid, 0)
        if status:
            raise CannotMeasure("a sender ended early")
        spent.append(usage.ru_utime + usage.ru_stime)
    return spent


def _fork(work: Callable[[], None]) -> int:
    pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        work()
        code = 0
    finally:
        sys.stderr.flush()
        os._exit(code)


def _plain(port: int) -> tuple[float, float]:
    """Send composed mails as the standard library does; give how many per CPU second, and the KiB of one."""
    from broadsheet.digest import letters
    from broadsheet.digest.models import Mail
    from broadsheet.mail.messages import build

    some = letters.of(list(Mail.objects.select_related("subscription", "digest").order_by("-pk")[:PLAIN]))
    size = sum(len(build(letter)) for letter in some) / len(some) / 1024
    began = time.process_time()
    with smtplib.SMTP("127.0.0.1", port) as server:
        for letter in some:
            server.send_message(_message(letter))
    return len(some) / (time.process_time() - began), size


def _message(letter: Any) -> EmailMessage:  # noqa: ANN401 - a Letter; its room is imported late
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = letter.sender, letter.to, letter.subject
    message["Message-ID"] = letter.message_id
    message.set_content(letter.text)
    message.add_alternative(letter.html, subtype="html")
    return message


def _all_are_sent() -> None:
    from broadsheet.digest.models import Mail

    left = Mail.objects.exclude(state="sent").count()
    if left:
        raise CannotMeasure(f"{left} mails were not sent")


def _killed() -> dict[str, float]:
    """Kill senders at random while they are seen sending; tell what was missing and what came twice."""
    from broadsheet.digest.tests.killing import Killing
    from broadsheet.digest.tests.senders import zygote
    from broadsheet.mail.tests.sink import sink_process

    with tempfile.TemporaryDirectory(prefix="broadsheet-bench-") as scratch:
        home, log = Path(scratch) / "home", Path(scratch) / "accepted"
        with sink_process(log) as port, zygote(home, port, KILLED_MAILS, log) as senders:
            run = Killing(home, log, senders, random.Random(1))
            while run.kills < KILLS and run.states()["queued"]:
                run.kill_round(2)
            run.finish()
            accepted = run.accepted()
    return {
        "kills": run.kills,
        "missing": KILLED_MAILS - len(accepted),
        "duplicates": sum(accepted.values()) - len(accepted),
    }


if __name__ == "__main__":
    sys.stdout.write("\n" + json.dumps(in_this_process()))
