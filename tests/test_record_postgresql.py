"""The record on PostgreSQL: moved there and back, backed up and restored there, and shared by two hosts."""

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.postgres]
HOLD = """
import sys
from datetime import timedelta
from broadsheet.cli import prepare
prepare()
from broadsheet.papers import claims
with claims.alone("digests") as mine, claims.turn("standing", timedelta(hours=1)) as turn:
    with claims.holding(["a", "b", "c", "d"], 2) as held:
        print(mine, turn, ",".join(sorted(held)), flush=True)
        sys.stdin.readline()
"""
CLAIM = """
import sys
from datetime import UTC, datetime
from broadsheet.cli import prepare
prepare()
from broadsheet.digest import outbox
print("ready", flush=True)
sys.stdin.readline()
taken = []
while found := outbox.claim(sys.argv[1], datetime(2026, 11, 20, 12, tzinfo=UTC), batch=7, per_domain=1000):
    taken += [mail.pk for mail in found]
print(",".join(map(str, taken)), flush=True)
"""
SAMPLE = """
from broadsheet.cli import prepare
prepare()
from broadsheet.papers import database, sample
from broadsheet.papers.models import Paper
database.migrate()
sample.load_if_empty()
print(Paper.objects.count())
"""
FILL = """
from datetime import UTC, datetime
from broadsheet.cli import prepare
prepare()
from broadsheet.digest.models import Mail, Subscription
moment = datetime(2026, 11, 20, 11, tzinfo=UTC)
one = Subscription.objects.create(address="a@lab.example", asked=moment, state="active")
Mail.objects.bulk_create(
    Mail(subscription=one, address="a@lab.example", domain=f"d{n % 9}.example", message_id=f"<{n}@x>", token=f"t{n}",
         next_try=moment, queued=moment) for n in range(400)
)
"""


class Host:
    """A host: a home of its own, and the record that it shares."""

    def __init__(self, home: Path, database: str = "") -> None:
        self.home = home
        home.mkdir(exist_ok=True)
        self.environment = {name: value for name, value in os.environ.items() if not name.startswith("BROADSHEET_")}
        self.environment |= {"BROADSHEET_HOME": str(home), "BROADSHEET_ENCODER": "none"}
        if database:
            self.environment["BROADSHEET_DATABASE"] = database

    def ask(self, *arguments: str, fails: bool = False) -> Any:  # noqa: ANN401 - the JSON of a command
        command = [sys.executable, "-c", "import sys; from broadsheet.cli import main; sys.exit(main())", *arguments]
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True)
        assert (done.returncode != 0) == fails, done.stderr
        return done.stderr if fails else json.loads(done.stdout) if "--json" in arguments else done.stdout

    def start(self, program: str, *arguments: str) -> "subprocess.Popen[str]":
        command = [sys.executable, "-c", program, *arguments]
        pipe = subprocess.PIPE
        return subprocess.Popen(command, env=self.environment, stdin=pipe, stdout=pipe, text=True)

    def readers(self) -> int:
        """Count the readers."""
        return len(self.ask("reader", "list", "--json")["readers"])

    def sample(self) -> None:
        """Take the sample in."""
        assert end(self.start(SAMPLE)) == "141"


def line(process: "subprocess.Popen[str]") -> str:
    assert process.stdout
    return process.stdout.readline().strip()


def end(process: "subprocess.Popen[str]") -> str:
    out, _error = process.communicate("\n", timeout=300)
    return out.strip()


@pytest.fixture
def filled_site(tmp_path: Path) -> Host:
    """A site on SQLite with the sample and a reader."""
    host = Host(tmp_path / "sqlite")
    host.sample()
    host.ask("reader", "add", "ada@lab.example", "--handle", "ada")
    return host


def test_to_postgresql_and_back_every_table_has_the_same_sum(
    filled_site: Host, empty_database: str, tmp_path: Path
) -> None:
    there = filled_site.ask("record", "copy", "--to", empty_database, "--json")["tables"]
    file = str(tmp_path / "back.sqlite3")
    back = filled_site.ask("record", "copy", "--from", empty_database, "--to", file, "--json")["tables"]
    assert there == back and there["papers_paper"]["rows"] > 100 and there["readers_reader"]["rows"] == 1
    with closing(sqlite3.connect(filled_site.home / "record.sqlite3")) as one, closing(sqlite3.connect(file)) as two:
        for name in there:
            ask = f'SELECT count(*) FROM "{name}"'
            assert one.execute(ask).fetchone() == two.execute(ask).fetchone()
        schema = "SELECT type, name, sql FROM sqlite_master ORDER BY name"
        assert set(one.execute(schema)) == set(two.execute(schema))
    said = filled_site.ask("record", "copy", "--to", empty_database, fails=True)
    assert "is not empty" in said and said.count("\n") == 1
    # Rows that are added get numbers of their own.
    moved = Host(tmp_path / "moved", empty_database)
    moved.ask("reader", "add", "bob@lab.example", "--handle", "bob")
    assert moved.readers() == 2


def test_a_backup_goes_from_sqlite_to_postgresql_and_replaces_what_is_there(
    filled_site: Host, empty_database: str, tmp_path: Path
) -> None:
    file = str(tmp_path / "one.backup")
    filled_site.ask("backup", file)
    moved = Host(tmp_path / "moved", empty_database)
    assert moved.ask("restore", file, "--json")["tables"]["readers_reader"] == 1
    moved.ask("reader", "add", "bob@lab.example", "--handle", "bob")
    assert "--replace" in moved.ask("restore", file, fails=True)
    other = str(tmp_path / "two.backup")
    moved.ask("backup", other)
    damaged = bytearray(Path(file).read_bytes())
    damaged[len(damaged) // 2] ^= 1
    (tmp_path / "damaged").write_bytes(damaged)
    moved.ask("restore", str(tmp_path / "damaged"), "--replace", fails=True)
    assert moved.readers() == 2
    moved.ask("restore", file, "--replace")
    assert moved.readers() == 1
    # And from PostgreSQL to SQLite.
    filled_site.ask("restore", other, "--replace")
    assert filled_site.readers() == 2


def test_what_one_host_takes_in_is_found_on_the_other_after_its_catch_up(empty_database: str, tmp_path: Path) -> None:
    one, two = Host(tmp_path / "one", empty_database), Host(tmp_path / "two", empty_database)
    (one.home / "secret").write_text("shared")
    shutil.copy(one.home / "secret", two.home / "secret")
    one.sample()
    two.ask("index")
    found = two.ask("search", "--json", "attention")
    assert found["hits"]
    program = (
        "from broadsheet.cli import prepare\nprepare()\n"
        "from dataclasses import replace\n"
        "from broadsheet.papers import copying, ingest, store\nfrom broadsheet.papers.models import Paper\n"
        "first = store.as_data(Paper.objects.prefetch_related('identifiers','versions').first())\n"
        "ingest.ingest([replace(first, abstract='It is told of the zyzzyva here.', raw_hash='0' * 64, version=99)])\n"
        "print(Paper.objects.filter(abstract__contains='zyzzyva').count())\n"
    )
    assert end(one.start(program)) == "1"
    assert not [hit for hit in two.ask("search", "--json", "zyzzyva")["hits"] if hit["block"] == "words"]
    assert two.ask("index", "--json")["changes"] == 1
    assert [hit for hit in two.ask("search", "--json", "zyzzyva")["hits"] if hit["block"] == "words"]


def test_a_new_host_starts_from_a_snapshot(empty_database: str, tmp_path: Path) -> None:
    one, two = Host(tmp_path / "one", empty_database), Host(tmp_path / "two", empty_database)
    one.sample()
    one.ask("index")
    place = str(tmp_path / "snapshots")
    made = one.ask("snapshot", "put", place, "--json")
    assert two.ask("snapshot", "get", place, "--json")["change"] == made["change"]
    assert two.ask("index", "--json")["changes"] == 0
    assert two.ask("search", "--json", "attention")["hits"] == one.ask("search", "--json", "attention")["hits"]


def test_two_hosts_that_start_at_once_make_the_tables_once(empty_database: str, tmp_path: Path) -> None:
    hosts = [Host(tmp_path / name, empty_database) for name in ("one", "two", "three")]
    running = [host.start(SAMPLE) for host in hosts]
    assert [end(process) for process in running] == ["141", "141", "141"]


def test_of_two_hosts_one_does_a_step_and_no_text_is_taken_twice(empty_database: str, tmp_path: Path) -> None:
    one, two = Host(tmp_path / "one", empty_database), Host(tmp_path / "two", empty_database)
    one.ask("reader", "list")
    first = one.start(HOLD)
    assert line(first) == "True True a,b"
    second = two.start(HOLD)
    assert line(second) == "False False c,d"
    first.kill()
    first.communicate()
    end(second)
    # Whoever was killed holds nothing, and its turn is anybody's.
    third = two.start(HOLD)
    assert line(third) == "True True a,b"
    end(third)
    # Once somebody was through with it, it rests for its hour.
    fourth = one.start(HOLD)
    assert line(fourth) == "True False a,b"
    end(fourth)


def test_two_senders_on_two_hosts_claim_every_mail_once(empty_database: str, tmp_path: Path) -> None:
    hosts = [Host(tmp_path / name, empty_database) for name in ("one", "two")]
    hosts[0].ask("reader", "list")
    end(hosts[0].start(FILL))
    senders = [host.start(CLAIM, host.home.name) for host in hosts]
    assert [line(sender) for sender in senders] == ["ready", "ready"]
    for sender in senders:
        assert sender.stdin
        sender.stdin.write("\n")
        sender.stdin.flush()
    taken = [[int(number) for number in end(sender).split(",") if number] for sender in senders]
    assert len(taken[0]) + len(taken[1]) == 400 == len({*taken[0], *taken[1]})
