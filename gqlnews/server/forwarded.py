"""The client's address behind trusted proxies, from `X-Forwarded-For`.

Each proxy appends the address of its own peer. So the header is read from right to left, as long as the
addresses are those of trusted proxies; the first other address is the client's. Everything to the left of it
was sent by the client, which may have invented it.
"""

import re
from collections.abc import Iterable
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Any

from starlette.types import Scope

from gqlnews.config.values import UNIX_PEER

X_FORWARDED_FOR = b"x-forwarded-for"
MAX_PARTS = 32  # parts of the header that are read
MAX_PART_LENGTH = 80  # an IPv6 address in brackets, with a zone and a port
PEER = "gqlnews.peer"  # key in the scope

_PORT = re.compile(r"\[([^\[\]]+)\](?::[0-9]{0,5})?|([0-9.]+):[0-9]{0,5}")


_NONE = (None, False)


class TrustedProxies:
    """The proxies whose `X-Forwarded-For` is trusted: addresses, networks, and `unix:`."""

    def __init__(self, allowed: Iterable[str]) -> None:
        names = frozenset(allowed)
        self._trusts_unix = UNIX_PEER in names
        self._networks = tuple(ip_network(name) for name in names - {UNIX_PEER})
        self._cached = lru_cache(4096)(self._parse)

    def replace_client(self, scope: Scope) -> None:
        """Replace the peer in the scope, if it is a trusted proxy, by the client that it forwards for.

        The port stays that of the peer. `get_peer` returns the peer.
        """
        peer = scope.get("client")
        if not self._is_trusted(peer[0] if peer else UNIX_PEER):
            return
        client = self._forwarded_client(scope["headers"])
        if client is not None:
            scope[PEER] = peer
            scope["client"] = (client, peer[1] if peer else 0)

    def _forwarded_client(self, headers: Iterable[tuple[bytes, bytes]]) -> str | None:
        """Return the first address from the right that is no trusted proxy's, or else the leftmost one.

        A part that is no address ends the search, since no proxy has sent it. None if there is no address.
        """
        header = b",".join([value for name, value in headers if name == X_FORWARDED_FOR])
        client = None
        for raw in reversed(header.rsplit(b",", MAX_PARTS)[-MAX_PARTS:]):
            part = raw.strip()
            if not part or (self._trusts_unix and part == UNIX_PEER.encode()):
                continue
            address, is_trusted = self._look_up(part.decode("latin-1"))
            if address is None:
                return client
            client = address
            if not is_trusted:
                return client
        return client

    def _is_trusted(self, host: str) -> bool:
        if not host or host.startswith(UNIX_PEER):
            return self._trusts_unix
        return self._look_up(host)[1]

    def _look_up(self, text: str) -> tuple[str | None, bool]:
        """Return the normalized address, or None, and whether it is that of a trusted proxy."""
        return self._cached(text) if len(text) <= MAX_PART_LENGTH else _NONE

    def _parse(self, text: str) -> tuple[str | None, bool]:
        address = parse_address(text)
        if address is None:
            return _NONE
        return str(address), any(address in network for network in self._networks)


def get_peer(scope: Scope) -> Any:
    """Return address and port of the connection's peer, which may be a proxy."""
    return scope.get(PEER, scope.get("client"))


def parse_address(text: str) -> IPv4Address | IPv6Address | None:
    """Parse an address, also with brackets, a port or a zone, which are dropped; None if it is none.

    An IPv4-mapped IPv6 address becomes IPv4.
    """
    if with_port := _PORT.fullmatch(text):
        text = with_port[1] or with_port[2]
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return (address.ipv4_mapped or address) if isinstance(address, IPv6Address) else address


# Private networks.


def has_private_peers(scope: Scope) -> bool:
    """Return whether the client, and the proxy that forwards for it, have local or private addresses."""
    peers = (scope.get("client"), get_peer(scope))
    return all(is_private_address(peer[0] if peer else None) for peer in peers)


def is_private_address(host: str | None) -> bool:
    """Return whether a client address is local or private.

    None, as for a Unix domain socket, counts as local.
    """
    if host is None:
        return True
    address = parse_address(host)
    return address is not None and (address.is_private or address.is_loopback or address.is_link_local)
