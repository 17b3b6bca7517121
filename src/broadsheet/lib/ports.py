"""Ports of this machine."""

import socket


def probe(host: str, port: int) -> None:
    """Return where this machine could listen on a port of an address of its own; raise OSError where it could not."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
        except OverflowError as problem:
            raise OSError(str(problem)) from problem
