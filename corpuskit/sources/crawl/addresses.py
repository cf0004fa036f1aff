"""Addresses that a crawler of the open web must not connect to: this machine, its networks, its cloud's services.

The check is made on the address that a name resolved to, at the moment of connecting, so that neither a redirect, nor
a name that changes its address, nor an odd spelling (2130706433, 0x7f.1) gets around it.
"""

from __future__ import annotations

import ipaddress

_SERVICES = frozenset(("168.63.129.16",))
"""Cloud services on public addresses (Azure's host agent). The other providers' lie in link-local or private ranges."""

_TRANSLATED = (ipaddress.ip_network("64:ff9b::/96"), ipaddress.ip_network("::/96"))
"""IPv6 ranges whose last 32 bits are an IPv4 address (RFC 6052; the deprecated compatible form of RFC 4291)."""


def refusal(address: str) -> str | None:
    """Why a numeric address is not to be connected to, or None where it lies in the open internet."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return f"'{address}' is no address"
    for inner in _embedded(found):
        if not inner.is_global or inner.is_multicast or str(inner) in _SERVICES:
            return f"{address} is not an address of the open internet"
    return None


def _embedded(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address,
) -> list[ipaddress.IPv4Address | ipaddress.IPv6Address]:
    """The IPv4 addresses that an IPv6 address carries, or the address itself."""
    if isinstance(address, ipaddress.IPv4Address):
        return [address]
    if address.ipv4_mapped:
        return [address.ipv4_mapped]
    if address.sixtofour:
        return [address.sixtofour]
    if address.teredo:
        return list(address.teredo)
    if any(address in network for network in _TRANSLATED):
        return [ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)]
    return [address]
