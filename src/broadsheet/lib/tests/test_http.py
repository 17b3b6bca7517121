import gzip
import ssl
import subprocess
import time
from collections.abc import Iterator
from datetime import timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest

from broadsheet import __version__
from broadsheet.lib.addresses import is_public
from broadsheet.lib.http import Http, HttpError, group_of, read_url
from broadsheet.lib.tests.loopback import FakeTime, Loopback, fake_http, playing


@pytest.fixture
def server() -> Iterator[Loopback]:
    with playing() as loopback:
        yield loopback


@pytest.fixture
def fake_time() -> FakeTime:
    return FakeTime()


@pytest.fixture
def http(tmp_path: Path, fake_time: FakeTime) -> Http:
    return fake_http(tmp_path / "turns", fake_time)


def test_it_gives_status_headers_and_body(http: Http, server: Loopback) -> None:
    server.answer("/paper", "text", ETag='"1"')

    response = http.get(f"{server.base}/paper")

    assert (response.status, response.body, response.headers["etag"]) == (200, b"text", '"1"')
    assert response.url == f"{server.base}/paper"


def test_it_says_who_it_is(http: Http, server: Loopback) -> None:
    server.answer("/paper")

    http.get(f"{server.base}/paper", headers={"Accept": "text/xml"})

    headers = server.asked[0].headers
    assert headers["User-Agent"] == f"Broadsheet/{__version__} (+editor@paper.example)"
    assert headers["Accept"] == "text/xml"
    assert headers["Host"] == f"127.0.0.1:{server.port}"


def test_a_contact_that_would_split_the_header_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="contact"):
        Http("a@b.example\r\nX: y", {}, tmp_path)


def test_a_condition_that_holds_gives_304_without_a_body(http: Http, server: Loopback) -> None:
    server.answer("/feed", status=304)

    response = http.get(f"{server.base}/feed", etag='"7"', last_modified="Fri, 20 Nov 2026 05:00:00 GMT")

    assert (response.status, response.body) == (304, b"")
    assert server.asked[0].headers["If-None-Match"] == '"7"'
    assert server.asked[0].headers["If-Modified-Since"] == "Fri, 20 Nov 2026 05:00:00 GMT"


def test_retry_after_in_seconds_is_obeyed(http: Http, server: Loopback, fake_time: FakeTime) -> None:
    server.answer("/paper", status=429, Retry_After="17")
    server.answer("/paper", "text")

    assert http.get(f"{server.base}/paper").body == b"text"
    assert fake_time.slept == [17.0]


def test_retry_after_as_a_date_is_obeyed(http: Http, server: Loopback, fake_time: FakeTime) -> None:
    server.answer(
        "/paper", status=503, Retry_After=format_datetime(fake_time.now() + timedelta(seconds=40), usegmt=True)
    )
    server.answer("/paper", "text")

    assert http.get(f"{server.base}/paper").body == b"text"
    assert fake_time.slept == [40.0]


@pytest.mark.parametrize("nonsense", ["soon", "-5", "", "1e9", "Fri, 99 Nov 9999 99:99:99 GMT"])
def test_a_retry_after_without_sense_is_a_backoff(
    nonsense: str, http: Http, server: Loopback, fake_time: FakeTime
) -> None:
    server.answer("/paper", status=429, Retry_After=nonsense)
    server.answer("/paper", "text")

    assert http.get(f"{server.base}/paper").body == b"text"
    assert fake_time.slept == [2.0]


def test_a_wait_beyond_our_patience_is_not_begun(http: Http, server: Loopback, fake_time: FakeTime) -> None:
    server.answer("/paper", status=429, Retry_After="7200")

    with pytest.raises(HttpError, match="asks to wait 7200 s") as caught:
        http.get(f"{server.base}/paper")

    assert (caught.value.status, caught.value.permanent, caught.value.retry_after) == (429, False, 7200.0)
    assert fake_time.slept == []


def test_the_next_request_knows_of_the_wait_that_was_asked_for(
    tmp_path: Path, http: Http, server: Loopback, fake_time: FakeTime
) -> None:
    server.answer("/paper", status=429, Retry_After="7200")
    with pytest.raises(HttpError):
        http.get(f"{server.base}/paper")

    other_process = fake_http(tmp_path / "turns", fake_time)
    with pytest.raises(HttpError, match="was not asked"):
        other_process.get(f"{server.base}/another")

    assert len(server.asked) == 1


def test_server_errors_are_tried_again_with_growing_waits_and_given_up(
    http: Http, server: Loopback, fake_time: FakeTime
) -> None:
    server.answer("/paper", status=502)

    with pytest.raises(HttpError, match="answered 502 Bad Gateway") as caught:
        http.get(f"{server.base}/paper")

    assert not caught.value.permanent
    assert fake_time.slept == [2.0, 4.0, 8.0, 16.0]
    assert len(server.asked) == 5


def test_the_wait_is_jittered_over_its_whole_length(tmp_path: Path, fake_time: FakeTime) -> None:
    shortest = fake_http(tmp_path, fake_time, random=lambda: 0.0)
    longest = fake_http(tmp_path, fake_time, random=lambda: 1.0)

    assert [shortest.backoff(n) for n in range(3)] == [0.0, 0.0, 0.0]
    assert [longest.backoff(n) for n in (0, 1, 5, 6, 60)] == [2.0, 4.0, 64.0, 120.0, 120.0]


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410])
def test_other_client_errors_stop_at_once(status: int, http: Http, server: Loopback) -> None:
    server.answer("/paper", status=status)

    with pytest.raises(HttpError) as caught:
        http.get(f"{server.base}/paper")

    assert (caught.value.status, caught.value.permanent, len(server.asked)) == (status, True, 1)


def test_an_error_status_that_the_caller_reads_is_given(http: Http, server: Loopback) -> None:
    server.answer("/api", "<feed/>", status=400)

    assert http.get(f"{server.base}/api", accept={400}).body == b"<feed/>"


def test_a_body_that_ends_early_is_tried_again(http: Http, server: Loopback) -> None:
    server.answer("/paper", "half a te", cut=True)
    server.answer("/paper", "whole text")

    assert http.get(f"{server.base}/paper").body == b"whole text"


def test_nobody_listening_is_not_permanent(http: Http) -> None:
    with pytest.raises(HttpError) as caught:
        http.get("http://127.0.0.1:1/")

    assert (caught.value.permanent, caught.value.status) == (False, 0)


def test_a_body_over_the_cap_is_refused(http: Http, server: Loopback) -> None:
    server.answer("/paper", b"x" * 2000)

    with pytest.raises(HttpError, match="larger than 1,999 bytes") as caught:
        http.get(f"{server.base}/paper", max_bytes=1999)

    assert caught.value.permanent
    assert http.get(f"{server.base}/paper", max_bytes=2000).body == b"x" * 2000


def test_a_compressed_body_is_capped_by_what_it_unpacks_to(http: Http, server: Loopback) -> None:
    server.answer("/small", gzip.compress(b"a fine text"), Content_Encoding="gzip")
    server.answer("/bomb", gzip.compress(bytes(50_000_000)), Content_Encoding="gzip")

    assert http.get(f"{server.base}/small").body == b"a fine text"
    with pytest.raises(HttpError, match="larger than"):
        http.get(f"{server.base}/bomb", max_bytes=1_000_000)


def test_a_body_that_is_not_compressed_as_it_says_is_an_error(http: Http, server: Loopback) -> None:
    server.answer("/paper", b"plain", Content_Encoding="gzip")

    with pytest.raises(HttpError):
        http.get(f"{server.base}/paper")


def test_a_server_that_drips_is_cut_off(tmp_path: Path, fake_time: FakeTime, server: Loopback) -> None:
    server.answer("/paper", b"x" * 1000, drip=0.02)
    http = fake_http(tmp_path, fake_time, tries=1)
    begun = time.monotonic()

    with pytest.raises(HttpError, match=r"took longer than 0.2 s"):
        http.get(f"{server.base}/paper", timeout=0.2)

    assert time.monotonic() - begun < 3


def test_redirects_are_followed(http: Http, server: Loopback) -> None:
    server.answer("/old", status=301, Location="/new?x=1")
    server.answer("/new?x=1", "here")

    response = http.get(f"{server.base}/old")

    assert (response.body, response.url) == (b"here", f"{server.base}/new?x=1")


def test_a_circle_of_redirects_ends(http: Http, server: Loopback) -> None:
    server.answer("/round", status=302, Location="/round")

    with pytest.raises(HttpError, match="more than 5 redirects") as caught:
        http.get(f"{server.base}/round")

    assert (caught.value.permanent, len(server.asked)) == (True, 6)


@pytest.mark.parametrize(
    "location", ["file:///etc/passwd", "gopher://x.example/", "http://[::1", "http://u:p@x.example/"]
)
def test_a_redirect_to_no_web_address_is_refused(location: str, http: Http, server: Loopback) -> None:
    server.answer("/paper", status=302, Location=location)

    with pytest.raises(HttpError) as caught:
        http.get(f"{server.base}/paper")

    assert caught.value.permanent


def test_a_redirect_to_another_host_must_not_lead_inside(tmp_path: Path, fake_time: FakeTime, server: Loopback) -> None:
    server.answer("/paper", status=302, Location=f"http://127.0.0.1:{server.port}/inside")
    server.answer("/inside", "secret")
    http = fake_http(tmp_path, fake_time, resolve=lambda host, port: ["127.0.0.1"])

    with pytest.raises(HttpError):
        http.get(f"http://papers.example:{server.port}/paper")

    assert [asked.path for asked in server.asked] == ["/paper"]


def test_a_redirect_to_another_host_takes_no_key_along(tmp_path: Path, fake_time: FakeTime, server: Loopback) -> None:
    server.answer("/paper", status=302, Location=f"http://mirror.example:{server.port}/there")
    server.answer("/there", "text")
    http = fake_http(
        tmp_path, fake_time, resolve=lambda host, port: ["127.0.0.1"], allow_private=frozenset({"mirror.example"})
    )

    http.get(f"http://papers.example:{server.port}/paper", headers={"Authorization": "Bearer k", "Accept": "a/b"})

    assert server.asked[0].headers["Authorization"] == "Bearer k"
    assert "Authorization" not in server.asked[1].headers
    assert server.asked[1].headers["Accept"] == "a/b"
    assert server.asked[1].headers["Host"] == f"mirror.example:{server.port}"


def test_private_addresses_are_not_asked_for_users(http: Http, server: Loopback) -> None:
    server.answer("/admin", "secret")

    with pytest.raises(HttpError) as caught:
        http.get(f"{server.base}/admin", public_only=True)

    assert caught.value.permanent
    assert server.asked == []


def test_a_private_host_may_be_allowed(tmp_path: Path, fake_time: FakeTime, server: Loopback) -> None:
    server.answer("/paper", "text")
    http = fake_http(tmp_path, fake_time, allow_private=frozenset({"127.0.0.1"}))

    assert http.get(f"{server.base}/paper", public_only=True).body == b"text"


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "0.0.0.0", "100.64.0.1", "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255", "192.0.2.1", "::1", "::", "fe80::1", "fe80::1%1", "fc00::1", "fec0::1",
        "ff02::1",
        "::ffff:127.0.0.1", "::ffff:10.0.0.1", "2002:7f00:1::", "64:ff9b::7f00:1", "64:ff9b:1::1", "2001:db8::1",
        "name",
    ],
)  # fmt: skip
def test_addresses_that_are_not_of_the_open_internet(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize(
    "address", ["93.184.216.34", "2606:2800:220:1::1", "::ffff:93.184.216.34", "64:ff9b::5db8:d822"]
)
def test_addresses_of_the_open_internet(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "address", ["http://2130706433/", "http://0x7f.1/", "http://localhost/", "http://[::1]/", "http://[::ffff:7f00:1]/"]
)
def test_other_spellings_of_loopback_are_seen_through(address: str, tmp_path: Path, fake_time: FakeTime) -> None:
    http = fake_http(tmp_path, fake_time, tries=1)

    with pytest.raises(HttpError):
        http.get(address, public_only=True)


def test_one_private_address_among_public_ones_is_enough_to_refuse(tmp_path: Path, fake_time: FakeTime) -> None:
    http = fake_http(tmp_path, fake_time, resolve=lambda host, port: ["93.184.216.34", "10.0.0.1"])

    with pytest.raises(HttpError, match="not a public address"):
        http.get("http://both.example/", public_only=True)


def test_only_the_usual_ports_are_asked_for_users(tmp_path: Path, fake_time: FakeTime) -> None:
    http = fake_http(tmp_path, fake_time, resolve=lambda host, port: ["93.184.216.34"])

    with pytest.raises(HttpError, match="port 6379"):
        http.get("http://public.example:6379/", public_only=True)


def test_the_name_is_looked_up_once_and_that_address_is_connected_to(
    tmp_path: Path, fake_time: FakeTime, server: Loopback
) -> None:
    server.answer("/paper", "text")
    answers = iter([["127.0.0.1"], ["10.255.255.1"]])
    http = fake_http(tmp_path, fake_time, resolve=lambda host, port: next(answers))

    assert http.get(f"http://rebinding.example:{server.port}/paper").body == b"text"
    assert server.asked[0].headers["Host"] == f"rebinding.example:{server.port}"


def test_the_next_address_is_tried_where_the_first_is_dead(
    tmp_path: Path, fake_time: FakeTime, server: Loopback
) -> None:
    server.answer("/paper", "text")
    http = fake_http(tmp_path, fake_time, resolve=lambda host, port: ["127.0.0.2", "127.0.0.1"])

    assert http.get(f"http://two.example:{server.port}/paper").body == b"text"


@pytest.mark.parametrize(
    "url", ["ftp://x.example/", "//x.example", "x.example", "", "http://", "http://u:p@x.example/"]
)
def test_what_is_no_web_address_is_refused(url: str) -> None:
    with pytest.raises(HttpError) as caught:
        read_url(url)

    assert caught.value.permanent


def test_all_of_arxiv_is_one_group() -> None:
    hosts = ["arxiv.org", "export.arxiv.org", "oaipmh.arxiv.org", "RSS.arxiv.org", "arxiv.org."]

    assert {group_of(host, {"export.arxiv.org": 1.0}) for host in hosts} == {"arxiv.org"}
    assert group_of("notarxiv.org", {}) != "arxiv.org"
    assert group_of("api.example", {"api.example": 5.0}) == "api.example"


def test_arxiv_is_asked_every_three_seconds_over_all_of_its_hosts(
    tmp_path: Path, fake_time: FakeTime, server: Loopback
) -> None:
    server.answer("/", "text")
    http = fake_http(
        tmp_path, fake_time, limits={"export.arxiv.org": 0.5}, resolve=lambda host, port: ["127.0.0.1"], tries=1
    )

    for host in ("export.arxiv.org", "oaipmh.arxiv.org", "rss.arxiv.org"):
        http.get(f"http://{host}:{server.port}/")

    assert fake_time.slept == [3.0, 3.0]


def test_after_a_403_arxiv_is_left_alone(tmp_path: Path, fake_time: FakeTime, server: Loopback) -> None:
    server.answer("/", "no", status=403)
    http = fake_http(tmp_path, fake_time, limits={}, resolve=lambda host, port: ["127.0.0.1"])

    with pytest.raises(HttpError, match="403"):
        http.get(f"http://export.arxiv.org:{server.port}/")
    with pytest.raises(HttpError, match="was not asked"):
        http.get(f"http://rss.arxiv.org:{server.port}/")

    assert len(server.asked) == 1


def certificate(folder: Path, host: str) -> tuple[Path, Path]:
    cert, key = folder / "cert.pem", folder / "key.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
        + ["-subj", f"/CN={host}", "-addext", f"subjectAltName=DNS:{host}", "-out", cert, "-keyout", key],
        check=True,
        capture_output=True,
    )
    return cert, key


def test_https_checks_the_name_and_not_the_address(tmp_path: Path, fake_time: FakeTime, server: Loopback) -> None:
    cert, key = certificate(tmp_path, "papers.example")
    served = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    served.load_cert_chain(cert, key)
    names: list[str | None] = []
    served.sni_callback = lambda sock, name, context: names.append(name)
    server.server.socket = served.wrap_socket(server.server.socket, server_side=True)
    server.answer("/paper", "text")
    trusted = ssl.create_default_context(cafile=cert)
    http = fake_http(tmp_path / "turns", fake_time, resolve=lambda host, port: ["127.0.0.1"], tls=trusted)

    assert http.get(f"https://papers.example:{server.port}/paper").body == b"text"
    with pytest.raises(HttpError, match="no valid certificate") as caught:
        http.get(f"https://other.example:{server.port}/paper")

    assert caught.value.permanent
    assert names == ["papers.example", "other.example"]


def test_a_request_whose_turn_cannot_be_noted_is_not_sent(
    tmp_path: Path, fake_time: FakeTime, server: Loopback
) -> None:
    server.answer("/paper", "text")
    (tmp_path / "limits").write_text("a file where the folder should be, as good as a disk that is full")
    with pytest.raises(HttpError, match=r"was not asked, as .*limits cannot be written") as caught:
        fake_http(tmp_path / "limits", fake_time, tries=1).get(f"http://127.0.0.1:{server.port}/paper")
    assert not caught.value.permanent and server.asked == []
