"""Types of setting values, and parsers for those that are more than a number, a switch or a choice.

A parser raises ValueError; its message says what is wrong and what is allowed.
"""

import re
from collections.abc import Sequence
from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from urllib.parse import urlsplit

_ORIGIN = re.compile(r"(https?)://([a-z0-9._-]+|\[[0-9a-f:.]+\])(:[0-9]{1,5})?/?")
_DEFAULT_PORTS = {"http": ":80", "https": ":443"}
_MAPPED_PREFIX = 96  # bits of `::ffff:`, before an IPv4 address
_HOST_NAME = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)*", re.ASCII)
UNIX_PEER = "unix:"
"""Stands for the peer of a Unix domain socket among the addresses of proxies, as in nginx."""

# RFC 9111, section 5.2: directives, of which some have an argument.
_WORD = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_DIRECTIVE = re.compile(rf'({_WORD})(?:=({_WORD}|"[ !#-\[\]-~]*"))?')
_WITH_SECONDS = frozenset({"max-age", "s-maxage", "stale-while-revalidate", "stale-if-error"})

_SHA256_HEX = re.compile(r"[0-9a-fA-F]{64}")


class Origin(StrEnum):
    """Where the value of a setting comes from."""

    OPTION = "option"
    ENVIRONMENT = "environment"
    DEFAULT = "default"


class LogFormat(StrEnum):
    """Log format."""

    TEXT = "text"
    JSON = "json"


class StatusCodePolicy(StrEnum):
    """Policy for HTTP status codes: the widely implemented GraphQL-over-HTTP spec or its newest draft."""

    SPEC = "spec"
    DRAFT = "draft"


class CheckFormat(StrEnum):
    """Output format of `gqlnews check`."""

    TEXT = "text"
    JSON = "json"
    GITHUB = "github"


class ConfigFormat(StrEnum):
    """Output format of `gqlnews config`."""

    TEXT = "text"
    JSON = "json"


def parse_origins(values: Sequence[str]) -> tuple[str, ...]:
    """Normalize origins as browsers send them: lower case, without the default port."""
    return tuple(_parse_origin(value) for value in values)


def _parse_origin(value: str) -> str:
    if value == "*":
        return value
    parts = _ORIGIN.fullmatch(value.lower())
    if parts is None:
        raise ValueError(f"{value!r} is not an origin; use one such as https://news.example, or *")
    scheme, host, port = parts.groups(default="")
    return f"{scheme}://{host}{'' if port == _DEFAULT_PORTS[scheme] else port}"


def parse_field_names(names: list[str]) -> tuple[str, ...]:
    """Return the distinct names, in their order; the database of the command knows which there are."""
    return tuple(dict.fromkeys(names))


def parse_host_names(values: Sequence[str]) -> tuple[str, ...]:
    hosts = tuple(value.lower() for value in values)
    if wrong := [host for host in hosts if not _HOST_NAME.fullmatch(host)]:
        raise ValueError(f"{wrong[0]!r} is not a host name; use one such as player.vimeo.com")
    return hosts


def parse_proxies(values: Sequence[str]) -> tuple[str, ...]:
    """Normalize addresses and networks of proxies; IPv4-mapped IPv6 addresses become IPv4."""
    return tuple(value if value == UNIX_PEER else _parse_proxy(value) for value in values)


def _parse_proxy(value: str) -> str:
    try:
        network = _without_mapping(ip_network(value))
    except ValueError:
        network = None
    if network is None or "%" in value:  # zones are not compared
        example = "use one such as 10.0.0.7, 10.0.0.0/8 or 2001:db8::/32"
        raise ValueError(f"{value!r} is not an address or network of a proxy; {example}")
    return str(network.network_address if network.num_addresses == 1 else network)


def _without_mapping(network: IPv4Network | IPv6Network) -> IPv4Network | IPv6Network:
    mapped = network.network_address.ipv4_mapped if isinstance(network, IPv6Network) else None
    if mapped is None or network.prefixlen < _MAPPED_PREFIX:
        return network
    return IPv4Network((mapped, network.prefixlen - _MAPPED_PREFIX))


def parse_token_hashes(values: Sequence[str]) -> tuple[bytes, ...]:
    """Parse hex digests. The message does not contain the value, which may be a token."""
    for number, value in enumerate(values, start=1):
        if not _SHA256_HEX.fullmatch(value):
            raise ValueError(
                f"entry {number} is not a SHA-256 hash (64 hex digits); use the hash of the token: "
                "printf %s TOKEN | sha256sum"
            )
    return tuple(bytes.fromhex(value) for value in values)


def parse_paths(values: Sequence[str]) -> tuple[Path, ...]:
    return tuple(Path(value) for value in values)


def check_url(value: str) -> str:
    try:
        parts = urlsplit(value)
    except ValueError:
        parts = urlsplit("")
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError(f"{value!r} is not an http or https URL; use one such as https://example.com/")
    return value


def check_cache_control(value: str) -> str:
    """Check the syntax of `Cache-Control`, and that its durations are whole numbers of seconds."""
    example = "use directives such as public, max-age=10, stale-while-revalidate=60"
    for text in value.split(","):
        directive = _DIRECTIVE.fullmatch(text.strip())
        if directive is None:
            raise ValueError(f"{value!r} is not a Cache-Control header; {example}")
        name, argument = directive.groups()
        if name.lower() in _WITH_SECONDS and not (argument or "").isdecimal():
            raise ValueError(f"{name} in {value!r} needs a whole number of seconds; {example}")
    return value
