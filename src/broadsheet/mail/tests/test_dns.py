"""Records in, findings out."""

import socketserver
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from ipaddress import ip_address
from threading import Thread

import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset
import pytest

from broadsheet.mail.dkim import make_key
from broadsheet.mail.dns import (
    Finding,
    Resolve,
    Unanswered,
    evaluate_spf,
    judge_alignment,
    judge_dkim,
    judge_dmarc,
    judge_mx,
    judge_ptr,
    judge_spf,
    resolver,
)

HOME = "192.0.2.10"
KEY = make_key("lab.example", "bs1", algorithm="ed25519").record
OTHER = make_key("lab.example", "bs1", algorithm="ed25519").record


def zone(**records: list[str]) -> Resolve:
    """A DNS of what is given: TXT_lab_example=[…] stands for the TXT records of lab.example, and so on."""
    named = {tuple(key.replace("__", "-").split("_", 1)): texts for key, texts in records.items()}

    def resolve(name: str, kind: str) -> list[str]:
        return named.get((kind, name.rstrip(".").replace(".", "_")), [])

    return resolve


def spf(record: str, **more: list[str]) -> str:
    return evaluate_spf("lab.example", ip_address(HOME), zone(TXT_lab_example=[record], **more)).result


def silent(name: str, kind: str) -> list[str]:
    raise Unanswered(name)


@pytest.mark.parametrize(
    ("record", "result"),
    [
        ("v=spf1 ip4:192.0.2.10 -all", "pass"),
        ("v=spf1 ip4:192.0.2.0/24 -all", "pass"),
        ("v=spf1 ip4:198.51.100.0/24 -all", "fail"),
        ("v=spf1 ip4:198.51.100.0/24 ~all", "softfail"),
        ("v=spf1 ?all", "neutral"),
        ("v=spf1 -ip4:192.0.2.10 +all", "fail"),
        ("v=spf1", "neutral"),
        ("v=spf1 ip6:2001:db8::/32 -all", "fail"),
        ("v=spf1 exp=why.lab.example IP4:192.0.2.10 -ALL", "pass"),
        ("v=spf1 exists:%{i}.lab.example -all", "fail"),
        ("v=spf1 ip4:nonsense -all", "permerror"),
        ("v=spf1 nonsense -all", "permerror"),
        ("v=spf10 ip4:192.0.2.10 -all", "none"),
    ],
)
def test_spf_of_one_record(record: str, result: str) -> None:
    assert spf(record) == result


def test_spf_follows_names() -> None:
    assert spf("v=spf1 a -all", A_lab_example=[HOME]) == "pass"
    assert spf("v=spf1 a/24 -all", A_lab_example=["192.0.2.77"]) == "pass"
    assert spf("v=spf1 a:out.lab.example -all", A_out_lab_example=[HOME]) == "pass"
    assert spf("v=spf1 mx -all", MX_lab_example=["10 in.lab.example."], A_in_lab_example=[HOME]) == "pass"
    assert spf("v=spf1 a -all", A_lab_example=["192.0.2.77"]) == "fail"


@pytest.mark.parametrize(("prefixes", "result"), [("", "fail"), ("/8", "fail"), ("//64", "pass"), ("/24//64", "pass")])
def test_spf_of_the_newer_kind_of_address(prefixes: str, result: str) -> None:
    dns = zone(TXT_lab_example=[f"v=spf1 a:out.lab.example{prefixes} -all"], AAAA_out_lab_example=["2001:db8::1"])

    assert evaluate_spf("lab.example", ip_address("2001:db8::9"), dns).result == result


def test_spf_includes_and_redirects() -> None:
    relay = {"TXT_relay_example": [f"v=spf1 ip4:{HOME} -all"]}
    assert spf("v=spf1 include:relay.example -all", **relay) == "pass"
    assert spf("v=spf1 redirect=relay.example", **relay) == "pass"
    assert spf("v=spf1 redirect=relay.example -all", **relay) == "fail"
    assert spf("v=spf1 include:relay.example ~all", TXT_relay_example=["v=spf1 -all"]) == "softfail"
    assert spf("v=spf1 include:nobody.example -all") == "permerror"
    assert spf("v=spf1 redirect=nobody.example") == "permerror"


def test_spf_that_goes_in_circles_ends() -> None:
    assert spf("v=spf1 include:lab.example -all") == "permerror"
    assert spf("v=spf1 " + "a:x.example " * 11 + "-all") == "permerror"
    assert spf("v=spf1 " + "a:x.example " * 10 + "-all") == "fail"


def test_two_spf_records_are_one_too_many() -> None:
    dns = zone(TXT_lab_example=["v=spf1 -all", "v=spf1 +all"])

    assert evaluate_spf("lab.example", ip_address(HOME), dns).result == "permerror"


def test_spf_is_told_with_the_record_to_add() -> None:
    none = judge_spf("lab.example", HOME, zone(TXT_lab_example=["something else"]))
    wrong = judge_spf("lab.example", HOME, zone(TXT_lab_example=["v=spf1 mx -all"]))
    right = judge_spf("lab.example", HOME, zone(TXT_lab_example=["v=spf1 ip4:192.0.2.10 -all"]))

    assert (none.state, wrong.state, right.state) == ("bad", "bad", "good")
    assert 'lab.example. IN TXT ( "v=spf1 ip4:192.0.2.10 -all" )' in none.do
    assert '"v=spf1 ip4:192.0.2.10 mx -all"' in wrong.do
    assert right.do == ""


def test_dkim_must_hold_our_key_and_no_other() -> None:
    def found(*texts: str) -> Finding:
        return judge_dkim(KEY, lambda name, kind: list(texts) if name == "bs1._domainkey.lab.example" else [])

    assert found(KEY.text).state == "good"
    assert found(KEY.text.replace("; ", ";").replace("v=DKIM1;", "")).state == "good"
    assert found(KEY.text + "; t=y").state == "warning"
    assert found(KEY.text.replace("k=ed25519", "k=rsa")).state == "bad"
    for texts in ((), (OTHER.text,), (KEY.text, OTHER.text), ("v=DKIM1; p=",)):
        assert found(*texts).state == "bad"
        assert KEY.text in found(*texts).do


def test_dmarc_of_the_domain_or_one_above() -> None:
    def found(text: str, at: str = "_dmarc.papers.lab.example") -> Finding:
        return judge_dmarc("papers.lab.example", lambda name, kind: [text] if name == at else [])

    assert found("v=DMARC1; p=reject").state == "good"
    assert found("v=DMARC1; p=quarantine", "_dmarc.lab.example").state == "good"
    assert "only watches" in found("v=DMARC1; p=none").says
    assert "is none" in found("v=DMARC1; p=reject; sp=none", "_dmarc.lab.example").says
    assert found("v=DMARC1; p=maybe").state == "bad"
    assert '_dmarc.papers.lab.example. IN TXT ( "v=DMARC1;' in found("", "nowhere").do


@pytest.mark.parametrize(
    ("names", "addresses", "hello", "state"),
    [
        (["mail.lab.example."], [HOME], "", "good"),
        (["mail.lab.example."], [HOME], "mail.lab.example", "good"),
        (["mail.lab.example."], [HOME], "other.lab.example", "warning"),
        (["mail.lab.example."], ["192.0.2.11"], "", "bad"),
        ([], [HOME], "", "bad"),
    ],
)
def test_a_name_must_lead_back(names: list[str], addresses: list[str], hello: str, state: str) -> None:
    answers = {("10.2.0.192.in-addr.arpa", "PTR"): names, ("mail.lab.example", "A"): addresses}

    finding = judge_ptr(HOME, lambda name, kind: answers.get((name, kind), []), hello=hello)

    assert finding.state == state
    assert bool(finding.do) == (state != "good")


def test_a_name_of_the_newer_kind_leads_back_too() -> None:
    def resolve(name: str, kind: str) -> list[str]:
        if kind == "PTR":
            return ["mail.lab.example."] if name.endswith(".ip6.arpa") else []
        return ["2001:db8::1"] if kind == "AAAA" else []

    assert judge_ptr("2001:db8:0::1", resolve).state == "good"


def test_bounces_need_somewhere_to_go() -> None:
    assert judge_mx("lab.example", zone(MX_lab_example=["10 in.lab.example."])).state == "good"
    assert judge_mx("lab.example", zone(A_lab_example=[HOME])).state == "warning"
    assert judge_mx("lab.example", zone(MX_lab_example=["0 ."], A_lab_example=[HOME])).state == "bad"
    assert judge_mx("lab.example", zone()).state == "bad"


def test_what_is_proved_must_be_what_is_shown() -> None:
    def state(dkim: str, envelope: str) -> str:
        return judge_alignment("papers.lab.example", dkim_domain=dkim, envelope_domain=envelope).state

    assert state("papers.lab.example", "bounces.papers.lab.example") == "good"
    assert state("lab.example", "relay.example") == "good"
    assert state("", "mail.lab.example") == "warning"
    assert state("relay.example", "relay.example") == "bad"


@pytest.mark.parametrize(
    "judge",
    [
        lambda: judge_spf("lab.example", HOME, silent),
        lambda: judge_dkim(KEY, silent),
        lambda: judge_dmarc("lab.example", silent),
        lambda: judge_ptr(HOME, silent),
        lambda: judge_mx("lab.example", silent),
    ],
)
def test_without_an_answer_nothing_is_judged(judge: Callable[[], Finding]) -> None:
    assert judge().state == "unknown"


def test_the_real_resolver_reads_records_from_a_server() -> None:
    with nameserver(
        {("lab.example.", "TXT"): '"v=spf1 " "-all"', ("lab.example.", "MX"): "10 in.lab.example."}
    ) as port:
        asked = resolver(2.0, servers=["127.0.0.1"], port=port)

        assert asked("lab.example", "TXT") == ["v=spf1 -all"]
        assert asked("lab.example", "MX") == ["10 in.lab.example."]
        assert asked("lab.example", "A") == []
        assert asked("nobody.example", "TXT") == []
        with pytest.raises(Unanswered):
            asked("broken.example", "TXT")


@contextmanager
def nameserver(records: dict[tuple[str, str], str]) -> Iterator[int]:
    """A DNS server on loopback that knows one record of a kind and fails for broken.example; gives its port."""

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            asked = dns.message.from_wire(self.request[0])
            question = asked.question[0]
            name, kind = question.name.to_text(), dns.rdatatype.to_text(question.rdtype)
            answer = dns.message.make_response(asked)
            if (name, kind) in records:
                answer.answer.append(dns.rrset.from_text(name, 60, "IN", kind, records[name, kind]))
            elif name.startswith("broken"):
                answer.set_rcode(dns.rcode.REFUSED)
            elif not any(name == known for known, _kind in records):
                answer.set_rcode(dns.rcode.NXDOMAIN)
            self.request[1].sendto(answer.to_wire(), self.client_address)

    with socketserver.UDPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        yield int(server.server_address[1])
        server.shutdown()
        thread.join(5)
