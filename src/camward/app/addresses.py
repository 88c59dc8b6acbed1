"""The names and addresses under which this machine is reached: what its TLS certificates are for."""

from __future__ import annotations

import fcntl
import ipaddress
import socket
import struct
from pathlib import Path

from camward.trust.certificates import DNS_FORM

ADDRESSES_AT_MOST = 24
"""A TLS certificate names at most 32; a machine with hundreds (containers) is known by its first ones."""
SIOCGIFADDR = 0x8915
LOOPBACK = ("localhost", "127.0.0.1", "::1")
GLOBAL_SCOPE = "00"


def machine_addresses() -> list[str]:
    """`localhost` and its addresses, the host's name, and the address of each interface."""
    found = [*LOOPBACK, *_names(), *_interfaces4(), *_interfaces6()]
    return list(dict.fromkeys(found))[:ADDRESSES_AT_MOST]


def reach_address() -> str:
    """The address to print for people on other machines; the host's name if there is no network."""
    outside = [address for address in (*_interfaces4(), *_interfaces6()) if address not in LOOPBACK]
    return url_host(outside[0]) if outside else socket.gethostname()


def url_host(address: str) -> str:
    """An address as it stands in a URL."""
    return f"[{address}]" if ":" in address else address


def _names() -> list[str]:
    name = socket.gethostname().lower()
    names = [name] if "." in name else [name, f"{name}.local"]
    return [name for name in names if DNS_FORM.fullmatch(name)]


def _interfaces4() -> list[str]:
    found = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        for _, name in socket.if_nameindex():
            try:
                answer = fcntl.ioctl(sock, SIOCGIFADDR, struct.pack("256s", name.encode()[:15]))
            except OSError:  # an interface without an IPv4 address
                continue
            found.append(socket.inet_ntoa(answer[20:24]))
    return [address for address in found if not ipaddress.ip_address(address).is_link_local]


def _interfaces6() -> list[str]:
    try:
        lines = Path("/proc/net/if_inet6").read_text().splitlines()
    except OSError:  # a kernel without IPv6
        return []
    fields = [line.split() for line in lines]
    return [str(ipaddress.IPv6Address(bytes.fromhex(line[0]))) for line in fields if line[3] == GLOBAL_SCOPE]
