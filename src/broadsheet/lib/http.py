"""The one door to the network: polite, bounded in size and time, shut to private addresses where users give the URL."""

import http.client
import random as chance
import re
import socket
import ssl
import threading
import time
import zlib
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache
from pathlib import Path
from urllib.parse import urljoin

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError, LocationParseError
from urllib3.response import HTTPResponse
from urllib3.util import Url, parse_url

from broadsheet import __version__
from broadsheet.lib.addresses import Resolve, is_public, resolve
from broadsheet.lib.clock import Clock, now
from broadsheet.lib.limiter import Limiter

ARXIV = "arxiv.org"
# Terms of Use for arXiv APIs: one request every three seconds over all of its interfaces, one connection at a time.
ARXIV_SECONDS = 3.0
# The same terms take requests that go on after a 403 for an attack.
REFUSED_SECONDS = 3600.0
OTHER_SECONDS = 1.0
OTHER_GROUPS = 64
DEFAULT_PORTS = {"http": 80, "https": 443}
REDIRECTS = (301, 302, 303, 307, 308)
MAX_REDIRECTS = 5
AGAIN = frozenset({408, 425, 429, *range(500, 600)} - {501, 505, 511})
MAX_BYTES = 32 * 2**20
# Of what is said to a POST only the status and a sentence are of use.
MAX_ANSWER = 2**18
CHUNK = 2**16
BACKOFF_BASE = 2.0
BACKOFF_CAP = 120.0


class HttpError(Exception):
    """A request that brought no answer we can use.

    status: of the answer, 0 where none came. permanent: trying again cannot help.
    retry_after: seconds the server asked us to wait, None where it did not say.
    """

    def __init__(
        self, message: str, status: int = 0, permanent: bool = False, retry_after: float | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.permanent = permanent
        self.retry_after = retry_after


@dataclass(frozen=True, slots=True)
class Response:
    """An answer read to its end: header names in lower case, the body decoded from its compression, the last URL."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    url: str


@dataclass(frozen=True, slots=True)
class Request:
    """One request to be sent, its URL read and its limits set. body: None for a GET, else what a POST carries."""

    url: Url
    headers: Mapping[str, str]
    max_bytes: int
    timeout: float
    public_only: bool
    accept: Collection[int]
    body: bytes | None = None

    @property
    def method(self) -> str:
        """GET, or POST where there is a body."""
        return "GET" if self.body is None else "POST"

    @property
    def host(self) -> str:
        """The host without the brackets of an IPv6 address."""
        return (self.url.host or "").strip("[]")

    @property
    def port(self) -> int:
        """The port, named or the scheme's own."""
        return self.url.port or DEFAULT_PORTS[self.url.scheme or "http"]

    @property
    def name(self) -> str:
        """The URL without its query, to name it in a message."""
        return f"{self.url.scheme}://{self.url.netloc}{self.url.path or '/'}"


@lru_cache(maxsize=1)
def trusting() -> ssl.SSLContext:
    """Give the context that trusts what this machine trusts; reading its certificates takes 20 ms."""
    return ssl.create_default_context()


@dataclass(frozen=True)
class Http:
    """Sends requests for everyone in this machine's Broadsheet.

    contact: address of the operator, in the User-Agent.
    limits: seconds between two requests, by host; arXiv's hosts are one group, never faster than its terms allow.
    state_dir: where the turns of all processes are kept.
    allow_private: hosts that may be reached although their addresses are private.
    tries: how often one request is sent at most. patience: seconds of waiting that one `get` may take.
    resolve, tls, clock, sleep and random are there to be replaced.
    """

    contact: str
    limits: Mapping[str, float]
    state_dir: Path
    allow_private: frozenset[str] = frozenset()
    tries: int = 5
    patience: float = 600.0
    clock: Clock = now
    sleep: Callable[[float], None] = time.sleep
    random: Callable[[], float] = chance.random
    resolve: Resolve = resolve
    tls: ssl.SSLContext = field(default_factory=trusting)

    def __post_init__(self) -> None:
        if not self.contact.isprintable() or not self.contact.isascii():
            raise ValueError(f"the contact {self.contact!r} does not fit into a header: use plain ASCII on one line")

    @property
    def user_agent(self) -> str:
        """Who we say we are: product, version and the operator to write to."""
        return f"Broadsheet/{__version__} (+{self.contact})"

    def get(
        self,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        etag: str = "",
        last_modified: str = "",
        max_bytes: int = MAX_BYTES,
        timeout: float = 60.0,
        public_only: bool = False,
        accept: Collection[int] = (),
    ) -> Response:
        """Fetch a URL and give an answer of status 2xx, 304 (`etag` or `last_modified` still hold) or one of `accept`.

        max_bytes: most bytes of the body, decompressed. timeout: seconds for one try, from connecting to the last byte.
        public_only: for URLs that users give; only public addresses and the usual ports are reached.
        Time-outs, broken connections, 408, 425, 429 and 5xx are tried again, after Retry-After or a backoff with full
        jitter (https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/), within `tries` and
        `patience`. Raises HttpError.
        """
        conditions = {"If-None-Match": etag, "If-Modified-Since": last_modified}
        wanted = {
            "Accept-Encoding": "gzip, deflate",
            **(headers or {}),
            **{name: value for name, value in conditions.items() if value and value.isascii() and value.isprintable()},
        }
        request = Request(read_url(url), wanted, max_bytes, timeout, public_only, accept)
        waited = 0.0
        for attempt in range(self.tries):
            try:
                return self._follow(request)
            except HttpError as error:
                wait = self.backoff(attempt) if error.retry_after is None else error.retry_after
                if error.permanent or attempt + 1 == self.tries or waited + wait > self.patience:
                    raise
                self.sleep(wait)
                waited += wait
        raise ValueError("tries must be at least 1")

    def post(
        self,
        url: str,
        *,
        body: bytes,
        headers: Mapping[str, str] | None = None,
        max_bytes: int = MAX_ANSWER,
        timeout: float = 20.0,
        public_only: bool = False,
        accept: Collection[int] = (),
    ) -> Response:
        """Send a body to a URL, once, and give an answer of status 2xx or one of `accept`.

        Tries and their distance are the caller's: what was sent may have arrived although no answer came, so nothing
        is sent again here, no redirect is followed (it raises HttpError with its status), and no turn is waited for.
        The other terms are those of `get`. Raises HttpError.
        """
        sent = {"Accept-Encoding": "gzip, deflate", **(headers or {})}
        request = Request(read_url(url), sent, max_bytes, timeout, public_only, accept, body)
        return _judged(request, self._send(request, self._addresses(request)), self.clock())

    def backoff(self, attempt: int) -> float:
        """Choose how many seconds to wait after failed attempt number `attempt`, counted from 0."""
        return self.random() * min(BACKOFF_CAP, BACKOFF_BASE * 2.0**attempt)

    def pause(self, attempt: int) -> None:
        """Wait as after a failed attempt, for callers who found an answer unreadable and want to ask again."""
        self.sleep(self.backoff(attempt))

    def _follow(self, request: Request) -> Response:
        for _ in range(MAX_REDIRECTS + 1):
            response = self._in_turn(request)
            location = response.headers.get("location")
            if response.status not in REDIRECTS or not location:
                return _judged(request, response, self.clock())
            request = _moved(request, location)
        raise HttpError(f"{request.name} is the end of more than {MAX_REDIRECTS} redirects", permanent=True)

    def _in_turn(self, request: Request) -> Response:
        group = group_of(request.host, self.limits)
        limiter = Limiter(self.state_dir, self.clock, self.sleep)
        addresses = self._addresses(request)
        try:
            with limiter.turn(group, self._seconds(group), self.patience) as turn:
                response = self._send(request, addresses)
                if response.status in (429, 503):
                    turn.hold(max(_retry_after(response, self.clock()) or 0.0, self._seconds(group)))
                elif response.status == 403 and group == ARXIV:
                    turn.hold(REFUSED_SECONDS)
                return response
        except TimeoutError as error:
            raise HttpError(f"{request.name} was not asked: {error}", retry_after=self.patience + 1) from error
        except OSError as error:
            # As on a disk that is full: without the turn's file nobody knows when the next may be sent.
            raise HttpError(f"{request.name} was not asked, as {self.state_dir} cannot be written: {error}") from error

    def _seconds(self, group: str) -> float:
        ours = [seconds for host, seconds in self.limits.items() if group_of(host, self.limits) == group]
        return max(ours, default=OTHER_SECONDS) if group != ARXIV else max([ARXIV_SECONDS, *ours])

    def _addresses(self, request: Request) -> list[str]:
        """Look the host up once. What is checked here is what is connected to, so a second look-up cannot differ."""
        try:
            addresses = self.resolve(request.host, request.port)
        except (OSError, UnicodeError) as error:
            raise HttpError(f"{request.host} has no address: {error}") from error
        if request.public_only and request.host not in self.allow_private:
            if request.port not in DEFAULT_PORTS.values():
                raise HttpError(f"{request.name} is at port {request.port}: only 80 and 443 are asked", permanent=True)
            if not addresses or not all(map(is_public, addresses)):
                raise HttpError(f"{request.host} is not a public address, so it is not asked", permanent=True)
        return addresses

    def _send(self, request: Request, addresses: list[str]) -> Response:
        try:
            return self._exchange(request, addresses)
        except ssl.SSLCertVerificationError as error:
            reason = error.verify_message
            raise HttpError(f"{request.host} has no valid certificate: {reason}", permanent=True) from error
        except (HTTPError, http.client.HTTPException, OSError, zlib.error) as error:
            raise HttpError(f"{request.name} did not answer as it should: {type(error).__name__}: {error}") from error

    def _exchange(self, request: Request, addresses: list[str]) -> Response:
        until = time.monotonic() + request.timeout
        connection = self._connect(request, addresses, until)
        try:
            with _cut_off(connection, until) as late:
                headers = {"User-Agent": self.user_agent, **request.headers, "Host": request.url.netloc or ""}
                connection.request(
                    request.method, request.url.request_uri, request.body, headers=headers, preload_content=False
                )
                answer = connection.getresponse()
                body = _read(request, answer, until)
        except (HTTPError, http.client.HTTPException, OSError):
            if time.monotonic() > until:
                raise _too_late(request) from None
            raise
        finally:
            connection.close()
        if late.is_set():
            raise _too_late(request)
        return Response(
            answer.status, {name.lower(): value for name, value in answer.headers.items()}, body, request.url.url
        )

    def _connect(self, request: Request, addresses: list[str], until: float) -> HTTPConnection:
        for address in addresses:
            timeout = min(15.0, max(until - time.monotonic(), 0.1))
            if request.url.scheme == "https":
                connection: HTTPConnection = HTTPSConnection(
                    address, request.port, timeout=timeout, server_hostname=request.host, ssl_context=self.tls
                )
            else:
                connection = HTTPConnection(address, request.port, timeout=timeout)
            try:
                connection.connect()
            except (HTTPError, OSError) as error:
                connection.close()
                if address == addresses[-1]:
                    raise
                del error
            else:
                connection.timeout = request.timeout
                return connection
        raise HttpError(f"{request.host} has no address")


def read_url(url: str) -> Url:
    """Read an address that can be asked for: http or https, a host, no name and password in it. Raises HttpError."""
    try:
        parts = parse_url(url)
    except LocationParseError as error:
        raise HttpError(f"{url!r} is not an address: {error}", permanent=True) from error
    if parts.scheme not in DEFAULT_PORTS or not parts.host:
        raise HttpError(f"{url!r} is not an http or https address", permanent=True)
    if parts.auth:
        raise HttpError(f"the address of {parts.host} holds a name or password", permanent=True)
    return parts._replace(fragment=None)


def group_of(host: str, limits: Mapping[str, float]) -> str:
    """Tell which hosts count as one: all of arXiv's, each host that has a limit of its own, and shares of the rest.

    The rest is shared out over a few groups, so that the addresses users give cannot fill the state folder.
    """
    host = host.lower().rstrip(".")
    if host == ARXIV or host.endswith(f".{ARXIV}"):
        return ARXIV
    return host if host in limits else f"other-{zlib.crc32(host.encode()) % OTHER_GROUPS}"


def _moved(request: Request, location: str) -> Request:
    try:
        url = read_url(urljoin(request.url.url, location))
    except ValueError as error:
        raise HttpError(f"{request.name} redirects to {location!r}, no address", permanent=True) from error
    if request.url.scheme == "https" and url.scheme == "http":
        raise HttpError(f"{request.name} redirects from https to http, which is not followed", permanent=True)
    if (url.scheme, url.host, url.port) == (request.url.scheme, request.url.host, request.url.port):
        return replace(request, url=url)
    # Keys and tokens are meant for the host they were given for; and a redirect is not the operator's word.
    safe = {name: value for name, value in request.headers.items() if name.lower().startswith(("accept", "if-"))}
    return replace(request, url=url, headers=safe, public_only=request.public_only or url.host != request.url.host)


def _judged(request: Request, response: Response, moment: datetime) -> Response:
    status = response.status
    if 200 <= status < 300 or status == 304 and request.body is None or status in request.accept:
        return response
    wait = _retry_after(response, moment)
    more = f" and asks to wait {wait:.0f} s" if wait else ""
    message = f"{request.name} answered {status} {http.client.responses.get(status, '')}".rstrip() + more
    raise HttpError(message, status, permanent=status not in AGAIN, retry_after=wait if status in AGAIN else None)


def _retry_after(response: Response, moment: datetime) -> float | None:
    """Read Retry-After (RFC 9110 section 10.2.3): seconds or a date; None where it is missing or makes no sense."""
    text = response.headers.get("retry-after", "").strip()
    if re.fullmatch(r"\d{1,9}", text, re.ASCII):
        return float(text)
    try:
        then = parsedate_to_datetime(text)
        then = then if then.tzinfo else then.replace(tzinfo=UTC)
        return max((then - moment).total_seconds(), 0.0)
    except (ValueError, TypeError, OverflowError, IndexError):
        return None


@contextmanager
def _cut_off(connection: HTTPConnection, until: float) -> Iterator[threading.Event]:
    """Shut a connection down at `until`: socket time-outs start anew with every byte that drips in, this does not."""
    late = threading.Event()

    def shut() -> None:
        late.set()
        # urllib3 types the socket as never missing, but closing takes it away.
        sock: socket.socket | None = connection.sock
        if sock is not None:
            with suppress(OSError):  # the other side may have been faster
                sock.shutdown(socket.SHUT_RDWR)

    timer = threading.Timer(max(until - time.monotonic(), 0.0), shut)
    timer.daemon = True
    timer.start()
    try:
        yield late
    finally:
        timer.cancel()


def _read(request: Request, answer: HTTPResponse, until: float) -> bytes:
    body = bytearray()
    while chunk := answer.read1(CHUNK, decode_content=True):
        body += chunk
        if len(body) > request.max_bytes:
            raise HttpError(f"{request.name} is larger than {request.max_bytes:,} bytes", permanent=True)
        if time.monotonic() > until:
            raise _too_late(request)
    return bytes(body)


def _too_late(request: Request) -> HttpError:
    return HttpError(f"{request.name} took longer than {request.timeout:g} s")
