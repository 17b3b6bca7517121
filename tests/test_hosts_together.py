"""Two hosts on one PostgreSQL record: what one does the other sees, nothing is done twice, and either may be killed."""

import itertools
import os
import shutil
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from typing import Any

import psycopg
import pytest
from django.contrib.auth.hashers import PBKDF2PasswordHasher

from broadsheet.lib.tests.loopback import Asked, Loopback, playing
from broadsheet.mail.tests.sink import Sink
from broadsheet.moving import databases
from broadsheet.papers import claims, schedule
from broadsheet.record.linkage import text_hash
from tests.conftest import new_database, programs
from tests.hosts import Host, running, wait_until

pytestmark = [pytest.mark.slow, pytest.mark.postgres]
PASSWORD = "seven slow rivers"
NOTHING_NEW = """<?xml version="1.0"?><OAI-PMH xmlns="http://www.openarchives.org/OAI/2.0/">
<responseDate>2026-11-20T12:00:00Z</responseDate><request verb="ListRecords">http://oai.example</request>
<error code="noRecordsMatch">none</error></OAI-PMH>"""
HARVESTED = """<?xml version="1.0"?><OAI-PMH xmlns="http://www.openarchives.org/OAI/2.0/">
<responseDate>2026-11-20T12:00:00Z</responseDate><request verb="ListRecords">http://oai.example</request>
<ListRecords><record><header><identifier>oai:arXiv.org:2611.90001</identifier><datestamp>2026-11-20</datestamp>
<setSpec>cs:cs:AI</setSpec></header><metadata><arXiv xmlns="http://arxiv.org/OAI/arXiv/"><id>2611.90001</id>
<created>2026-11-18</created><authors><author><keyname>Ant</keyname><forenames>Ada</forenames></author></authors>
<title>Harvested wheat</title><categories>cs.AI</categories><license>http://licence.example/by</license>
<abstract>Told by the loopback archive.</abstract></arXiv></metadata></record></ListRecords></OAI-PMH>"""
Pair = tuple[Host, Host]


class Place:
    """What the hosts share and what is around them: record, mail server, receivers of web hooks, sources."""

    def __init__(self, database: str, loopback: Loopback, sink: Sink, blocker: Any) -> None:  # noqa: ANN401
        self.database, self.loopback, self.sink, self.blocker = database, loopback, sink, blocker
        self.hosts: tuple[Host, ...] = ()

    @contextmanager
    def record(self) -> Iterator[None]:
        """Let the models of this process ask that record."""
        with self.blocker.unblock(), databases.standing_in(databases.wrapper(self.database)):
            yield

    def sql(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        """Ask the record."""
        with psycopg.connect(self.database, autocommit=True) as connection:
            found = connection.execute(statement, values)
            return found.fetchall() if found.description else []

    @contextmanager
    def locked(self, table: str, mode: str) -> Iterator[None]:
        """Hold a table, so that a step that comes to it stays there until the block ends."""
        with psycopg.connect(self.database) as connection:
            connection.execute(f"LOCK TABLE {table} IN {mode} MODE")
            yield

    def stuck(self, table: str) -> list[Host]:
        """The hosts whose workers wait for a table at this moment."""
        waiting = self.sql(
            "SELECT application_name FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE %s"
            " AND datname = current_database()",
            f"%{table}%",
        )
        named = {name for (name,) in waiting}
        return [host for host in self.hosts if f"{host.name} worker" in named]

    def holders(self, step: str) -> set[str]:
        """The names of the processes that hold a step."""
        held = self.sql(
            "SELECT a.application_name FROM pg_locks l JOIN pg_stat_activity a USING (pid) WHERE locktype = 'advisory'"
            " AND l.classid = %s AND l.objid = %s::bigint::bit(32)::bigint",
            claims.STEP,
            claims.number(step),
        )
        return {name for (name,) in held}

    def asked(self, path: str) -> list[Asked]:
        """The requests for a path that came in so far."""
        return [one for one in self.loopback.asked if one.path == path]

    def mails(self, to: str) -> list[str]:
        """The subjects of the mails to an address that were accepted."""
        found = [one.message for one in self.sink.taken if one.to == to]
        return [message.split(b"\r\nSubject: ", 1)[1].split(b"\r\n", 1)[0].decode() for message in found]


@pytest.fixture(scope="module")
def place(server: str, django_db_blocker: Any) -> Iterator[Place]:  # noqa: ANN401
    with playing() as loopback, Sink() as sink:
        loopback.answer("/oai", NOTHING_NEW)
        loopback.answer("/rss/cs.AI", status=404)
        loopback.answer("/in")
        yield Place(new_database(server), loopback, sink, django_db_blocker)


@pytest.fixture(scope="module")
def hosts(place: Place, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """Two hosts with a web process and a worker each."""
    from broadsheet.search import bert_onnx
    from broadsheet.search.tests import encoder_tiny as tiny

    folder = tmp_path_factory.mktemp("hosts")
    base = place.loopback.base
    environment = {
        "BROADSHEET_DATABASE": place.database,
        "BROADSHEET_SIGN_IN": "always",
        "BROADSHEET_ANSWERS_KEPT": "0",
        "BROADSHEET_SOURCES": "arxiv-oai,arxiv-feeds",
        "BROADSHEET_CATEGORIES": "cs.AI",
        "BROADSHEET_ARXIV_OAI_URL": f"{base}/oai",
        "BROADSHEET_ARXIV_FEEDS_URL": base,
        "BROADSHEET_HOOK_HOSTS": "127.0.0.1",
        "BROADSHEET_MAIL_URL": f"smtp://127.0.0.1:{place.sink.port}",
        "BROADSHEET_MAIL_FROM": "Papers <papers@lab.example>",
        "BROADSHEET_MAIL_RATE": "0",
        "BROADSHEET_DIGEST_WAIT": "0",
        "BROADSHEET_ENCODER_THREADS": "1",
    }
    one, two = (Host(folder / name, environment) for name in ("one", "two"))
    bert_onnx.build(one.home, folder / "tiny", files=tiny.write(folder / "tiny"))
    shutil.copytree(one.home, two.home, dirs_exist_ok=True)
    for host in (one, two):
        (host.home / "secret").write_text("the key that both share")
    place.hosts = (one, two)
    with running(one, two):
        yield one, two
    for host in (one, two):
        # PostgreSQL was away for a moment, which is nobody's mistake.
        assert "Traceback" not in host.log("worker"), host.log("worker")[-6000:]


@pytest.fixture(autouse=True)
def _both_work(hosts: Pair) -> Iterator[None]:
    """Whatever became of a test, the next one finds both workers at work."""
    yield
    for host in hosts:
        if host.worker and host.worker.poll() is not None:
            host.work()


def today() -> date:
    """The newest day whose papers have been announced when it struck midnight UTC."""
    midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return schedule.latest_due(midnight)


def told(number: int, word: str) -> tuple[str, str]:
    """Give title and abstract of an invented paper."""
    return f"On the {word} {number}", f"It is told of {word} here."


def take_in(place: Place, *numbers: int, word: str, **fields: object) -> list[str]:
    """Take in invented papers that tell of a word; give their ids."""
    from broadsheet.papers.ingest import ingest
    from broadsheet.papers.tests.factory import paper

    made = [
        paper(number, title=title, abstract=abstract, announced=today(), **fields)
        for number in numbers
        for title, abstract in [told(number, word)]
    ]
    with place.record():
        ingest(made)
    return [data.identifiers[0].value for data in made]


def a_reader(place: Place, handle: str, **fields: object) -> int:
    """Make a reader who can sign in; give their number."""
    from allauth.account.models import EmailAddress

    from broadsheet.community.tests.factory import reader
    from broadsheet.readers.models import Reader

    with place.record():
        made: Reader = reader(1, handle=handle, name=handle, email=f"{handle}@lab.example", **fields)
        # Few rounds: how safe it is kept is no matter here.
        Reader.objects.filter(pk=made.pk).update(password=PBKDF2PasswordHasher().encode(PASSWORD, "salt", 1000))
        EmailAddress.objects.create(user=made, email=made.email, primary=True, verified=True)
        return int(made.pk)


def sign_in(host: Host, handle: str) -> dict[str, str]:
    """Sign in by the form; give the cookies."""
    cookies: dict[str, str] = {}
    status, text = host.post("/account/login/", {"login": f"{handle}@lab.example", "password": PASSWORD}, cookies)
    assert status == 302 and "sessionid" in cookies, (status, text[:500])
    return cookies


def found_by(host: Host, word: str, wanted: list[str]) -> Callable[[], bool]:
    return lambda: set(wanted) <= set(host.finds(f'"{word}"'))


def test_what_one_host_takes_in_is_soon_found_on_both(place: Place, hosts: Pair) -> None:
    wanted = take_in(place, 1, 2, 3, word="zyzzyva")
    for host in hosts:
        wait_until(found_by(host, "zyzzyva", wanted), f"the papers are found on {host.name}")
    all_are_encoded_once(place)


def all_are_encoded_once(place: Place) -> None:
    """Each text has one vector, of which the log tells once, although both hosts encode."""
    [(papers,)] = place.sql("SELECT count(*) FROM papers_paper")
    wait_until(lambda: place.sql("SELECT count(*) FROM papers_vector") == [(papers,)], "the papers have vectors")
    assert place.sql("SELECT count(*) FROM papers_change WHERE kind = 'vector'") == [(papers,)]


def test_who_signs_in_on_one_host_is_signed_in_on_both_and_a_vote_shows_on_both(place: Place, hosts: Pair) -> None:
    (paper,) = take_in(place, 10, word="quokka")
    a_reader(place, "ada")
    one, two = hosts
    cookies = sign_in(one, "ada")
    status, text = two.post(f"/vote/{paper}", {"on": "1", "next": "/about"}, cookies)
    assert status == 303, text[:500]
    for host in hosts:
        status, text = host.get(f"/api/papers/{paper}", cookies)
        assert status == 200 and '"upvotes": 1' in text.replace('":1', '": 1')
    # And signing out on one signs out on both.
    assert two.post("/account/logout/", {}, cookies)[0] == 302
    assert one.post(f"/vote/{paper}", {"on": "0", "next": "/about"}, dict(cookies))[0] in (302, 303)
    assert place.sql("SELECT count(*) FROM community_vote") == [(1,)]


def test_wrong_passwords_count_over_both_hosts(place: Place, hosts: Pair) -> None:
    a_reader(place, "bo")
    said = [
        hosts[number % 2].post("/account/login/", {"login": "bo@lab.example", "password": "wrong"})[0]
        for number in range(12)
    ]
    assert 429 in said or 403 in said
    right = {"login": "bo@lab.example", "password": PASSWORD}
    assert [host.post("/account/login/", right)[0] == 302 for host in hosts] == [False, False]


def test_a_source_is_asked_once_in_an_interval(place: Place, hosts: Pair) -> None:
    harvests = "SELECT count(*) FROM papers_harvest WHERE finished IS NOT NULL"
    wait_until(lambda: place.sql(harvests) == [(2,)], "both sources were harvested")
    before = (len(place.asked("/oai")), len(place.asked("/rss/cs.AI")))
    place.loopback.queues["/oai", ()].clear()
    place.loopback.answer("/oai", HARVESTED)
    # Two sources are due at once. While one host takes its time with the first, the other does the second.
    with place.locked("papers_sighting", "SHARE"):
        place.sql("UPDATE papers_harvest SET finished = finished - interval '2 hours'")
        wait_until(lambda: place.stuck("papers_sighting"), "a host harvests the first source")
        wait_until(lambda: len(place.asked("/rss/cs.AI")) > before[1], "the other one harvests the second")
        wait_until(lambda: place.sql(f"{harvests} AND state = 'failed' AND held_until IS NULL") == [(1,)], "it ended")
    wait_until(
        lambda: place.sql(f"{harvests} AND finished > now() - interval '1 hour' AND held_until IS NULL") == [(2,)],
        "both sources were harvested again",
    )
    for host in hosts:
        wait_until(found_by(host, "harvested wheat", ["2611.90001"]), f"what was harvested is found on {host.name}")
    assert (len(place.asked("/oai")), len(place.asked("/rss/cs.AI"))) == (before[0] + 1, before[1] + 1)


def subscribe(place: Place, name: str, lists: list[str]) -> str:
    """Let somebody want daily digests, at midnight UTC, since a month; give the address."""
    from broadsheet.digest.models import Subscription

    address, since = f"{name}@lab.example", datetime.now(UTC) - timedelta(days=30)
    with place.record():
        Subscription.objects.create(
            address=address, state="active", lists=lists, hour=0, form="text", asked=since, confirmed=since
        )
    return address


def send_to(place: Place, reader: int, path: str, key: str) -> int:
    """Let a reader's list go to a web hook at once."""
    from broadsheet.delivery.tests import places_of
    from broadsheet.readers.models import Reader

    with place.record():
        target = f"{place.loopback.base}{path}"
        return int(places_of.place(Reader.objects.get(pk=reader), target, datetime.now(UTC), key=key, most=1).pk)


def alert(place: Place, reader: int, key: str) -> None:
    """Let a reader be told at once of what is new in a list."""
    from broadsheet.readers import follows
    from broadsheet.readers.models import Reader

    with place.record():
        who = Reader.objects.get(pk=reader)
        follows.follow(who, key, now=datetime.now(UTC))
        follows.switch(who, key, follows.Switches(alert=True))


def delivered(place: Place, path: str) -> list[str]:
    """The numbers of the messages that a web hook got, those that came again too."""
    return [asked.headers["webhook-id"] for asked in place.asked(path)]


def test_what_goes_out_goes_out_once(place: Place, hosts: Pair) -> None:
    reader = a_reader(place, "cy", mailed=["alert"])
    alert(place, reader, "category/q-fin.TR")
    send_to(place, reader, "/in", "category/q-fin.TR")
    addresses = [subscribe(place, f"wants{number}", ["category/q-fin.TR"]) for number in range(30)]
    # Before the papers come the digests are of the sample's day and of nothing; they are asked for anew then.
    wait_until(lambda: place.sql("SELECT count(*) FROM digest_digest") == [(30,)], "digests of nothing were chosen")
    wanted = take_in(place, *range(20, 24), word="turbot", categories=("q-fin.TR",))
    place.sql("DELETE FROM digest_digest")
    place.sql("UPDATE digest_subscription SET next_look = '1970-01-01Z'")
    wait_until(lambda: all(place.mails(address) for address in addresses), "every subscriber has a digest")
    wait_until(lambda: len(delivered(place, "/in")) == len(wanted), "every paper came to the web hook")
    wait_until(lambda: place.mails("cy@lab.example"), "the reader was mailed")
    # Both hosts have looked again since, and found nothing to do.
    rounds(place, hosts)
    assert Counter(len(place.mails(address)) for address in addresses) == {1: 30}
    assert max(Counter(delivered(place, "/in")).values()) == 1
    assert place.sql("SELECT count(*) FROM readers_notification WHERE kind = 'alert'") == [(1,)]
    assert len(place.mails("cy@lab.example")) == 1
    nothing_is_held(place)


def rounds(place: Place, hosts: Pair) -> None:
    """Wait until each host's worker has gone all the way round once more: what it indexes first, it did at the end."""
    for turn in range(2):
        (paper,) = take_in(place, 800 + len(place.sql("SELECT id FROM papers_paper")), word=f"round{turn}")
        for host in hosts:
            if host.worker and host.worker.poll() is None:
                wait_until(found_by(host, f"round{turn}", [paper]), f"{host.name} went round")


def nothing_is_held(place: Place) -> None:
    """No row of any claim sticks."""
    held = {
        "harvests": "SELECT count(*) FROM papers_harvest WHERE held_until IS NOT NULL",
        "mails": "SELECT count(*) FROM digest_mail WHERE state IN ('queued', 'claimed', 'sending', 'doubtful')",
        "places": "SELECT count(*) FROM delivery_hook WHERE busy_until IS NOT NULL",
        "messages": "SELECT count(*) FROM delivery_delivery WHERE state IN ('waiting', 'sending')",
    }
    for name, statement in held.items():
        wait_until(lambda statement=statement: place.sql(statement) == [(0,)], f"nothing is held: {name}")  # type: ignore[misc]


def killed(place: Place, table: str) -> Host:
    """Wait until a worker is seen in a step that waits for a table, kill it, and give its host."""
    [first, *_] = wait_until(lambda: place.stuck(table), f"a worker is seen at {table}")
    first.kill_worker()
    return first


def test_a_worker_that_is_killed_while_it_encodes_leaves_its_papers_to_the_other(place: Place, hosts: Pair) -> None:
    with place.locked("papers_vector", "SHARE"):
        take_in(place, *range(100, 110), word="wombat")
        gone = killed(place, "papers_vector")
    all_are_encoded_once(place)
    gone.work()


def test_texts_that_a_dead_host_had_taken_are_encoded_soon(place: Place, hosts: Pair) -> None:
    texts = [told(number, "quoll") for number in range(115, 118)]
    with psycopg.connect(place.database, autocommit=True) as third:
        for title, abstract in texts:
            held = claims.number(text_hash(title, abstract))
            third.execute("SELECT pg_advisory_lock(%s, %s)", [claims.TEXT, held])
        take_in(place, *range(115, 118), word="quoll")
        rounds(place, hosts)
        [(papers,)] = place.sql("SELECT count(*) FROM papers_paper")
        have = "SELECT count(*) FROM papers_vector"
        wait_until(lambda: place.sql(have) == [(papers - len(texts),)], "the other papers have vectors")
    all_are_encoded_once(place)


def test_a_worker_that_is_killed_while_it_indexes_goes_on_and_the_other_is_not_held_up(
    place: Place, hosts: Pair
) -> None:
    with place.locked("papers_vector", "ACCESS EXCLUSIVE"):
        wanted = take_in(place, *range(120, 130), word="numbat")
        gone = killed(place, "papers_vector")
    other = next(host for host in hosts if host is not gone)
    wait_until(found_by(other, "numbat", wanted), "the other host finds them")
    gone.work()
    wait_until(found_by(gone, "numbat", wanted), "so does the one whose worker was killed")


def test_a_worker_that_is_killed_while_it_chooses_digests_leaves_all_of_them_to_the_other(
    place: Place, hosts: Pair
) -> None:
    take_in(place, *range(140, 144), word="bandicoot", categories=("q-fin.ST",))
    with place.locked("digest_digest", "SHARE"):
        addresses = [subscribe(place, f"waits{number}", ["category/q-fin.ST"]) for number in range(30)]
        gone = killed(place, "digest_digest")
    wait_until(lambda: all(place.mails(address) for address in addresses), "every subscriber has a digest")
    gone.work()
    rounds(place, hosts)
    assert Counter(len(place.mails(address)) for address in addresses) == {1: 30}
    nothing_is_held(place)


def test_a_worker_that_is_killed_while_it_tells_readers_leaves_them_to_the_other(place: Place, hosts: Pair) -> None:
    readers = [a_reader(place, f"reader{number}") for number in range(3)]
    for reader in readers:
        alert(place, reader, "category/q-fin.PM")
    with place.locked("readers_notification", "SHARE"):
        take_in(place, *range(160, 164), word="potoroo", categories=("q-fin.PM",))
        gone = killed(place, "readers_notification")
    told = "SELECT count(*) FROM readers_notification WHERE kind = 'alert' AND reader_id = ANY(%s)"
    wait_until(lambda: place.sql(told, readers) == [(3,)], "every reader is told")
    gone.work()
    rounds(place, hosts)
    assert place.sql(told, readers) == [(3,)]


def test_a_worker_that_is_killed_while_a_message_is_on_its_way_leaves_it_under_its_number(
    place: Place, hosts: Pair
) -> None:
    place.loopback.answer("/slow", b"x" * 300, drip=0.1)
    place.loopback.answer("/slow")
    send_to(place, a_reader(place, "di"), "/slow", "category/q-fin.CP")
    take_in(place, *range(180, 183), word="quoll", categories=("q-fin.CP",))
    [asked, *_] = wait_until(lambda: place.asked("/slow"), "a message is on its way")
    gone = next(host for host in hosts if host.sent(asked))
    gone.kill_worker()
    # The lease of three minutes is over.
    place.sql("UPDATE delivery_hook SET busy_until = now() WHERE busy_until IS NOT NULL")
    wait_until(lambda: len(set(delivered(place, "/slow"))) == 3, "every paper came to the web hook")
    gone.work()
    rounds(place, hosts)
    # What was on its way came again, so that the receiver may drop it; nothing else did.
    numbers = delivered(place, "/slow")
    assert Counter(numbers) == {number: 2 if number == numbers[0] else 1 for number in numbers}
    nothing_is_held(place)


def test_a_worker_that_is_killed_while_it_harvests_leaves_the_source_to_the_other(place: Place, hosts: Pair) -> None:
    slow = HARVESTED.replace("2611.90001", "2611.90002").replace("wheat", "barley")
    place.loopback.queues["/oai", ()].clear()
    place.loopback.answer("/oai", slow, drip=0.2)
    place.loopback.answer("/oai", slow)
    before = len(place.asked("/oai"))
    place.sql("UPDATE papers_harvest SET finished = finished - interval '2 hours' WHERE source = 'arxiv-oai'")
    wait_until(lambda: len(place.asked("/oai")) > before, "a source is being asked")
    gone = next(host for host in hosts if host.sent(place.asked("/oai")[before]))
    gone.kill_worker()
    assert place.sql("SELECT state FROM papers_harvest WHERE source = 'arxiv-oai'") == [("running",)]
    # The lease of twenty minutes is over.
    place.sql("UPDATE papers_harvest SET held_until = now() WHERE held_until IS NOT NULL")
    other = next(host for host in hosts if host is not gone)
    wait_until(found_by(other, "harvested barley", ["2611.90002"]), "the other host harvested it")
    assert other.sent(place.asked("/oai")[-1]) and len(place.asked("/oai")) == before + 2
    gone.work()
    nothing_is_held(place)


class Voters:
    """Readers who vote and take back their votes on every host, one request after the other, until they are stopped."""

    def __init__(self, hosts: Pair, cookies: dict[str, str], papers: list[str]) -> None:
        self.hosts, self.cookies, self.papers = hosts, cookies, papers
        self.answers: list[tuple[float, int]] = []
        # By paper: the last word, as it was acknowledged; what was sent and not answered may stand or not.
        self.known: dict[str, bool] = {}
        self.doubtful: set[str] = set()
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self.vote, daemon=True)

    def vote(self) -> None:
        """Vote."""
        for number in itertools.count():
            if self.stopping.is_set():
                return
            paper, on = self.papers[number % len(self.papers)], number // len(self.papers) % 2 == 0
            host = self.hosts[number % 2]
            status, _text = host.post(f"/vote/{paper}", {"on": str(int(on)), "next": "/about"}, dict(self.cookies))
            self.answers.append((time.monotonic(), status))
            if status == 303:
                self.known[paper] = on
                self.doubtful.discard(paper)
            elif status != 429:
                self.doubtful.add(paper)

    def since(self, moment: float) -> list[int]:
        """The answers since a moment."""
        return [status for at, status in self.answers if at > moment]


def test_both_hosts_come_back_by_themselves_when_postgresql_starts_anew(place: Place, hosts: Pair) -> None:
    for host in hosts:
        assert "Traceback" not in host.log("web"), host.log("web")[-6000:]
    papers = take_in(place, *range(200, 207), word="bilby")
    reader = a_reader(place, "ed")
    voters = Voters(hosts, sign_in(hosts[0], "ed"), papers)
    voters.thread.start()
    try:
        wait_until(lambda: len(voters.known) == len(papers), "votes are cast")
        start_anew(place.database)
        up = time.monotonic()
        wait_until(lambda: 303 in voters.since(up), "a vote is taken again")
        # What was under way at that moment may have failed; nothing that is asked from now on does.
        settled = time.monotonic()
        wait_until(lambda: len(voters.since(settled)) > 40, "votes go on")
        assert set(voters.since(settled)) <= {303, 429}, voters.since(settled)
    finally:
        voters.stopping.set()
        voters.thread.join()
    rows = place.sql(
        "SELECT p.key FROM community_vote v JOIN papers_paper p ON p.id = v.paper_id WHERE reader_id = %s", reader
    )
    standing = {key for (key,) in rows}
    certain = {paper: on for paper, on in voters.known.items() if paper not in voters.doubtful}
    assert {paper for paper, on in certain.items() if on} == standing & certain.keys()
    assert place.sql(
        "SELECT count(*) FROM papers_paper p"
        " WHERE votes_here <> (SELECT count(*) FROM community_vote WHERE paper_id = p.id)"
    ) == [(0,)]
    for host in hosts:
        assert host.get("/")[0] in (200, 302) and host.get("/search?q=bilby")[0] == 200
    wanted = take_in(place, 220, word="dibbler")
    for host in hosts:
        assert host.worker and host.worker.poll() is None
        wait_until(found_by(host, "dibbler", wanted), f"the worker of {host.name} goes on")
    all_are_encoded_once(place)


def start_anew(database: str) -> None:
    """Start the tests' PostgreSQL anew, as an update of it does."""
    folder = database.partition("?host=")[2]
    user = "postgres" if os.geteuid() == 0 else None
    command = [str(programs() / "pg_ctl"), "-D", f"{folder}/data", "-l", f"{folder}/log", "-m", "fast", "-w", "restart"]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, user=user, cwd=folder)
