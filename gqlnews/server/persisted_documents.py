"""Persisted documents: trusted documents by id, and automatic persisted queries (APQ) by hash."""

from collections.abc import Mapping
from hashlib import sha256

from gqlnews.cache import Kept
from gqlnews.engine.engine import Asked
from gqlnews.errors import Code
from gqlnews.server.document_reference import VERSION, Automatic, Trusted, Wanted
from gqlnews.server.http import UnfitError, UnknownDocumentError

MOST_BYTES = 16 << 20  # of registered automatic persisted queries
OVERHEAD = 300  # bytes of an entry besides its text


class Persisted:
    """Resolve document references. `trusted` is id → document; with `only`, no others may run."""

    def __init__(self, trusted: Mapping[str, str], *, only: bool) -> None:
        self._trusted, self._only = trusted, only
        self.automatic: Kept[str, str] = Kept(MOST_BYTES)

    def find(self, wanted: Wanted) -> Asked:
        """Resolve the request's document to text. Raises RefusedError."""
        return Asked(
            self._document(wanted),
            wanted.variables,
            wanted.operation_name,
            only_query=wanted.only_query,
            tells_cost=wanted.tells_cost,
        )

    def _document(self, wanted: Wanted) -> str:
        match wanted.named:
            case Trusted(key):
                return self._by_id(key)
            case Automatic() as automatic:
                return self._by_hash(automatic, wanted.query)
        assert wanted.query is not None
        if self._only:
            raise _not_trusted()
        return wanted.query

    def _by_id(self, key: str) -> str:
        found = self._trusted.get(key)
        if found is None:
            raise UnknownDocumentError(Code.DOCUMENT_NOT_FOUND, "No document has this `documentId`.")
        return found

    def _by_hash(self, automatic: Automatic, query: str | None) -> str:
        if automatic.version != VERSION:
            raise UnknownDocumentError(Code.PERSISTED_QUERY_NOT_SUPPORTED, "PersistedQueryNotSupported")
        found = self._trusted.get(automatic.sha256)
        if found is None and self._only:
            raise _not_trusted()
        if query is not None:
            if sha256(query.encode()).hexdigest() != automatic.sha256:
                raise UnfitError("`persistedQuery.sha256Hash` is not the hash of `query`.")
            return query
        found = found or self.automatic.get(automatic.sha256)
        if found is None:
            raise UnknownDocumentError(Code.PERSISTED_QUERY_NOT_FOUND, "PersistedQueryNotFound")
        return found

    def register(self, wanted: Wanted) -> None:
        """Register a valid document that was sent together with its hash (APQ)."""
        named, query = wanted.named, wanted.query
        if not isinstance(named, Automatic) or query is None or named.sha256 in self._trusted:
            return
        if self.automatic.get(named.sha256) is None:
            self.automatic.keep(named.sha256, query, OVERHEAD + 4 * len(query))


def _not_trusted() -> UnknownDocumentError:
    message = "Only the documents that this server knows are run here: give a `documentId`."
    return UnknownDocumentError(Code.DOCUMENT_NOT_TRUSTED, message)
