"""A request that names its document: by the hash of Apollo's automatic persisted queries, or by its id.

https://www.apollographql.com/docs/apollo-server/performance/apq and the appendix "Persisted Documents" of
GraphQL over HTTP.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gqlnews.errors import GqlnewsError

VERSION = 1
_SHA256_HEX = re.compile(r"[0-9a-f]{64}")
MOST_ID = 1_000  # characters


class MalformedError(GqlnewsError):
    """What should name a document does not."""


@dataclass(frozen=True, slots=True)
class Automatic:
    """`version` is the protocol's; only 1 is known."""

    sha256: str
    version: int


@dataclass(frozen=True, slots=True)
class Trusted:
    id: str


Named = Automatic | Trusted


@dataclass(frozen=True, slots=True)
class Wanted:
    """An operation as a request asks for it: its document as text or by name, or both, to be remembered."""

    query: str | None
    named: Named | None = None
    variables: Mapping[str, Any] | None = None
    operation_name: str | None = None
    only_query: bool = False
    tells_cost: bool = False


def read_named(given: Mapping[str, Any], extensions: Mapping[str, Any]) -> Named | None:
    """None where the document is given as text alone. Raises MalformedError."""
    key, persisted = given.get("documentId"), extensions.get("persistedQuery")
    if key is not None:
        if not isinstance(key, str) or not 0 < len(key) <= MOST_ID:
            raise MalformedError("`documentId` must be text")
        if given.get("query") or persisted is not None:
            raise MalformedError("give `documentId`, or `query`: one of them says what to run")
        return Trusted(key)
    return None if persisted is None else _automatic(persisted)


def _automatic(given: object) -> Automatic:
    if not isinstance(given, dict):
        raise MalformedError("`persistedQuery` must be an object")
    version, sha256 = given.get("version"), given.get("sha256Hash")
    if type(version) is not int:
        raise MalformedError("`persistedQuery.version` must be 1")
    if not isinstance(sha256, str) or not _SHA256_HEX.fullmatch(sha256.lower()):
        raise MalformedError("`persistedQuery.sha256Hash` must be 64 hex digits")
    return Automatic(sha256.lower(), version)
