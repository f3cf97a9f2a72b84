"""Persisted documents: trusted documents by id or hash, and automatic persisted queries (APQ) by hash."""

from collections.abc import Iterator, Mapping
from hashlib import sha256
from pathlib import Path

import orjson
from graphql import GraphQLError

from gqlnews.cache import SizedLRUCache
from gqlnews.engine.documents import DocumentCache
from gqlnews.engine.requests import GraphQLRequest
from gqlnews.errors import Code, PersistedDocumentsError
from gqlnews.server.request import APQ_VERSION, ApqReference, DocumentId, RawRequest
from gqlnews.server.response import DocumentNotFoundError, UnprocessableRequestError

MAX_APQ_BYTES = 16 << 20  # of registered automatic persisted queries
ENTRY_OVERHEAD = 300  # bytes of a cache entry besides its text, approximately


class PersistedDocuments:
    """Resolve document references. `trusted` is id → document; with `trusted_only`, no others may run."""

    def __init__(self, trusted: Mapping[str, str], *, trusted_only: bool) -> None:
        self._trusted, self._trusted_only = trusted, trusted_only
        self.apq_cache: SizedLRUCache[str, str] = SizedLRUCache(MAX_APQ_BYTES)

    def resolve(self, raw: RawRequest) -> GraphQLRequest:
        """Replace the request's document reference by the document. Raises HTTPError."""
        return GraphQLRequest(
            self._document(raw),
            raw.variables,
            raw.operation_name,
            reject_mutations=raw.reject_mutations,
            include_cost=raw.include_cost,
        )

    def _document(self, raw: RawRequest) -> str:
        match raw.reference:
            case DocumentId(document_id):
                return self._by_id(document_id)
            case ApqReference() as reference:
                return self._by_hash(reference, raw.query)
        assert raw.query is not None
        if self._trusted_only:
            raise _not_trusted()
        return raw.query

    def _by_id(self, document_id: str) -> str:
        document = self._trusted.get(document_id)
        if document is None:
            raise DocumentNotFoundError(Code.DOCUMENT_NOT_FOUND, "No document has this `documentId`.")
        return document

    def _by_hash(self, reference: ApqReference, query: str | None) -> str:
        if reference.version != APQ_VERSION:
            raise DocumentNotFoundError(Code.PERSISTED_QUERY_NOT_SUPPORTED, "PersistedQueryNotSupported")
        document = self._trusted.get(reference.sha256)
        if document is None and self._trusted_only:
            raise _not_trusted()
        if query is not None:
            if sha256(query.encode()).hexdigest() != reference.sha256:
                raise UnprocessableRequestError("`persistedQuery.sha256Hash` is not the hash of `query`.")
            return query
        document = document or self.apq_cache.get(reference.sha256)
        if document is None:
            raise DocumentNotFoundError(Code.PERSISTED_QUERY_NOT_FOUND, "PersistedQueryNotFound")
        return document

    def register(self, raw: RawRequest) -> None:
        """Register a valid document that was sent together with its hash (APQ)."""
        reference, query = raw.reference, raw.query
        if not isinstance(reference, ApqReference) or query is None or reference.sha256 in self._trusted:
            return
        if self.apq_cache.get(reference.sha256) is None:
            self.apq_cache.set(reference.sha256, query, ENTRY_OVERHEAD + 4 * len(query))


def _not_trusted() -> DocumentNotFoundError:
    message = "This server runs only trusted documents: send the `documentId` or the hash of one."
    return DocumentNotFoundError(Code.DOCUMENT_NOT_TRUSTED, message)


# Load trusted documents at startup, from a folder of `.graphql` files or from a JSON manifest.
#
# The id of a file is its path in the folder, without the suffix. A manifest is an object of id → document, as
# Relay's compiler writes it, or has Apollo's format with a list of operations. Every document can also be
# referenced by its SHA-256, as hex digits or as `sha256:…`.

SUFFIXES = frozenset({".graphql", ".gql"})
NO_DOCUMENTS: Mapping[str, str] = {}


def read_trusted_documents(path: Path, documents: DocumentCache) -> Mapping[str, str]:
    """Load and validate documents as id → document. Raises PersistedDocumentsError, which names the file."""
    trusted: dict[str, str] = {}
    for document_id, text, location in _read(path):
        errors = documents.get(text).errors
        if errors:
            raise PersistedDocumentsError(f"{location}: {_error_message(errors[0])}")
        digest = sha256(text.encode()).hexdigest()
        for key in (document_id, digest, f"sha256:{digest}"):
            if trusted.setdefault(key, text) != text:
                raise PersistedDocumentsError(f"{location}: another document has the same id {key!r}")
    if not trusted:
        raise PersistedDocumentsError(
            f"{path}: no documents: name a folder with .graphql or .gql files, or a JSON manifest"
        )
    return trusted


def _read(path: Path) -> Iterator[tuple[str, str, str]]:
    """Yield (id, text, source location for errors) of each document."""
    if not path.is_dir():
        yield from _read_manifest(path)
        return
    for file in sorted(path.rglob("*")):
        if file.suffix in SUFFIXES and file.is_file():
            yield file.relative_to(path).with_suffix("").as_posix(), _read_utf8(file).decode(), str(file)


def _read_manifest(path: Path) -> Iterator[tuple[str, str, str]]:
    try:
        manifest = orjson.loads(_read_utf8(path))
    except orjson.JSONDecodeError as error:
        raise PersistedDocumentsError(f"{path}: the manifest is not JSON: {error}") from error
    try:
        entries = (
            [(one["id"], one["body"]) for one in manifest["operations"]]
            if _is_apollo_manifest(manifest)
            else manifest.items()
        )
    except (AttributeError, KeyError, TypeError) as error:
        raise PersistedDocumentsError(
            f"{path}: a manifest must be an object of ids and documents, or in Apollo's format"
        ) from error
    for document_id, text in entries:
        if not isinstance(document_id, str) or not isinstance(text, str):
            raise PersistedDocumentsError(f"{path}: the document {document_id!r} is not a string")
        yield document_id, text, f"{path}, document {document_id!r}"


def _is_apollo_manifest(manifest: object) -> bool:
    return isinstance(manifest, dict) and isinstance(manifest.get("operations"), list)


def _read_utf8(path: Path) -> bytes:
    try:
        content = path.read_bytes()
        content.decode()
    except OSError as error:
        raise PersistedDocumentsError(
            f"{path}: cannot be read ({error.strerror}): name a folder or a file"
        ) from error
    except UnicodeDecodeError as error:
        raise PersistedDocumentsError(f"{path}: is not UTF-8") from error
    return content


def _error_message(error: GraphQLError) -> str:
    location = error.locations[0] if error.locations else None
    if location is None:
        return error.message
    return f"{error.message} (line {location.line}, column {location.column})"
