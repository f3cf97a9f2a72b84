"""Persisted documents: trusted documents by id, and automatic persisted queries (APQ) by hash."""

from collections.abc import Iterator, Mapping
from hashlib import sha256
from pathlib import Path

import orjson
from graphql import GraphQLError

from gqlnews.cache import SizedLRUCache
from gqlnews.engine.documents import DocumentCache
from gqlnews.engine.requests import GraphQLRequest
from gqlnews.errors import Code, PersistedDocumentsError
from gqlnews.server.request import VERSION, ApqReference, DocumentId, RawRequest
from gqlnews.server.response import DocumentNotFoundError, UnprocessableRequestError

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


# Load trusted documents at startup, from a folder of `.graphql` files or from a JSON manifest.
#
# A file's id is its path in the folder, without suffix. A manifest is an object of id → document, as Relay's
# compiler writes it, or Apollo's format with a list of operations. Every document also has its SHA-256 as id,
# as hex digits and as `sha256:…`.


SUFFIXES = frozenset({".graphql", ".gql"})
NONE: Mapping[str, str] = {}


def trusted_documents(path: Path, documents: DocumentCache) -> Mapping[str, str]:
    """Load and validate documents as id → text. Raises PersistedDocumentsError, which names the file."""
    found: dict[str, str] = {}
    for key, text, place in _read(path):
        errors = documents.get(text).errors
        if errors:
            raise PersistedDocumentsError(f"{place}: {_error_message(errors[0])}")
        digest = sha256(text.encode()).hexdigest()
        for name in (key, digest, f"sha256:{digest}"):
            if found.setdefault(name, text) != text:
                raise PersistedDocumentsError(f"{place}: another document has the id {name!r} too")
    if not found:
        raise PersistedDocumentsError(f"{path}: no documents: files must end in .graphql or .gql")
    return found


def _read(path: Path) -> Iterator[tuple[str, str, str]]:
    """Yield (id, text, source location for errors) of each document."""
    if not path.is_dir():
        yield from _manifest(path)
        return
    for file in sorted(path.rglob("*")):
        if file.suffix in SUFFIXES and file.is_file():
            yield file.relative_to(path).with_suffix("").as_posix(), _text(file).decode(), str(file)


def _manifest(path: Path) -> Iterator[tuple[str, str, str]]:
    try:
        given = orjson.loads(_text(path))
    except orjson.JSONDecodeError as error:
        raise PersistedDocumentsError(f"{path}: a manifest is JSON, and this is not: {error}") from error
    try:
        entries = (
            [(one["id"], one["body"]) for one in given["operations"]] if _is_apollos(given) else given.items()
        )
    except (AttributeError, KeyError, TypeError) as error:
        raise PersistedDocumentsError(
            f"{path}: a manifest is an object of id and document, or Apollo's"
        ) from error
    for key, text in entries:
        if not isinstance(key, str) or not isinstance(text, str):
            raise PersistedDocumentsError(f"{path}: {key!r} is no id of a document that is text")
        yield key, text, f"{path}, document {key!r}"


def _is_apollos(given: object) -> bool:
    return isinstance(given, dict) and isinstance(given.get("operations"), list)


def _text(path: Path) -> bytes:
    try:
        text = path.read_bytes()
        text.decode()
    except OSError as error:
        raise PersistedDocumentsError(
            f"{path}: cannot be read ({error.strerror}): name a folder or a file"
        ) from error
    except UnicodeDecodeError as error:
        raise PersistedDocumentsError(f"{path}: is not UTF-8") from error
    return text


def _error_message(error: GraphQLError) -> str:
    where = error.locations[0] if error.locations else None
    return error.message if where is None else f"{error.message} (line {where.line}, column {where.column})"
