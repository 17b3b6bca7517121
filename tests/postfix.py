"""A Postfix of our own on loopback: its folders, its queue and its log are a test's, and nothing of it stays behind."""

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from broadsheet.mail.tests.sink import sink_process

DAEMONS = Path("/usr/lib/postfix/sbin")
SERVICES = """\
127.0.0.1:{port} inet n - n - - smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
error unix - - n - - error
retry unix - - n - - error
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
"""
# Everything goes on to one place, and nothing is asked of the network.
RULES = """\
compatibility_level = 3.6
queue_directory = {folder}/spool
data_directory = {folder}/data
command_directory = /usr/sbin
daemon_directory = {daemons}
mail_owner = postfix
setgid_group = postdrop
maillog_file = {folder}/mail.log
maillog_file_prefixes = {folder}
myhostname = mx.lab.example
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mydestination =
alias_maps =
local_recipient_maps =
local_transport = error:nobody lives here
mynetworks = 127.0.0.0/8
smtpd_relay_restrictions = permit_mynetworks, reject
smtpd_recipient_restrictions = check_recipient_access inline:{{ {refused} }}
disable_dns_lookups = yes
smtp_dns_support_level = disabled
# The sink that mails go on to looks for the end of a message at the end of what came.
smtp_discard_ehlo_keywords = pipelining, chunking
smtp_tls_security_level = none
relayhost = [127.0.0.1]:{relay}
maximal_queue_lifetime = 1h
"""


@dataclass(frozen=True)
class Postfix:
    """A server that runs.

    url: for the setting `mail_url`; log: for `mail_log`. arrived: the log of the place that everything goes on to.
    """

    url: str
    log: Path
    arrived: Path

    def delivered(self) -> list[tuple[str, str]]:
        """Message-ID and recipient of what arrived beyond the server, in order."""
        if not self.arrived.exists():
            return []
        return [(line.partition("\t")[0], line.partition("\t")[2]) for line in self.arrived.read_text().splitlines()]

    def wait_for(self, count: int, seconds: float = 60) -> list[tuple[str, str]]:
        """Wait until so many mails arrived."""
        until = time.monotonic() + seconds
        while len(found := self.delivered()) < count and time.monotonic() < until:
            time.sleep(0.05)
        return found


@contextmanager
def postfix(*, refused: str = "nobody@lab.example") -> Iterator[Postfix]:
    """Run a server that says 550 5.1.1 to one address and takes mail for all others; skips where there is none."""
    if not (DAEMONS / "master").exists() or not shutil.which("postfix"):
        pytest.skip("no Postfix is installed; on Debian: apt-get install postfix")
    if os.geteuid() != 0:
        pytest.skip("Postfix begins as root only")
    # The server's own user has to get in, and pytest's folders are closed to others.
    with tempfile.TemporaryDirectory(prefix="broadsheet-postfix-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o755)
        with sink_process(folder / "arrived") as relay:
            port = free_port()
            configure(folder, port, relay, refused)
            with running(folder, port):
                yield Postfix(f"smtp://127.0.0.1:{port}", folder / "mail.log", folder / "arrived")


def configure(folder: Path, port: int, relay: int, refused: str) -> None:
    for part in ("conf", "spool", "data"):
        (folder / part).mkdir()
    shutil.chown(folder / "data", "postfix")
    rule = f"{refused} = 550 5.1.1 <{refused}>: Recipient address rejected: User unknown"
    values = {"folder": folder, "daemons": DAEMONS, "relay": relay, "refused": f"{{ {rule} }}"}
    (folder / "conf/main.cf").write_text(RULES.format(**values))
    (folder / "conf/master.cf").write_text(SERVICES.format(port=port))


@contextmanager
def running(folder: Path, port: int) -> Iterator[None]:
    command = ["postfix", "-c", str(folder / "conf")]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with subprocess.Popen([*command, "start-fg"], **quiet) as process:  # type: ignore[call-overload]
        try:
            assert answers(port), (folder / "mail.log").read_text() if (folder / "mail.log").exists() else "no log"
            yield
        finally:
            subprocess.run([*command, "stop"], check=False, **quiet)  # type: ignore[call-overload]
            process.terminate()
            process.wait(20)


def answers(port: int, seconds: float = 60) -> bool:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            with closing(socket.create_connection(("127.0.0.1", port), timeout=5)) as connected:
                return connected.recv(100).startswith(b"220")
        except (ConnectionError, TimeoutError):
            time.sleep(0.05)
    return False


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
