"""The URL with which to connect: with the settings of its service, and with files that exist.

A service of libpq has connection settings under a name in a file, which the URL or PGSERVICE refers to.

asyncpg would ignore PGSERVICE, and a service that it does not find, and might then use another database. So
the settings of the service are merged into the URL here, which has precedence:

    postgresql:///?service=main, and [main] host=db1,db2 dbname=news → postgresql:///news?host=db1,db2

The file is PGSERVICEFILE or ~/.pg_service.conf; if it lacks the service, pg_service.conf in PGSYSCONFDIR. A
process reads it once.

If a file of certificates is missing, the driver raises the same error as for a missing socket, so that is
checked here.
"""

import configparser
import os
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from urllib.parse import parse_qsl, quote, urlsplit

from gqlnews.config.sources import postgres_service, postgres_service_files
from gqlnews.config.values import SUPPORTED_PARAMETERS, PostgresUrl
from gqlnews.errors import DatabaseError

_REFUSED = ("hostaddr", "channel_binding", "require_auth")
"""Settings without which the connection would be another one, or less secure. The driver lacks them."""

_CERTIFICATE_FILES = ("sslrootcert", "sslcert", "sslkey", "sslcrl")
_NAMES = {"database": "dbname"}  # other names of settings
_SEPARATORS = ",/:"  # not escaped, since `single_host_urls` separates hosts at commas


def connection_url(url: PostgresUrl) -> str:
    """Return the URL with the settings of its service or of PGSERVICE, if any. Raises DatabaseError."""
    name = _parameters(url.url).get("service") or postgres_service()
    merged = _merge(url, name, postgres_service_files()) if name else url.url
    parameters = _parameters(merged)
    for parameter in _CERTIFICATE_FILES if parameters.get("sslmode") != "disable" else ():
        if (file := parameters.get(parameter)) and not os.access(file, os.R_OK):
            raise _error(
                url, f"{parameter} is {file}, which cannot be read: correct the path, or the file's rights"
            )
    return merged


def _parameters(url: str) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(url).query))


@lru_cache(8)
def _merge(url: PostgresUrl, name: str, files: Sequence[Path]) -> str:
    parts = urlsplit(url.url)
    settings = {_NAMES.get(key, key): value for key, value in _read_service(url, name, files).items()}
    pairs = [text for text in parts.query.split("&") if text and text.partition("=")[0] != "service"]
    given = {_NAMES.get(key, key) for key in (text.partition("=")[0] for text in pairs)}
    user_info, _, hosts = parts.netloc.rpartition("@")
    user, _, password = user_info.partition(":")
    if hosts or "host" in given:
        given |= {"host", "port"}
    given |= {key for key, value in (("user", user), ("password", password)) if value}
    path = "" if parts.path == "/" else parts.path
    if not path and "dbname" not in given and (database := settings.get("dbname")):
        path = f"/{quote(database, safe='')}"
    pairs += [
        f"{key}={quote(value, safe=_SEPARATORS)}"
        for key, value in settings.items()
        if key in SUPPORTED_PARAMETERS and value and key not in {*given, "dbname", "service"}
    ]
    query = f"?{'&'.join(pairs)}" if pairs else ""
    return f"{parts.scheme}://{parts.netloc}{path}{query}"


def _read_service(url: PostgresUrl, name: str, files: Sequence[Path]) -> Mapping[str, str]:
    """Return the settings of a service, from the first file that has it. Raises DatabaseError."""
    for file in files:
        sections = _read_file(url, file)
        if name in sections:
            settings = sections[name]
            if refused := [key for key in _REFUSED if key in settings]:
                raise _error(
                    url, f"the driver does not support {refused[0]} of service {name!r} in {file}: remove it"
                )
            return settings
    if not files:
        raise _error(
            url,
            f"there is no service file for service {name!r}: create ~/.pg_service.conf, or set PGSERVICEFILE",
        )
    shown = " or ".join(map(str, files))
    raise _error(url, f"service {name!r} is not in {shown}: correct its name, or add a section [{name}]")


def _read_file(url: PostgresUrl, file: Path) -> Mapping[str, Mapping[str, str]]:
    """Return the settings by service. No message contains a line of the file, which may be a password."""
    parser = configparser.ConfigParser(
        interpolation=None, delimiters=("=",), comment_prefixes=("#",), default_section=""
    )
    try:
        # Without blanks before it, no line continues the value of the line before.
        parser.read_string("\n".join(line.strip() for line in file.read_text("utf-8").split("\n")))
    except OSError as error:
        raise _error(
            url,
            f"the service file {file} cannot be read ({error.strerror}): check PGSERVICEFILE and its rights",
        ) from None
    except UnicodeDecodeError:
        raise _error(url, f"the service file {file} is not in UTF-8: convert it") from None
    except configparser.Error as error:
        raise _error(
            url,
            f"{_place(file, error)} of the service file is not valid: write each setting once, as name=value",
        ) from None
    return parser


def _place(file: Path, error: configparser.Error) -> str:
    lines = [number for number, _ in getattr(error, "errors", ())] or [getattr(error, "lineno", None)]
    return str(file) if lines[0] is None else f"{file}:{lines[0]}"


def _error(url: PostgresUrl, reason: str) -> DatabaseError:
    return DatabaseError(f"PostgreSQL database {url} cannot be used: {reason}")
