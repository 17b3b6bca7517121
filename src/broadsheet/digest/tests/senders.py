"""Senders as processes of their own, to be killed.

Run as `python -m broadsheet.digest.tests.senders PORT [LOG]` with BROADSHEET_HOME set: it makes the home, queues mails,
and then, for each line with a number on its standard input, forks a sender whose clock is that many minutes ahead, and
prints its process id. A fork takes milliseconds where a start of Python and Django takes a second; a killed fork is as
dead as any other process. A line with nothing ends it.
"""

import os
import subprocess
import sys
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final

from broadsheet.lib.clock import Clock
from broadsheet.lib.clock import now as wall_clock

if TYPE_CHECKING:
    from broadsheet.digest.models import Digest, Mail
    from broadsheet.digest.reconcile import Seen
    from broadsheet.papers.models import Paper

DAY: Final = date(2026, 11, 18)
PAPERS: Final = 12
EACH: Final = 2


@dataclass(frozen=True)
class Zygote:
    """A process that forks senders."""

    process: "subprocess.Popen[str]"

    def fork(self, minutes: int) -> int:
        """Begin a sender; gives its process id."""
        stdin, stdout = self._pipes()
        stdin.write(f"{minutes}\n")
        stdin.flush()
        return int(stdout.readline())

    def _pipes(self) -> tuple[IO[str], IO[str]]:
        assert self.process.stdin and self.process.stdout
        return self.process.stdin, self.process.stdout


@contextmanager
def zygote(home: Path, port: int, mails: int, log: Path | None = None, database: str = "") -> Iterator[Zygote]:
    """Make a home with so many queued mails; senders hand them to `port`, and ask the sink's log where one is named."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("BROADSHEET_", "PYTEST_"))}
    environment = {**kept, "BROADSHEET_HOME": str(home), "BROADSHEET_ENCODER": "none", "BROADSHEET_SOURCES": ""}
    environment |= {"BROADSHEET_PUBLIC_URL": "https://papers.lab.example", "BROADSHEET_DATABASE": database}
    command = [sys.executable, "-m", "broadsheet.digest.tests.senders", str(port), str(mails), str(log or "")]
    with subprocess.Popen(
        command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin and process.stdout
        try:
            assert process.stdout.readline() == "ready\n"
            yield Zygote(process)
        finally:
            process.stdin.close()
            process.wait(30)


@dataclass(frozen=True)
class SinkLog:
    """The log of a sink, which is written before it answers and never turned over."""

    path: Path

    def read(self, message_ids: Collection[str], now: datetime) -> "Seen":
        """Look for mails."""
        from broadsheet.digest.reconcile import Seen

        there = {line.partition("\t")[0] for line in self.path.read_text().splitlines()}
        return Seen(frozenset(there & set(message_ids)), datetime.min.replace(tzinfo=UTC), now + timedelta(days=365))


def ahead(minutes: int) -> Clock:
    return lambda: wall_clock() + timedelta(minutes=minutes)


def send_all(port: int, log: Path | None, minutes: int) -> None:
    """Be a sender: recover what others left, then send until nothing is due."""
    from broadsheet.digest import deliver
    from broadsheet.digest.transport import MailServer
    from broadsheet.mail import smtp

    clock = ahead(minutes)
    deliver.tidy_up(clock(), SinkLog(log) if log else None)
    way = MailServer(smtp.Pool(smtp.server(f"smtp://127.0.0.1:{port}")), None)
    deliver.deliver(clock(), way, deliver.Rules(seconds=600), clock=clock)


def queue(mails: int, *, papers: int = PAPERS, each: int = EACH, form: str = "text", length: int = 400) -> None:
    """Queue small digests of a few shared papers to so many readers."""
    from broadsheet.digest.models import Digest, Mail, Subscription
    from broadsheet.papers.models import Paper

    now = wall_clock()
    made = Paper.objects.bulk_create([paper(number, length) for number in range(papers)])
    wishes = [
        Subscription(address=f"reader{number}@host{number % 5}.example", state="active", form=form, asked=now)
        for number in range(mails)
    ]
    subscriptions = Subscription.objects.bulk_create(wishes, batch_size=500)
    digests = Digest.objects.bulk_create(
        [
            Digest(subscription=one, first=DAY, last=DAY, state="composed", made=now, picks=picks(made, number, each))
            for number, one in enumerate(subscriptions)
        ],
        batch_size=500,
    )
    Mail.objects.bulk_create([mail(digest, now) for digest in digests], batch_size=500)


def paper(number: int, length: int) -> "Paper":
    from broadsheet.papers.models import Paper

    words = f"We count {number} birds & nets by hand; none was hurt. " * (length // 45 + 1)
    return Paper(
        id=number + 1,
        key=f"2611.{number:05}",
        title=f"Case {number} of {number * 31} birds",
        abstract=words[:length],
        authors=[{"name": "Ada Example"}, {"name": "Bo Sample"}],
        categories="cs.LG",
        submitted=wall_clock(),
        first_seen=wall_clock(),
        announced=DAY,
    )


def picks(made: Sequence["Paper"], number: int, each: int) -> list[dict[str, object]]:
    chosen = [made[(number + place) % len(made)] for place in range(each)]
    return [{"paper": one.key, "id": one.pk, "list": "edition", "why": [], "also": []} for one in chosen]


def mail(digest: "Digest", now: datetime) -> "Mail":
    from broadsheet.digest.models import Mail
    from broadsheet.digest.prepare import message_id, new_token

    address = digest.subscription.address
    return Mail(
        subscription=digest.subscription,
        digest=digest,
        address=address,
        domain=address.partition("@")[2],
        message_id=message_id(digest),
        token=new_token(),
        next_try=now,
        queued=now,
    )


def main() -> None:
    """Fork senders as standard input asks for them."""
    from broadsheet.cli import prepare

    prepare()
    from django.core.management import call_command
    from django.db import connections

    port, mails, log = int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3]) if sys.argv[3] else None
    call_command("migrate", verbosity=0)
    queue(mails)
    # What every sender needs is there before the first fork.
    warm_up()
    connections.close_all()
    say("ready")
    for line in sys.stdin:
        child = os.fork()
        if not child:
            send_all(port, log, int(line))
            os._exit(0)
        say(str(child))


def warm_up() -> None:
    """Load what a sender needs: its modules, the addresses of pages, the template."""
    from django.urls import reverse

    from broadsheet.digest import deliver, typeset

    deliver.rules()
    reverse("latest")
    typeset.typeset("digest")


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
