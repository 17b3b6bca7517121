"""What a server says or does not say becomes the right word, over real sockets on loopback."""

import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from threading import Thread

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.x509.oid import NameOID

from broadsheet.mail.messages import Unsendable
from broadsheet.mail.smtp import Accepted, Lost, Pool, Refused, Server, Throttle, server
from broadsheet.mail.tests.sink import Plan, Sink, sink_process

BOUNCES = "bounces+k7@lab.example"
ADA = "ada@reader.example"
MESSAGE = b"From: papers@lab.example\r\nMessage-ID: <d1.20260303@lab.example>\r\n\r\nHello\r\n.\r\n..dots\r\n"
LARGE = MESSAGE + b"0123456789" * 2_000_000


def plain(sink: Sink, *, answer_timeout: float = 5.0) -> Server:
    return Server("127.0.0.1", sink.port, "plain", timeout=5.0, answer_timeout=answer_timeout)


@pytest.fixture(params=["pipelining", "one by one"])
def sink(request: pytest.FixtureRequest) -> Iterator[Sink]:
    extensions = ("PIPELINING", "SIZE 20000000") if request.param == "pipelining" else ()
    with Sink(extensions=extensions) as found:
        yield found


@pytest.fixture
def pool(sink: Sink) -> Iterator[Pool]:
    with Pool(plain(sink), per_connection=100) as found:
        yield found


def test_a_message_arrives_as_it_was_signed(sink: Sink, pool: Pool) -> None:
    outcome = pool.send(BOUNCES, ADA, MESSAGE)

    assert outcome == Accepted("250 2.0.0 taken")
    (taken,) = sink.taken
    assert (taken.sender, taken.to, taken.message) == (BOUNCES, ADA, MESSAGE)
    assert sink.message_ids == ["<d1.20260303@lab.example>"]


def test_one_connection_serves_many_messages(sink: Sink, pool: Pool) -> None:
    outcomes = {type(pool.send(BOUNCES, f"reader{n}@reader.example", MESSAGE)) for n in range(20)}

    assert (outcomes, sink.connections, len(sink.taken)) == ({Accepted}, 1, 20)


def test_a_connection_is_left_after_its_share(sink: Sink) -> None:
    with Pool(plain(sink), per_connection=3) as pool:
        for _ in range(7):
            pool.send(BOUNCES, ADA, MESSAGE)

    assert (sink.connections, len(sink.taken)) == (3, 7)


def test_an_empty_envelope_sender_is_possible(sink: Sink, pool: Pool) -> None:
    assert isinstance(pool.send("", ADA, MESSAGE), Accepted)
    assert sink.taken[0].sender == ""


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        ("550 5.1.1 no such user", Refused(550, "5.1.1", "550 5.1.1 no such user", permanent=True, at="recipient")),
        ("451 4.7.1 come back", Refused(451, "4.7.1", "451 4.7.1 come back", permanent=False, at="recipient")),
        ("452-4.2.2 full\r\n452 4.2.2 box", Refused(452, "4.2.2", "452 4.2.2 full 4.2.2 box", False, "recipient")),
        ("553 go away", Refused(553, "", "553 go away", permanent=True, at="recipient")),
    ],
)
def test_a_refused_recipient_is_told_and_the_connection_goes_on(
    sink: Sink, pool: Pool, reply: str, expected: Refused
) -> None:
    sink.plan.at_recipient[ADA] = reply

    assert pool.send(BOUNCES, ADA, MESSAGE) == expected
    assert isinstance(pool.send(BOUNCES, "bob@reader.example", MESSAGE), Accepted)
    assert (sink.connections, [taken.to for taken in sink.taken]) == (1, ["bob@reader.example"])


def test_a_refused_message_is_told(sink: Sink, pool: Pool) -> None:
    sink.plan.at_end[ADA] = "554 5.7.1 looks like spam"

    assert pool.send(BOUNCES, ADA, MESSAGE) == Refused(554, "5.7.1", "554 5.7.1 looks like spam", True, "message")
    assert isinstance(pool.send(BOUNCES, "bob@reader.example", MESSAGE), Accepted)
    assert sink.message_ids == ["<d1.20260303@lab.example>"]


def test_a_server_that_refuses_and_hangs_up_has_refused(sink: Sink, pool: Pool) -> None:
    sink.plan.at_recipient[ADA] = "550 5.1.1 no such user"
    sink.plan.cut_at_recipient.add(ADA)

    assert pool.send(BOUNCES, ADA, MESSAGE) == Refused(550, "5.1.1", "550 5.1.1 no such user", True, "recipient")
    assert isinstance(pool.send(BOUNCES, "bob@reader.example", MESSAGE), Accepted)


def test_a_refused_sender_is_told_as_such(sink: Sink, pool: Pool) -> None:
    sink.plan.at_sender = "550 5.7.1 not from here"

    assert pool.send(BOUNCES, ADA, MESSAGE) == Refused(550, "5.7.1", "550 5.7.1 not from here", True, "sender")


def test_a_server_that_waits_for_a_message_without_recipient_gets_none() -> None:
    plan = Plan(at_recipient={ADA: "550 5.1.1 no such user"}, waits_anyway=True)
    with Sink(plan=plan) as sink, Pool(plain(sink)) as pool:
        first = pool.send(BOUNCES, ADA, MESSAGE)
        second = pool.send(BOUNCES, "bob@reader.example", MESSAGE)

    assert isinstance(first, Refused) and first.code == 550
    assert isinstance(second, Accepted)
    assert [taken.to for taken in sink.taken] == ["bob@reader.example"]


def test_a_connection_that_was_closed_meanwhile_is_replaced(sink: Sink, pool: Pool) -> None:
    pool.send(BOUNCES, ADA, MESSAGE)
    sink.hang_up()

    assert isinstance(pool.send(BOUNCES, ADA, MESSAGE), Accepted)
    assert (sink.connections, len(sink.taken)) == (2, 2)


def test_a_server_that_says_goodbye_is_called_again(sink: Sink, pool: Pool) -> None:
    sink.plan.goodbye_after = 2

    outcomes = [type(pool.send(BOUNCES, ADA, MESSAGE)) for _ in range(5)]

    assert (outcomes, sink.connections, len(sink.taken)) == ([Accepted] * 5, 3, 5)


def test_a_server_that_closes_at_data_leaves_no_doubt(sink: Sink, pool: Pool) -> None:
    sink.plan.cut_at_data.add(ADA)

    outcome = pool.send(BOUNCES, ADA, MESSAGE)

    assert isinstance(outcome, Lost) and not outcome.in_doubt
    assert not sink.taken


def test_a_connection_that_breaks_in_the_message_leaves_no_doubt(sink: Sink, pool: Pool) -> None:
    sink.plan.cut_in_message.add(ADA)

    outcome = pool.send(BOUNCES, ADA, LARGE)

    assert isinstance(outcome, Lost) and not outcome.in_doubt
    assert not sink.taken


@pytest.mark.parametrize("fate", ["taken", "not taken"])
def test_a_connection_that_breaks_before_the_answer_leaves_doubt(sink: Sink, pool: Pool, fate: str) -> None:
    sink.plan.cut_after[ADA] = fate

    outcome = pool.send(BOUNCES, ADA, MESSAGE)

    assert isinstance(outcome, Lost) and outcome.in_doubt
    # The server's own log is what settles it.
    assert sink.message_ids == (["<d1.20260303@lab.example>"] if fate == "taken" else [])
    assert isinstance(pool.send(BOUNCES, "bob@reader.example", MESSAGE), Accepted)


def test_a_connection_in_doubt_is_not_tried_again_though_it_had_served_before(sink: Sink, pool: Pool) -> None:
    pool.send(BOUNCES, "bob@reader.example", MESSAGE)
    sink.plan.cut_after[ADA] = "taken"

    outcome = pool.send(BOUNCES, ADA, MESSAGE)

    assert isinstance(outcome, Lost) and outcome.in_doubt
    assert [taken.to for taken in sink.taken] == ["bob@reader.example", ADA]


def test_a_server_that_never_answers_leaves_doubt() -> None:
    with Sink(plan=Plan(silent={ADA})) as sink, Pool(plain(sink, answer_timeout=0.05)) as pool:
        outcome = pool.send(BOUNCES, ADA, MESSAGE)

    assert isinstance(outcome, Lost) and outcome.in_doubt


def test_an_answer_that_is_none_leaves_doubt(sink: Sink, pool: Pool) -> None:
    sink.plan.at_end[ADA] = "what a nice day"

    outcome = pool.send(BOUNCES, ADA, MESSAGE)

    assert isinstance(outcome, Lost) and outcome.in_doubt


def test_nonsense_before_the_message_leaves_none(sink: Sink, pool: Pool) -> None:
    sink.plan.at_recipient[ADA] = "what a nice day"

    outcome = pool.send(BOUNCES, ADA, MESSAGE)

    assert isinstance(outcome, Lost) and not outcome.in_doubt


def test_a_server_too_busy_to_greet_is_told_as_not_permanent() -> None:
    for words, code in (("421 4.3.2 too busy", 421), ("554 5.7.1 blocked", 554)):
        with Sink(plan=Plan(at_greeting=words)) as sink, Pool(plain(sink)) as pool:
            outcome = pool.send(BOUNCES, ADA, MESSAGE)
        assert isinstance(outcome, Refused)
        assert (outcome.code, outcome.permanent, outcome.at) == (code, False, "connection")


def test_a_server_that_is_not_there_is_told() -> None:
    with Sink() as sink:
        gone = plain(sink)

    outcome = Pool(gone).send(BOUNCES, ADA, MESSAGE)

    assert isinstance(outcome, Lost) and not outcome.in_doubt
    assert "cannot be reached" in outcome.reason


def test_names_outside_ascii_need_a_server_that_takes_them(sink: Sink, pool: Pool) -> None:
    outcome = pool.send(BOUNCES, "jürgen@lab.example", MESSAGE)
    assert isinstance(outcome, Refused) and outcome.permanent and outcome.enhanced == "5.6.7"

    with Sink() as modern, Pool(plain(modern)) as other:
        assert isinstance(other.send(BOUNCES, "jürgen@bücher.example", MESSAGE), Accepted)
    assert modern.taken[0].to == "jürgen@xn--bcher-kva.example"
    assert any(line.startswith("MAIL") and line.endswith("SMTPUTF8") for line in modern.commands)


@pytest.mark.parametrize("wrong", ["ada@reader.example>\r\nRCPT TO:<eve@evil.example", "ada", "a b@c.example"])
def test_an_address_cannot_hold_a_command(sink: Sink, pool: Pool, wrong: str) -> None:
    with pytest.raises(Unsendable):
        pool.send(BOUNCES, wrong, MESSAGE)
    with pytest.raises(Unsendable):
        pool.send(wrong, ADA, MESSAGE)
    assert sink.commands == []


def test_three_commands_go_in_one_write_where_the_server_offers_that() -> None:
    counts = []
    for extensions in (("PIPELINING",), ()):
        with Sink(extensions=extensions) as sink, Pool(plain(sink)) as pool:
            for _ in range(10):
                pool.send(BOUNCES, ADA, MESSAGE)
        counts.append(sink.writes)

    assert counts[0] < counts[1]


def test_threads_share_a_pool() -> None:
    with Sink() as sink, Pool(plain(sink)) as pool:
        senders = [Thread(target=_send_ten, args=(pool, name)) for name in ("ada", "bob", "eve")]
        for sender in senders:
            sender.start()
        for sender in senders:
            sender.join(10)

    assert sorted(taken.to for taken in sink.taken) == sorted(
        f"{name}{n}@reader.example" for name in ("ada", "bob", "eve") for n in range(10)
    )
    assert sink.connections <= 3


def test_the_sink_in_a_process_of_its_own_keeps_a_log(tmp_path: Path) -> None:
    with sink_process(tmp_path / "log") as port, Pool(Server("127.0.0.1", port, "plain")) as pool:
        assert isinstance(pool.send(BOUNCES, ADA, MESSAGE), Accepted)

    assert (tmp_path / "log").read_text() == f"<d1.20260303@lab.example>\t{ADA}\n"


# TLS


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for 127.0.0.1 that nobody but this test trusts, with its key."""
    key = generate_private_key(SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sink.test")])
    today = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(today - timedelta(days=1))
        .not_valid_after(today + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ) + made.public_bytes(serialization.Encoding.PEM)
    path = tmp_path_factory.mktemp("tls") / "both.pem"
    path.write_bytes(pem)
    return path


@pytest.fixture
def offered(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


@pytest.fixture
def trusting(certificate: Path) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(certificate))


@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
def test_a_password_goes_over_tls(scheme: str, offered: ssl.SSLContext, trusting: ssl.SSLContext) -> None:
    plan = Plan(users={"papers@lab.example": "s:cret"})
    with Sink(plan=plan, context=offered, tls_at_once=scheme == "smtps") as sink:
        at = server(f"{scheme}://papers%40lab.example:s%3Acret@127.0.0.1:{sink.port}")
        with Pool(at, context=trusting) as pool:
            outcomes = [pool.send(BOUNCES, ADA, message) for message in (MESSAGE, MESSAGE)]

    assert outcomes == [Accepted("250 2.0.0 taken")] * 2
    assert sink.connections == 1
    assert ("STARTTLS" in sink.commands) == (scheme == "smtp")


def test_a_wrong_password_is_no_verdict_on_the_message(offered: ssl.SSLContext, trusting: ssl.SSLContext) -> None:
    plan = Plan(users={"papers": "secret"})
    with Sink(plan=plan, context=offered) as sink:
        at = server(f"smtp://papers:wrong@127.0.0.1:{sink.port}")
        outcome = Pool(at, context=trusting).send(BOUNCES, ADA, MESSAGE)

    assert isinstance(outcome, Refused)
    assert (outcome.code, outcome.permanent, outcome.at) == (535, False, "login")


def test_without_starttls_no_password_and_no_message_is_sent(trusting: ssl.SSLContext) -> None:
    with Sink(plan=Plan(users={"papers": "secret"})) as sink:
        at = server(f"smtp://papers:secret@127.0.0.1:{sink.port}")
        outcome = Pool(at, context=trusting).send(BOUNCES, ADA, MESSAGE)

    assert isinstance(outcome, Lost) and "STARTTLS" in outcome.reason and not outcome.in_doubt
    assert not any(line.startswith(("AUTH", "MAIL")) for line in sink.commands)


@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
def test_a_certificate_that_nobody_vouches_for_is_not_trusted(scheme: str, offered: ssl.SSLContext) -> None:
    plan = Plan(users={"papers": "secret"})
    with Sink(plan=plan, context=offered, tls_at_once=scheme == "smtps") as sink:
        outcome = Pool(server(f"{scheme}://papers:secret@127.0.0.1:{sink.port}")).send(BOUNCES, ADA, MESSAGE)

    assert isinstance(outcome, Lost) and "certificate" in outcome.reason.lower()
    assert not any(line.startswith(("AUTH", "MAIL")) for line in sink.commands)


# Settings and pace


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("smtp://mail.lab.example", ("mail.lab.example", 587, "starttls", "")),
        ("smtps://a%40b:c@mail.lab.example", ("mail.lab.example", 465, "tls", "a@b")),
        ("smtp://localhost:2525", ("localhost", 2525, "plain", "")),
        ("smtp://localhost", ("localhost", 587, "plain", "")),
        ("smtp://[::1]:25", ("::1", 25, "plain", "")),
        ("smtp://relay.lab.example:25", ("relay.lab.example", 25, "plain", "")),
        ("smtp://a:b@relay.lab.example:25", ("relay.lab.example", 25, "starttls", "a")),
        ("smtp://a:b@localhost", ("localhost", 587, "starttls", "a")),
    ],
)
def test_an_address_of_a_server_says_how_it_is_spoken_to(url: str, expected: tuple[str, int, str, str]) -> None:
    found = server(url)

    assert (found.host, found.port, found.secure, found.user) == expected


@pytest.mark.parametrize(
    "url", ["", "http://lab.example", "smtp://", "smtp://a:geheim@lab.example:99999", "smtp://a:geheim@-x-"]
)
def test_what_is_no_server_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(ValueError, match="mail server|not a domain") as caught:
        server(url)
    assert "geheim" not in str(caught.value)


def test_a_password_without_tls_cannot_even_be_set_up() -> None:
    with pytest.raises(ValueError, match="TLS"):
        Server("lab.example", 25, "plain", user="ada", password="geheim")
    with pytest.raises(ValueError, match="ASCII"):
        Server("lab.example", 465, "tls", user="ada", password="schlüssel")
    assert "geheim" not in repr(Server("lab.example", 587, "starttls", user="ada", password="geheim"))


class Watch:
    """A clock that goes on only while somebody sleeps."""

    def __init__(self) -> None:
        self.moment = 100.0

    def __call__(self) -> float:
        return self.moment

    def sleep(self, seconds: float) -> None:
        self.moment += seconds


def test_a_throttle_spreads_calls_evenly() -> None:
    watch = Watch()
    throttle = Throttle(4.0, clock=watch, sleep=watch.sleep)

    waited = [throttle.wait() for _ in range(5)]
    watch.sleep(10)
    later = [throttle.wait() for _ in range(2)]

    assert waited == pytest.approx([0, 0.25, 0.25, 0.25, 0.25])
    assert later == pytest.approx([0, 0.25])


def test_a_throttle_needs_a_rate() -> None:
    with pytest.raises(ValueError, match="above 0"):
        Throttle(0)


def _send_ten(pool: Pool, name: str) -> None:
    for n in range(10):
        pool.send(BOUNCES, f"{name}{n}@reader.example", MESSAGE)
