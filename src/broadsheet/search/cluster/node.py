"""One host's part of a Ray cluster: started, joined and ended, with a token that every host of it knows.

Whoever reaches the ports of a Ray cluster and knows its token runs code on its hosts. So a node listens on loopback
unless it is told otherwise, and asks everyone for the token, which stays in the home and is never printed.
"""

import hashlib
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from broadsheet.lib import ports
from broadsheet.lib.files import write_whole
from broadsheet.lib.processes import end_with_parent
from broadsheet.search.cluster import ray_start

NAMESPACE: Final = "broadsheet"
PORT: Final = 6379
# Beside the head's own port, each node takes the two after it, and its actors and drivers one each of these: Ray's own
# choice, said here because docs/cluster.md names it.
WORKER_PORTS: Final = (10_002, 19_999)
LOOPBACK: Final = "127.0.0.1"
TOKEN: Final = "cluster-token"
LOG: Final = "cluster.log"
LONGEST_TOKEN: Final = 200
# Ray's own log and sockets live below this one: a socket's path has room for 107 signs, of which Ray takes about 70.
LONGEST_PLACE: Final = 36
STARTED: Final = "Ray runtime started."
OTHER_TOKEN: Final = ("AuthenticationError", "Unauthenticated", "InvalidAuthToken")
# Long enough for a disk that has just been started.
START: Final = 90.0
END: Final = 15.0
# How long nodes, actors and drivers go on without the head. Until then shards answer, and after it Ray ends them.
WITHOUT_HEAD: Final = 600
MISSING: Final = "Ray is not installed: pip install 'broadsheet[ray]'"

_connecting = threading.Lock()
_connected: list[tuple[str, Path]] = []


class ClusterError(Exception):
    """The cluster could not do what it was asked; the message is one line."""


@dataclass(frozen=True, slots=True)
class Node:
    """A node of a cluster. home: where its host keeps its data. address: host:port of the head."""

    home: Path
    address: str


@dataclass(frozen=True, slots=True)
class Started:
    """A node that runs, in processes of its own, as long as the one that started it."""

    node: Node
    process: "subprocess.Popen[bytes]"

    @property
    def address(self) -> str:
        """host:port of the head."""
        return self.node.address

    def alive(self) -> bool:
        """Tell whether it still runs."""
        return self.process.poll() is None

    def stop(self, patience: float = END) -> None:
        """End all of its processes: by asking, then by force."""
        if self.alive():
            self.process.terminate()
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(patience)
        self.kill()
        with suppress(ClusterError):
            shutil.rmtree(place(self.node.home).parent, ignore_errors=True)

    def kill(self) -> None:
        """End all of its processes as a power cut would."""
        for pid in self.processes():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait()

    def processes(self) -> list[int]:
        """Give the ids of its processes: those of its session. The actors among them are in groups of their own."""
        found = []
        for stat in Path("/proc").glob("[0-9]*/stat"):
            with suppress(OSError):
                # After the name, which may hold anything: state, parent, group, session.
                if int(stat.read_text().rpartition(")")[2].split()[3]) == self.process.pid:
                    found.append(int(stat.parent.name))
        return found


def require_ray() -> None:
    """Raise ClusterError, which tells how to get it, where Ray is not installed."""
    if find_spec("ray") is None:
        raise ClusterError(MISSING)


def token_file(home: Path) -> Path:
    """Tell where the token of the cluster is kept."""
    return home / TOKEN


def make_token(home: Path) -> Path:
    """Make the token where there is none yet, readable by its owner alone; give its file."""
    path = token_file(home)
    if not path.exists():
        write_whole(path, secrets.token_hex(32).encode(), mode=0o600)
    return checked_token(home)


def checked_token(home: Path) -> Path:
    """Give the file of the token. Raises ClusterError where it is missing, damaged, or open to others."""
    path = token_file(home)
    try:
        mode, token = path.stat().st_mode, path.read_text().strip()
    except FileNotFoundError:
        raise ClusterError(
            f"{path} is missing: copy {TOKEN} from the home of the cluster's head, readable by its owner alone"
        ) from None
    except (OSError, UnicodeDecodeError) as problem:
        raise ClusterError(f"{path} cannot be read: {type(problem).__name__}") from problem
    if mode & 0o077:
        raise ClusterError(f"{path} can be read by others: chmod 600 {path}")
    if not token.isalnum() or len(token) > LONGEST_TOKEN:
        raise ClusterError(f"{path} holds no token; copy it from the home of the cluster's head")
    return path


def environment(home: Path) -> dict[str, str]:
    """Give what Ray's processes of this home must find in their environment. Raises ClusterError without a token."""
    return {
        "BROADSHEET_HOME": str(home),
        "RAY_AUTH_MODE": "token",
        "RAY_AUTH_TOKEN_PATH": str(checked_token(home)),
        "RAY_USAGE_STATS_ENABLED": "0",
        "RAY_gcs_rpc_server_reconnect_timeout_s": str(WITHOUT_HEAD),
        # The head gives a node up after five seconds of silence, and its shards come up elsewhere.
        "RAY_health_check_initial_delay_ms": "2000",
        "RAY_health_check_period_ms": "1000",
        "RAY_health_check_timeout_ms": "5000",
        "RAY_health_check_failure_threshold": "5",
        # Nothing of a search waits for the end of a node: another replica answers.
        "RAY_GRACEFUL_SHUTDOWN_DRAIN_TIMEOUT_S": "0",
        # Else a process that was cut off starts a cluster of its own, without a token, and goes on alone.
        "RAY_ENABLE_AUTO_CONNECT": "0",
        # What runs on a node is the program that is installed there, not one that a driver sends.
        "RAY_ENABLE_UV_RUN_RUNTIME_ENV": "0",
    }


def place(home: Path) -> Path:
    """Give the folder for Ray's sockets and logs, which its owner alone reaches.

    Raises ClusterError where it is someone else's.
    """
    named = f"broadsheet-{hashlib.sha256(os.fsencode(home.resolve())).hexdigest()[:10]}"
    root = Path(tempfile.gettempdir())
    path = (root if len(str(root)) + len(named) < LONGEST_PLACE else Path("/tmp")) / named
    path.mkdir(mode=0o700, exist_ok=True)
    found = path.lstat()
    if path.is_symlink() or found.st_uid != os.geteuid() or found.st_mode & 0o077:
        raise ClusterError(f"{path} belongs to someone else: have it removed")
    # Ray opens its own folder to everyone; nobody else gets past the one around it.
    return path / "ray"


def split(address: str) -> tuple[str, int]:
    """Take host:port apart. Raises ClusterError for what is none."""
    host, _, port = address.rpartition(":")
    if not host or not port.isdigit() or not 0 < int(port) < 2**16:
        raise ClusterError(f"{address!r} is no address such as 192.0.2.1:{PORT}")
    return host.strip("[]"), int(port)


def address(host: str, port: int) -> str:
    """Write host and port as one."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def start_head(
    home: Path, *, host: str = LOOPBACK, port: int = PORT, cpus: int | None = None, memory_mb: int = 200
) -> Started:
    """Start a cluster whose head is this host; gives when it is ready. memory_mb: for Ray's store of objects.

    Raises ClusterError where it does not come up.
    """
    require_ray()
    _must_be_free(host, port)
    own = _own_ports(host, port)
    make_token(home)
    options = ["--head", f"--port={port}", f"--node-ip-address={host}", "--include-dashboard=false", "--no-monitor"]
    return _start(Node(home, address(host, port)), [*options, *own, f"--temp-dir={_emptied(home)}"], cpus, memory_mb)


def start_member(
    home: Path, address: str, *, host: str | None = None, cpus: int | None = None, memory_mb: int = 200
) -> Started:
    """Let this host join the cluster whose head is at an address; gives when it has joined.

    host: the address under which the others reach this host; found by itself, and loopback where the head is there.
    Raises ClusterError where it cannot join.
    """
    require_ray()
    must_answer(address)
    checked_token(home)
    head, port = split(address)
    host = host or (LOOPBACK if head in (LOOPBACK, "localhost") else None)
    options = [f"--address={address}", *_own_ports(host, port), f"--temp-dir={_emptied(home)}"]
    options += [f"--node-ip-address={host}"] if host else []
    return _start(Node(home, address), options, cpus, memory_mb)


def _own_ports(host: str | None, port: int) -> list[str]:
    """Say where a node listens beside the head's port: where a firewall can know it, but for nodes on one machine."""
    if host == LOOPBACK:
        return ["--min-worker-port=0", "--max-worker-port=0"]
    # Each node listens on all of its host's addresses.
    _must_be_free("0.0.0.0", port + 1, port + 2)
    of_node = [f"--node-manager-port={port + 1}", f"--object-manager-port={port + 2}"]
    return [*of_node, f"--min-worker-port={WORKER_PORTS[0]}", f"--max-worker-port={WORKER_PORTS[1]}"]


def _emptied(home: Path) -> Path:
    path = place(home)
    # What the node of before left; there is one at a time in a home.
    shutil.rmtree(path, ignore_errors=True)
    return path


def _must_be_free(host: str, *wanted: int) -> None:
    for port in wanted:
        try:
            ports.probe(host, port)
        except OSError as problem:
            raise ClusterError(f"cannot listen on {host} port {port}: {problem}") from problem


def must_answer(address: str, patience: float = 5.0) -> None:
    """Raise ClusterError where nothing answers at an address."""
    host, port = split(address)
    try:
        socket.create_connection((host, port), timeout=patience).close()
    except OSError as problem:
        raise ClusterError(f"nothing answers at {address}: {problem}; is the cluster's head up there?") from problem


def _start(node: Node, options: list[str], cpus: int | None, memory_mb: int) -> Started:
    command = [
        sys.executable,
        "-m",
        "broadsheet.search.cluster.ray_start",
        "start",
        *options,
        "--block",
        "--disable-usage-stats",
    ]
    command += [f"--object-store-memory={memory_mb * 2**20}", "--include-log-monitor=false"]
    command += [] if cpus is None else [f"--num-cpus={cpus}"]
    log = node.home / LOG
    with log.open("wb") as stream:
        process = subprocess.Popen(
            command,
            cwd=node.home,
            env={**os.environ, **environment(node.home)},
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=end_with_parent,
        )
    started = Started(node, process)
    try:
        _wait(started, START)
    except BaseException:
        started.stop()
        raise
    return started


def _wait(started: Started, patience: float) -> None:
    until, log = time.monotonic() + patience, started.node.home / LOG
    while STARTED not in (told := log.read_text(errors="replace")):
        if any(word in told for word in OTHER_TOKEN):
            # Ray itself tries for twenty seconds more.
            raise ClusterError(f"the head at {started.address} has another token: copy its {TOKEN}")
        if not started.alive():
            raise ClusterError(f"Ray did not start; {log} tells why")
        if time.monotonic() > until:
            raise ClusterError(f"Ray is not ready after {patience:.0f} s; see {log}")
        time.sleep(0.1)


def connect(address: str, home: Path) -> None:
    """Make this process a driver of the cluster, through the node of this home; again is nothing.

    Ray ends a driver whose node dies: a process that must go on asks through `gateway`. Raises ClusterError.
    """
    require_ray()
    with _connecting:
        if (address, home) in _connected:
            return
        must_answer(address)
        must_be_up(home)
        os.environ.update(environment(home))
        ray_start.keep_loopback()
        import ray

        try:
            ray.init(
                address=address,
                namespace=NAMESPACE,
                log_to_driver=False,
                configure_logging=False,
                _temp_dir=str(place(home)),
            )
        except (RuntimeError, ConnectionError, ValueError, ray.exceptions.RayError) as problem:
            first = (str(problem).strip().splitlines() or [type(problem).__name__])[0]
            raise ClusterError(f"cannot become part of the cluster at {address}: {first}") from problem
        _connected.append((address, home))


def must_be_up(home: Path) -> None:
    """Raise ClusterError where the node of a home is not up: Ray itself would wait half a minute for it."""
    if not _answers(str(place(home) / "session_latest" / "sockets" / "raylet")):
        raise ClusterError("this host's node is not up; `broadsheet cluster up` starts it")


def alive_here() -> bool:
    """Tell whether the node is alive through which this process is a driver."""
    import ray

    here = ray._private.worker.global_worker.node
    return here is not None and _answers(here.raylet_socket_name)


def _answers(path: str) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.settimeout(5)
            probe.connect(path)
        except TimeoutError:
            return True
        except OSError:
            return False
    return True


def disconnect() -> None:
    """Leave the cluster."""
    with _connecting:
        if _connected:
            import ray

            ray.shutdown()
            _connected.clear()
