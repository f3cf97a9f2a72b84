"""Persisted documents: trusted documents by id, and automatic persisted queries (APQ) by hash."""

from collections.abc import Mapping
from hashlib import sha256

from gqlnews.cache import SizedLRUCache
from gqlnews.engine.engine import GraphQLRequest
from gqlnews.errors import Code
from gqlnews.server.document_reference import VERSION, ApqReference, DocumentId, RawRequest
from gqlnews.server.http import DocumentNotFoundError, UnprocessableRequestError

MAX_BYTES = 16 << 20  # of registered automatic persisted queries
OVERHEAD = 300  # bytes of an entry besides its text


class PersistedDocuments:
    """Resolve document references. `trusted` is id → document; with `only`, no others may run."""

    def __init__(self, trusted: Mapping[str, str], *, only: bool) -> None:
        self._trusted, self._only = trusted, only
        self.automatic: SizedLRUCache[str, str] = SizedLRUCache(MAX_BYTES)

    def find(self, wanted: RawRequest) -> GraphQLRequest:
        """Resolve the request's document to text. Raises HTTPError."""
        return GraphQLRequest(
            self._document(wanted),
            wanted.variables,
            wanted.operation_name,
            only_query=wanted.only_query,
            include_cost=wanted.include_cost,
        )

    def _document(self, wanted: RawRequest) -> str:
        match wanted.named:
            case DocumentId(key):
                return self._by_id(key)
            case ApqReference() as automatic:
                return self._by_hash(automatic, wanted.query)
        assert wanted.query is not None
        if self._only:
            raise _not_trusted()
        return wanted.query

    def _by_id(self, key: str) -> str:
        found = self._trusted.get(key)
        if found is None:
            raise DocumentNotFoundError(Code.DOCUMENT_NOT_FOUND, "No document has this `documentId`.")
        return found

    def _by_hash(self, automatic: ApqReference, query: str | None) -> str:
        if automatic.version != VERSION:
            raise DocumentNotFoundError(Code.PERSISTED_QUERY_NOT_SUPPORTED, "PersistedQueryNotSupported")
        found = self._trusted.get(automatic.sha256)
        if found is None and self._only:
            raise _not_trusted()
        if query is not None:
            if sha256(query.encode()).hexdigest() != automatic.sha256:
                raise UnprocessableRequestError("`persistedQuery.sha256Hash` is not the hash of `query`.")
            return query
        found = found or self.automatic.get(automatic.sha256)
        if found is None:
            raise DocumentNotFoundError(Code.PERSISTED_QUERY_NOT_FOUND, "PersistedQueryNotFound")
        return found

    def register(self, wanted: RawRequest) -> None:
        """Register a valid document that was sent together with its hash (APQ)."""
        named, query = wanted.named, wanted.query
        if not isinstance(named, ApqReference) or query is None or named.sha256 in self._trusted:
            return
        if self.automatic.get(named.sha256) is None:
            self.automatic.set(named.sha256, query, OVERHEAD + 4 * len(query))


def _not_trusted() -> DocumentNotFoundError:
    message = "Only the documents that this server knows are run here: give a `documentId`."
    return DocumentNotFoundError(Code.DOCUMENT_NOT_TRUSTED, message)
