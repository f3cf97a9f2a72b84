"""Document references in a request: the hash of an automatic persisted query (APQ), or a document id.

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
MAX_ID = 1_000  # characters


class MalformedError(GqlnewsError):
    """The document reference is malformed."""


@dataclass(frozen=True, slots=True)
class ApqReference:
    """An APQ reference. `version` is that of the protocol; only 1 exists."""

    sha256: str
    version: int


@dataclass(frozen=True, slots=True)
class DocumentId:
    id: str


Named = ApqReference | DocumentId


@dataclass(frozen=True, slots=True)
class RawRequest:
    """A GraphQL request before its document is resolved: text, a reference, or both (to register it)."""

    query: str | None
    named: Named | None = None
    variables: Mapping[str, Any] | None = None
    operation_name: str | None = None
    only_query: bool = False
    include_cost: bool = False


def parse_document_reference(given: Mapping[str, Any], extensions: Mapping[str, Any]) -> Named | None:
    """Parse the document reference; None if there is only text. Raises MalformedError."""
    key, persisted = given.get("documentId"), extensions.get("persistedQuery")
    if key is not None:
        if not isinstance(key, str) or not 0 < len(key) <= MAX_ID:
            raise MalformedError("`documentId` must be text")
        if given.get("query") or persisted is not None:
            raise MalformedError("give `documentId`, or `query`: one of them says what to run")
        return DocumentId(key)
    return None if persisted is None else _automatic(persisted)


def _automatic(given: object) -> ApqReference:
    if not isinstance(given, dict):
        raise MalformedError("`persistedQuery` must be an object")
    version, sha256 = given.get("version"), given.get("sha256Hash")
    if type(version) is not int:
        raise MalformedError("`persistedQuery.version` must be 1")
    if not isinstance(sha256, str) or not _SHA256_HEX.fullmatch(sha256.lower()):
        raise MalformedError("`persistedQuery.sha256Hash` must be 64 hex digits")
    return ApqReference(sha256.lower(), version)
