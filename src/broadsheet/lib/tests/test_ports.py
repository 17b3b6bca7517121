"""Whether this machine could listen somewhere."""

import errno
import socket

import pytest

from broadsheet.lib.ports import probe


def test_a_port_is_free_until_somebody_listens_and_again_after() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        taken.listen()
        with pytest.raises(OSError) as refused:
            probe("127.0.0.1", port)
        assert refused.value.errno == errno.EADDRINUSE
    probe("127.0.0.1", port)


@pytest.mark.parametrize(("host", "port"), [("127.0.0.1", 70_000), ("203.0.113.9", 8000), ("no host", 8000)])
def test_what_is_no_port_or_no_address_of_this_machine_cannot_be_had(host: str, port: int) -> None:
    with pytest.raises(OSError):
        probe(host, port)
