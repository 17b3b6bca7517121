"""IP addresses: those a host has, those this machine sends from, and which of them are of the open Internet."""

import ipaddress
import socket
from collections.abc import Callable, Iterator
from typing import Final

Resolve = Callable[[str, int], list[str]]
NAT64: Final = ipaddress.ip_network("64:ff9b::/96")
# Of the ranges kept for documentation (RFC 5737, RFC 3849): nobody is there.
FAR: Final = ((socket.AF_INET, "192.0.2.1"), (socket.AF_INET6, "2001:db8::1"))


def resolve(host: str, port: int) -> list[str]:
    """Look up the addresses of a host, in the order in which to try them. Raises OSError."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def sending() -> Iterator[str]:
    """Give the addresses this machine sends from, by which others may reach it. Nothing is sent."""
    for family, far in FAR:
        try:
            with socket.socket(family, socket.SOCK_DGRAM) as probe:
                # To connect a datagram socket only chooses the way.
                probe.connect((far, 9))
                yield str(probe.getsockname()[0])
        except OSError:
            continue


def own_addresses() -> Iterator[str]:
    """Give the public ones among the addresses this machine sends from; none behind a router that shares one."""
    return filter(is_public, sending())


def is_public(address: str) -> bool:
    """Tell if an IP address is one of the open Internet, also when it wraps an IPv4 address inside an IPv6 one."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None)
        if ip in NAT64:
            inner = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        if inner:
            return is_public(str(inner))
        if ip.is_site_local or ip.scope_id:
            return False
    return ip.is_global and not (ip.is_multicast or ip.is_reserved or ip.is_unspecified)
