"""Backups and snapshots in a server that speaks S3, on loopback."""

import importlib.util
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from broadsheet.lib.storage import Access, Storage, StorageFailed

pytestmark = pytest.mark.slow
MISSING = [name for name in ("s3fs", "moto", "flask") if importlib.util.find_spec(name) is None]
if MISSING:
    pytest.skip(f"needs {', '.join(MISSING)}: an S3 server for tests", allow_module_level=True)
SERVER = """
import sys
from moto.server import ThreadedMotoServer
server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
print(server.get_host_and_port()[1], flush=True)
sys.stdin.readline()
server.stop()
"""
BUCKET = """
import sys
import boto3
boto3.client("s3", endpoint_url=sys.argv[1], region_name="us-east-1").create_bucket(Bucket="lab")
"""
SIGNS_IN = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing-secret",
    "AWS_DEFAULT_REGION": "us-east-1",
}
RUN = "import sys; from broadsheet.cli import main; sys.exit(main())"


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    """A server of our own with one bucket, `lab`."""
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-c", SERVER], stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL) as server:
        assert server.stdin and server.stdout
        url = f"http://127.0.0.1:{int(server.stdout.readline())}"
        subprocess.run([sys.executable, "-c", BUCKET, url], env=os.environ | SIGNS_IN, check=True)
        yield url
        server.stdin.write(b"\n")
        server.stdin.close()


@pytest.fixture
def place(endpoint: str, request: Any) -> Storage:  # noqa: ANN401
    return Storage(f"s3://lab/{request.node.name}", Access(endpoint, "testing", "testing-secret"))


def test_what_is_written_is_read_listed_and_deleted(place: Storage) -> None:
    with place.below("a", "one").writing() as stream:
        stream.write(b"1" * 20_000_000)
    assert place.names() == ["a/one"]
    with place.below("a", "one").reading() as stream:
        assert stream.read(3) == b"111"
    place.below("a").delete()
    assert place.names() == []


def test_an_upload_that_fails_leaves_the_file_before(place: Storage) -> None:
    with place.below("one").writing() as stream:
        stream.write(b"before")
    for length in (10, 40_000_000):
        with pytest.raises(ZeroDivisionError), place.below("one").writing() as stream:
            stream.write(b"x" * length)
            raise ZeroDivisionError
    with place.below("one").reading() as stream:
        assert stream.read() == b"before"


def test_what_goes_wrong_is_one_line_without_what_signs_in(endpoint: str) -> None:
    for address, url in (
        ("s3://lab/none", endpoint),
        ("s3://nobody/none", endpoint),
        ("s3://lab/x", "http://127.0.0.1:1"),
    ):
        there = Storage(address, Access(url, "testing", "testing-secret"))
        with pytest.raises(StorageFailed) as failed, there.reading() as stream:
            stream.read()
        assert "\n" not in str(failed.value) and "secret" not in str(failed.value)


def test_a_backup_goes_there_and_comes_back(endpoint: str, tmp_path: Path) -> None:
    def ask(home: str, *arguments: str) -> str:
        plain = {name: value for name, value in os.environ.items() if not name.startswith("BROADSHEET_")}
        more = {"BROADSHEET_HOME": str(tmp_path / home), "BROADSHEET_ENCODER": "none"}
        environment = plain | SIGNS_IN | more | {"BROADSHEET_STORAGE_ENDPOINT": endpoint}
        command = [sys.executable, "-c", RUN, *arguments]
        done = subprocess.run(command, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        assert "testing-secret" not in done.stdout + done.stderr
        return done.stdout

    ask("one", "reader", "add", "ada@lab.example", "--handle", "ada")
    ask("one", "backup", "s3://lab/deep/one.backup")
    assert "sound" in ask("one", "backup", "--check", "s3://lab/deep/one.backup")
    ask("two", "restore", "s3://lab/deep/one.backup")
    assert "ada" in ask("two", "reader", "list")
