"""Types of setting values, and parsers for those that are more than a number, a switch or a choice.

A parser raises ValueError; its message says what is wrong and what is allowed.
"""

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

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


# URLs of PostgreSQL databases. A message never contains a part of a URL that may be its password.

_POSTGRES_SCHEME = re.compile(r"postgres(ql)?:", re.IGNORECASE)
_SCHEME = re.compile(r"""[\s"'<]*((?:jdbc:)?[a-z][a-z0-9+.-]+):/""", re.IGNORECASE)
# What is meant as a URL: a scheme, a password without one, or keywords as libpq has them. A folder whose name
# has a colon is a path again with `./` before it.
_LIKE_A_URL = re.compile(
    r"""
    [^/]*[^/\s]:/ | [^/]*//[^/]*:[^/]*@ | [^/]*:[^/]*@
    | [\s"']*(?:host|hostaddr|port|dbname|user|password|passfile|service|sslmode)\s*=
    """,
    re.VERBOSE,
)
_SECRETS = ("password", "sslpassword")
SUPPORTED_PARAMETERS = (
    *("host", "port", "dbname", "database", "user", "password", "passfile", "service", "sslmode", "sslcert"),
    *("sslkey", "sslpassword", "sslrootcert", "sslcrl", "sslnegotiation", "ssl_min_protocol_version"),
    *(
        "ssl_max_protocol_version",
        "target_session_attrs",
        "krbsrvname",
        "gsslib",
        "application_name",
        "options",
    ),
)
_PARAMETER_NAME = re.compile(r"[a-z_]{1,40}")
_HOST_AND_PORT = re.compile(r"(?:\[[0-9A-Fa-f:.]+\]|[^\[\]:]*)(?::([0-9]{1,5}))?")
_POSTGRES_EXAMPLE = "use one such as postgresql://user@host:5432/news"
_ADVICE = f"{_POSTGRES_EXAMPLE}, or the path of a SQLite database, with ./ before it if it is relative"


@dataclass(frozen=True, slots=True)
class PostgresUrl:
    """URL of a PostgreSQL database. Its text and its repr leave out the passwords; `url` contains them."""

    url: str

    def __str__(self) -> str:
        parts = urlsplit(self.url)
        user_info, at, hosts = parts.netloc.rpartition("@")
        query = "&".join(text for text in parts.query.split("&") if text.partition("=")[0] not in _SECRETS)
        start = f"{parts.scheme}://{user_info.partition(':')[0]}{at}{hosts}{parts.path}"
        return f"{start}?{query}" if query else start

    def __repr__(self) -> str:
        return f"PostgresUrl({str(self)!r})"

    @property
    def has_password(self) -> bool:
        return str(self) != self.url.removesuffix("?")


def parse_database(value: object) -> Path | PostgresUrl:
    """Parse the path of a SQLite database, or the URL of a PostgreSQL database, without blanks around it."""
    if isinstance(value, PostgresUrl):
        return value
    if not isinstance(value, str | os.PathLike):
        raise ValueError("the value is not a path")
    text = os.fsdecode(value)
    if not _POSTGRES_SCHEME.match(url := text.strip()):
        _reject_other_urls(text)
        return Path(text)
    _check_postgres_url(url)
    return PostgresUrl(url)


def parse_database_path(value: object) -> Path:
    """Parse the path of a SQLite database; a URL is rejected."""
    path = parse_database(value)
    if isinstance(path, PostgresUrl):
        raise ValueError(
            "create_app serves a SQLite database only: for PostgreSQL, run `gqlnews serve`, or "
            "set GQLNEWS_DB and use gqlnews.from_environment"
        )
    return path


def _reject_other_urls(text: str) -> None:
    """Raise ValueError if the text is meant as a URL: as a path, it would be shown with its password."""
    if not _LIKE_A_URL.match(text):
        return
    scheme = _SCHEME.match(text)
    if scheme is None:
        raise ValueError(f"the value looks like a database URL, but has no scheme; {_ADVICE}")
    if _POSTGRES_SCHEME.match(f"{scheme[1]}:"):
        raise ValueError(f"the {scheme[1]} URL is in quotes or has other characters before it: remove them")
    raise ValueError(f"the value is a URL with the scheme {scheme[1]}, which is not supported; {_ADVICE}")


def _check_postgres_url(text: str) -> None:
    try:
        parts = urlsplit(text)
    except ValueError:
        parts = SplitResult("", "", "", "", "")
    if not text.startswith(("postgresql://", "postgres://")) or not parts.scheme:
        raise ValueError(f"the URL is not one of a PostgreSQL database; {_POSTGRES_EXAMPLE}")
    others = (parts.path, parts.query, parts.fragment)
    if parts.fragment or parts.netloc.count("@") > 1 or any("@" in part for part in others):
        raise ValueError(
            "the URL has a part that cannot be read; in user names, passwords and values, "
            "write @ as %40, / as %2F, ? as %3F, # as %23 and % as %25"
        )
    for host in parts.netloc.rpartition("@")[2].split(","):
        port = _HOST_AND_PORT.fullmatch(host)
        if port is None or int(port[1] or 1) not in range(1, 65536):
            raise ValueError(f"a host or port of the URL is not valid; {_POSTGRES_EXAMPLE}")
    _check_parameters(parts.query)


def _check_parameters(query: str) -> None:
    for text in query.split("&") if query else ():
        name, equals, value = text.partition("=")
        if not equals or not _PARAMETER_NAME.fullmatch(name):
            raise ValueError("the part after ? in the URL is not valid; use one such as ?sslmode=verify-full")
        if name not in SUPPORTED_PARAMETERS:
            allowed = ", ".join(SUPPORTED_PARAMETERS)
            raise ValueError(f"the driver does not support {name} in the URL: remove it (allowed: {allowed})")
        if name == "sslrootcert" and value == "system":
            raise ValueError("the driver does not support sslrootcert=system: set it to the path of a file")
        if name == "port" and not re.fullmatch(r"[0-9]{1,5}(,[0-9]{1,5})*", value):
            raise ValueError(f"a port of the URL is not valid; {_POSTGRES_EXAMPLE}")
