"""Which addresses may be asked for a file: those of the public internet, and those allowed.

It is asked of the address that is about to be connected to, not of a name that could lead
elsewhere by then.
"""

import errno
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)
from typing import Final

Network = IPv4Network | IPv6Network
AddressInfo = tuple[
    int | socket.AddressFamily, int | socket.SocketKind, int, str, tuple[object, ...]
]

_NAT64: Final = ip_network("64:ff9b::/96")
_LAST_32_BITS: Final = 0xFFFF_FFFF
_REFUSED: Final = "its address is none of the public internet"
"""The same for all addresses of a name: several different errors become one of another class."""


class UnsafeAddress(OSError):
    """The address is none of the public internet."""


@dataclass(frozen=True, slots=True)
class Addresses:
    """Refuses addresses that are neither public nor in one of the `allowed` networks."""

    allowed: tuple[Network, ...] = ()

    def may_be_asked(self, address: str) -> bool:
        """Whether a file may be fetched from an address."""
        try:
            found = ip_address(address.partition("%")[0])
        except ValueError:
            return False
        if any(found in one for one in self.allowed if one.version == found.version):
            return True
        meant = _meant(found)
        return meant.is_global and not meant.is_multicast

    def socket(self, info: AddressInfo) -> socket.socket:
        """A socket to connect to an address with; raises `UnsafeAddress`."""
        family, kind, protocol, _, address = info
        if not self.may_be_asked(str(address[0])):
            raise UnsafeAddress(errno.EACCES, _REFUSED)
        return socket.socket(family, kind, protocol)


def networks(names: Iterable[str]) -> tuple[Network, ...]:
    """Networks as people write them, `10.0.0.0/8` or a single address; raises `ValueError`."""
    return tuple(ip_network(name.strip()) for name in names if name.strip())


def _meant(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """The address that a packet reaches in the end, where an IPv6 address holds one of IPv4."""
    if isinstance(address, IPv4Address):
        return address
    if address in _NAT64:
        return IPv4Address(int(address) & _LAST_32_BITS)
    return address.ipv4_mapped or address.sixtofour or address
