"""Validate the head of a request where the HTTP parser is lenient (RFC 9110, RFC 9112).

A proxy and this server must agree on where each request ends and which host it names; otherwise the bytes
of one client become a request of another (request smuggling). An ambiguous head is rejected and its
connection closed.

The parser itself rejects line folding, bare CR and LF, white space in names, repeated or malformed
`Content-Length`, and `Content-Length` with `Transfer-Encoding`.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv6Address

from gqlnews.server.uvicorn.timeouts import (
    BAD_CONNECT,
    BAD_HOST,
    BAD_TARGET,
    BAD_TRANSFER_ENCODING,
    EXPECTATION_FAILED,
    MALFORMED,
    UNSUPPORTED_TRANSFER_ENCODING,
    Rejection,
)

HOST, EXPECT, TRANSFER_ENCODING = b"host", b"expect", b"transfer-encoding"
CHECKED_HEADERS = frozenset({HOST, EXPECT, TRANSFER_ENCODING})
CONTINUE = b"100-continue"

MAX_HOST_BYTES = 255  # RFC 3986, section 3.2.2
MAX_PORT = 65_535

_AUTHORITY = re.compile(
    rb"(?P<host>\[(?P<ipv6>[0-9A-Fa-f:.]+)\]|(?:[A-Za-z0-9._~!$&'()*+;=-]|%[0-9A-Fa-f]{2})+)"
    rb"(?::(?P<port>[0-9]{0,5}))?"
)
_ABSOLUTE = re.compile(rb"(?P<scheme>https?)://(?P<authority>[^/?]*)(?P<rest>.*)", re.IGNORECASE | re.DOTALL)
_DEFAULT_PORTS = {b"http": b":80", b"https": b":443"}


@dataclass(frozen=True, slots=True)
class UnvalidatedHead:
    """The parts of a request head to validate. `fields` are the headers that CHECKED_HEADERS names."""

    method: bytes
    version: str
    target: bytes
    fields: tuple[tuple[bytes, bytes], ...]

    def values(self, name: bytes) -> list[bytes]:
        """The values of a header, one for each time that it is repeated."""
        return [value.strip(b" \t") for field, value in self.fields if field == name]

    def members(self, name: bytes) -> list[bytes]:
        """The comma-separated members of a header's values, in lower case, including empty members."""
        values = self.values(name)
        return [member.strip(b" \t").lower() for member in b",".join(values).split(b",")] if values else []


Check = Callable[[UnvalidatedHead], Rejection | None]
"""Returns the rejection to send, or None."""


def validate(head: UnvalidatedHead) -> Rejection | None:
    """Return the rejection of the first check that fails, or None for a valid head."""
    return next((rejection for check in CHECKS if (rejection := check(head)) is not None), None)


def origin_form(target: bytes) -> bytes:
    """Return path and query of a valid target: `/b?c` for `http://a/b?c`; other forms are not changed."""
    absolute = _ABSOLUTE.fullmatch(target)
    if absolute is None:
        return target
    rest = absolute["rest"]
    return rest if rest.startswith(b"/") else b"/" + rest


def is_authority(value: bytes) -> bool:
    """Return whether this is a host with an optional port, without user information."""
    match = _AUTHORITY.fullmatch(value)
    if match is None or len(match["host"]) > MAX_HOST_BYTES or int(match["port"] or 0) > MAX_PORT:
        return False
    return match["ipv6"] is None or _is_ipv6(match["ipv6"].decode())


def _check_version(head: UnvalidatedHead) -> Rejection | None:
    return None if head.version in {"1.0", "1.1"} else MALFORMED


def _check_host(head: UnvalidatedHead) -> Rejection | None:
    """RFC 9112, section 3.2: exactly one `Host`, which HTTP/1.0 may omit. It may be empty."""
    hosts = head.values(HOST)
    if len(hosts) > 1 or (not hosts and head.version != "1.0"):
        return BAD_HOST
    return None if all(not host or is_authority(host) for host in hosts) else BAD_HOST


def _check_target(head: UnvalidatedHead) -> Rejection | None:
    """RFC 9112, section 3.2: a path, an absolute URL with the same host as `Host`, or `*` for OPTIONS."""
    if head.method == b"CONNECT":
        return BAD_CONNECT
    target = head.target
    if b"#" in target:
        return BAD_TARGET
    if target.startswith(b"/") or (target == b"*" and head.method == b"OPTIONS"):
        return None
    absolute = _ABSOLUTE.fullmatch(target)
    if absolute is None or not is_authority(absolute["authority"]):
        return BAD_TARGET
    authority = _normalized(absolute["authority"], absolute["scheme"])
    hosts = head.values(HOST)
    return None if all(_normalized(host, absolute["scheme"]) == authority for host in hosts) else BAD_HOST


def _check_transfer_encoding(head: UnvalidatedHead) -> Rejection | None:
    """RFC 9112, section 6.1: only `chunked`. 501 if other codings precede it, else 400."""
    codings = head.members(TRANSFER_ENCODING)
    if not codings:
        return None
    if head.version != "1.1":
        return BAD_TRANSFER_ENCODING
    if codings == [b"chunked"]:
        return None
    *others, last = codings
    is_framed = last == b"chunked" and all(others) and b"chunked" not in others
    return UNSUPPORTED_TRANSFER_ENCODING if is_framed else BAD_TRANSFER_ENCODING


def _check_expectation(head: UnvalidatedHead) -> Rejection | None:
    """RFC 9110, section 10.1.1: only `100-continue`."""
    return EXPECTATION_FAILED if set(head.members(EXPECT)) - {b"", CONTINUE} else None


CHECKS: tuple[Check, ...] = (
    _check_version,
    _check_host,
    _check_target,
    _check_transfer_encoding,
    _check_expectation,
)


def _normalized(authority: bytes, scheme: bytes) -> bytes:
    """The authority in lower case, without the scheme's default port."""
    return authority.lower().removesuffix(_DEFAULT_PORTS[scheme.lower()]).removesuffix(b":")


def _is_ipv6(text: str) -> bool:
    try:
        IPv6Address(text)
    except ValueError:
        return False
    return True
