from collections.abc import Iterator
from pathlib import Path

import pytest

from broadsheet.lib.storage import Access, Storage, StorageFailed


@pytest.fixture(params=["path", "file", "memory"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Storage]:
    if request.param == "memory":
        pytest.importorskip("fsspec", reason="object storage is an extra: pip install 'broadsheet[s3]'")
        yield (found := Storage("memory://bucket/deep"))
        found.delete()
    else:
        yield Storage(str(tmp_path / "deep") if request.param == "path" else f"file://{tmp_path}/deep")


def write(place: Storage, data: bytes) -> None:
    with place.writing() as stream:
        stream.write(data)


def test_what_is_written_is_read_listed_and_deleted(place: Storage) -> None:
    assert place.names() == []
    write(place.below("a", "one"), b"1")
    write(place.below("two"), b"22")
    assert place.names() == ["a/one", "two"]
    with place.below("two").reading() as stream:
        assert stream.read() == b"22"
    place.below("a").delete()
    place.below("a").delete()
    assert place.names() == ["two"]


def test_a_file_that_is_not_there_is_told_in_one_line(place: Storage) -> None:
    with pytest.raises(StorageFailed, match="there is no such file"), place.below("none").reading():
        pass


def test_a_local_file_that_fails_half_way_leaves_the_one_before(tmp_path: Path) -> None:
    place = Storage(str(tmp_path / "one"))
    write(place, b"before")
    with pytest.raises(ZeroDivisionError), place.writing() as stream:
        stream.write(b"half")
        raise ZeroDivisionError
    assert (tmp_path / "one").read_bytes() == b"before"
    assert [path.name for path in tmp_path.iterdir()] == ["one"]


def test_a_local_file_is_for_its_owner_alone(tmp_path: Path) -> None:
    write(Storage(str(tmp_path / "one")), b"secret")
    assert (tmp_path / "one").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("address", ["s3://key:secret@bucket/x", "https://host/x", "ftp://host/x"])
def test_addresses_with_passwords_and_of_other_kinds_are_refused(address: str) -> None:
    with pytest.raises(StorageFailed) as refused:
        Storage(address)
    assert "secret" not in str(refused.value)


def test_what_signs_in_is_not_shown() -> None:
    assert "tres-secret" not in repr(Storage("s3://bucket/x", Access("https://host", "key", "tres-secret")))
