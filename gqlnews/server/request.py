"""Read and parse GraphQL requests over HTTP, and resolve their references to persisted documents."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import orjson
from graphql import GraphQLError, GraphQLSchema
from starlette.datastructures import QueryParams
from starlette.requests import ClientDisconnect
from starlette.types import Receive

from gqlnews.cache import SizedLRUCache
from gqlnews.engine.documents import parse_document
from gqlnews.errors import Code, PersistedDocumentsError
from gqlnews.server.graphiql.page import explorer_is_built
from gqlnews.server.limits import SMALL_BODY_BYTES
from gqlnews.server.negotiation import RequestHead, is_encoded, is_json, prefers_html
from gqlnews.server.response import JSON, DocumentNotFoundError, HTTPError, UnprocessableRequestError

# Parse GraphQL requests according to the GraphQL over HTTP specification.
#
# https://graphql.github.io/graphql-over-http/draft/

MAX_BODY_BYTES = 256 * 1024
MAX_PARAMETERS = 50  # in the query string of a URL, as each takes time to decode
MAX_DIGITS = 18  # leading digits of `Content-Length` that are converted to a number
_NOT_IN_EXPLORER = frozenset({"extensions", "documentId"})  # parameters that the explorer cannot open
# A subscription at the beginning of a document, and its name. What precedes it has no meaning in GraphQL.
_SUBSCRIPTION = re.compile(r"(?:[\s,\ufeff]++|#[^\r\n]*+)*subscription\b\s*(\w*)", re.ASCII)


@dataclass(frozen=True, slots=True)
class ApqReference:
    """Reference to an automatic persisted query (APQ) by its SHA-256 in lower-case hex digits.

    `version` is the version of the APQ protocol; 1 is the only supported one.
    """

    sha256: str
    version: int


@dataclass(frozen=True, slots=True)
class DocumentId:
    """Reference to a trusted document by its id."""

    id: str


DocumentReference = ApqReference | DocumentId


@dataclass(frozen=True, slots=True)
class RawRequest:
    """A GraphQL request before its document reference is resolved.

    It has the document's text (`query`), a reference to it, or both: then the document is registered under
    its hash (APQ). `include_cost` and `include_hints` add the cost, and hints about the
    arguments, to the response's `extensions`.
    """

    query: str | None
    reference: DocumentReference | None = None
    variables: Mapping[str, Any] | None = None
    operation_name: str | None = None
    include_cost: bool = False
    include_hints: bool = False

    @property
    def is_subscription(self) -> bool:
        """Whether the beginning of the text shows that the request is a subscription."""
        found = _SUBSCRIPTION.match(self.query or "")
        return found is not None and self.operation_name in (None, found[1] or None)


async def read_payload(head: RequestHead, receive: Receive, reserve: Callable[[int], None]) -> bytes:
    """Return the query string of a GET or the body of a POST. Raises HTTPError, ClientDisconnect.

    `reserve` is called with the number of bytes to reserve as soon as a body is larger than
    SMALL_BODY_BYTES, and again for each further chunk.
    """
    if head.is_safe_method:
        return head.query_string
    if not is_json(head.content_type):
        message = f"The body must be `{JSON}` in UTF-8, but its `Content-Type` is `{head.content_type}`."
        raise HTTPError(415, Code.UNSUPPORTED_MEDIA_TYPE, message, **{"Accept-Post": JSON})
    if head.content_encoding and is_encoded(head.content_encoding):
        message = "Send the body uncompressed: `Content-Encoding` is not supported."
        raise HTTPError(415, Code.UNSUPPORTED_MEDIA_TYPE, message, **{"Accept-Encoding": "identity"})
    return await _read_body(head, receive, reserve)


def parse_request(head: RequestHead, payload: bytes) -> RawRequest:
    """Parse the query string of a GET or the body of a POST. Raises HTTPError."""
    if head.is_safe_method:
        return _from_parameters(_query_parameters(payload))
    return _from_mapping(_parse_json(payload, "The body"))


def wants_graphiql(head: RequestHead) -> bool:
    """Return whether to serve the explorer: for a GET or HEAD that prefers HTML, as browsers do.

    The explorer opens `query`, `variables` and `operationName` of the URL, but no persisted document. Until
    it is built, the query of the URL runs instead.
    """
    if not head.is_safe_method or not prefers_html(head.accept):
        return False
    if head.query_string.count(b"&") > MAX_PARAMETERS:
        return False
    parameters = QueryParams(head.query_string)
    return _NOT_IN_EXPLORER.isdisjoint(parameters) and ("query" not in parameters or explorer_is_built())


def _query_parameters(query_string: bytes) -> QueryParams:
    if query_string.count(b"&") > MAX_PARAMETERS:
        raise _bad_request(f"The URL has more than {MAX_PARAMETERS} parameters.")
    return QueryParams(query_string)


def _from_parameters(parameters: Mapping[str, str]) -> RawRequest:
    """Build the request of a GET, in which `variables` and `extensions` are JSON strings."""
    params: dict[str, Any] = dict(parameters)
    for name in ("variables", "extensions"):
        if params.get(name):
            params[name] = _parse_json(params[name].encode(), f"`{name}`")
        else:
            params.pop(name, None)
    return _from_mapping(params)


def _from_mapping(params: object) -> RawRequest:
    if not isinstance(params, dict):
        raise UnprocessableRequestError(
            "The body must be a JSON object with the member `query`; batched requests are not supported."
        )
    extensions = _typed(params, "extensions", dict, "an object") or {}
    reference = parse_document_reference(params.get("documentId"), params.get("query"), extensions)
    if reference is None and not params.get("query"):
        raise UnprocessableRequestError("`query` is missing: send the GraphQL document in it.")
    return RawRequest(
        query=_typed(params, "query", str, "a string") or None,
        reference=reference,
        variables=_typed(params, "variables", dict, "an object"),
        operation_name=_typed(params, "operationName", str, "a string") or None,
        **requested_extensions(extensions),
    )


def requested_extensions(extensions: Mapping[str, Any]) -> dict[str, bool]:
    """Return which `extensions` the response shall have, as arguments of `RawRequest`."""
    return {f"include_{name}": extensions.get(name) is True for name in ("cost", "hints")}


def _typed(params: Mapping[str, Any], name: str, expected: type, description: str) -> Any:
    """Return a parameter of the expected type, or None if it is absent or null."""
    value = params.get(name)
    if value is not None and not isinstance(value, expected):
        raise UnprocessableRequestError(f"`{name}` must be {description} or null.")
    return value


async def _read_body(head: RequestHead, receive: Receive, reserve: Callable[[int], None]) -> bytes:
    """Read the body. Raises HTTPError if it is larger than MAX_BODY_BYTES, and ClientDisconnect."""
    if head.content_length.isdecimal() and int(head.content_length[:MAX_DIGITS]) > MAX_BODY_BYTES:
        raise _too_large()
    body, more, reserved = bytearray(), True, 0
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        body += message.get("body", b"")
        more = message.get("more_body", False)
        if len(body) > MAX_BODY_BYTES:
            raise _too_large()
        if len(body) > SMALL_BODY_BYTES:
            reserve(len(body) - reserved)
            reserved = len(body)
    return bytes(body)


def _parse_json(text: bytes, description: str) -> object:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise _bad_request(f"{description} is not JSON: {error}") from error


def _bad_request(message: str) -> HTTPError:
    return HTTPError(400, Code.BAD_REQUEST, message)


def _too_large() -> HTTPError:
    return HTTPError(413, Code.BODY_TOO_LARGE, f"The body is larger than {MAX_BODY_BYTES} bytes.")


# Document references in a request: the hash of an automatic persisted query (APQ), or a document id.
#
# With APQ, a client sends only the SHA-256 of its document. If the server does not know the hash, the client
# sends the document together with its hash once, and the server registers it.
#
# https://www.apollographql.com/docs/apollo-server/performance/apq and the appendix "Persisted Documents" of
# GraphQL over HTTP.

APQ_VERSION = 1
_SHA256_HEX = re.compile(r"[0-9a-f]{64}")
MAX_ID_LENGTH = 1_000  # characters


def parse_document_reference(
    document_id: object, query: object, extensions: Mapping[str, Any]
) -> DocumentReference | None:
    """Parse the document reference; None if there is none. Raises UnprocessableRequestError."""
    persisted = extensions.get("persistedQuery")
    if document_id is not None:
        if not isinstance(document_id, str) or not 0 < len(document_id) <= MAX_ID_LENGTH:
            message = f"`documentId` must be a string of 1 to {MAX_ID_LENGTH:,} characters."
            raise UnprocessableRequestError(message)
        if query or persisted is not None:
            message = "`documentId` cannot be combined with `query` or `persistedQuery`."
            raise UnprocessableRequestError(message)
        return DocumentId(document_id)
    return None if persisted is None else _parse_apq(persisted)


def _parse_apq(value: object) -> ApqReference:
    if not isinstance(value, dict):
        raise UnprocessableRequestError("`persistedQuery` must be an object.")
    version, sha256 = value.get("version"), value.get("sha256Hash")
    if type(version) is not int:
        raise UnprocessableRequestError("`persistedQuery.version` must be 1.")
    if not isinstance(sha256, str) or not _SHA256_HEX.fullmatch(sha256.lower()):
        raise UnprocessableRequestError("`persistedQuery.sha256Hash` must be 64 hex digits.")
    return ApqReference(sha256.lower(), version)


# Resolve document references: trusted documents by id or hash, and automatic persisted queries (APQ) by hash.

MAX_APQ_BYTES = 16 << 20  # of registered automatic persisted queries
ENTRY_OVERHEAD = 300  # bytes of a cache entry besides its text, approximately
_UNKNOWN = "the files of --persisted-documents did not contain it when the server started"


class PersistedDocuments:
    """Resolve document references. `trusted` is id → document; with `trusted_only`, no others may run."""

    def __init__(self, trusted: Mapping[str, str], *, trusted_only: bool) -> None:
        self._trusted, self._trusted_only = trusted, trusted_only
        self.id = sha256(orjson.dumps(trusted, option=orjson.OPT_SORT_KEYS)).digest()
        """Identifies the trusted documents."""
        self.apq_cache: SizedLRUCache[str, str] = SizedLRUCache(MAX_APQ_BYTES)

    def resolve(self, raw: RawRequest) -> str:
        """Return the text of the request's document. Raises HTTPError."""
        match raw.reference:
            case DocumentId(document_id):
                return self._by_id(document_id)
            case ApqReference() as reference:
                return self._by_hash(reference, raw.query)
        assert raw.query is not None
        if self._trusted_only:
            raise _not_trusted("so send the `documentId` or the hash of one")
        return raw.query

    def _by_id(self, document_id: str) -> str:
        document = self._trusted.get(document_id)
        if document is None:
            message = f"No document has this `documentId`: {_UNKNOWN}."
            raise DocumentNotFoundError(Code.DOCUMENT_NOT_FOUND, message)
        return document

    def _by_hash(self, reference: ApqReference, query: str | None) -> str:
        if reference.version != APQ_VERSION:
            raise DocumentNotFoundError(Code.PERSISTED_QUERY_NOT_SUPPORTED, "PersistedQueryNotSupported")
        document = self._trusted.get(reference.sha256)
        if document is None and self._trusted_only:
            raise _not_trusted(f"and none has this hash: {_UNKNOWN}")
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


def _not_trusted(hint: str) -> DocumentNotFoundError:
    message = f"This server runs only trusted documents, {hint}."
    return DocumentNotFoundError(Code.DOCUMENT_NOT_TRUSTED, message)


# Load trusted documents at startup, from folders of `.graphql` files and from JSON manifests.
#
# The id of a file is its path in the folder, without the suffix. A manifest is an object of id → document, as
# Relay's compiler writes it, or has Apollo's format with a list of operations. Every document can also be
# referenced by its SHA-256, as hex digits or as `sha256:…`.

SUFFIXES = frozenset({".graphql", ".gql"})


class TrustedDocuments:
    """The valid documents of folders and manifests; `texts` is id → document."""

    def __init__(self, schema: GraphQLSchema) -> None:
        self._schema = schema
        self.texts: dict[str, str] = {}
        self._locations: dict[str, str] = {}  # of the first document with an id

    def add(self, path: Path) -> None:
        """Load and validate the documents of a folder or manifest.

        Raises PersistedDocumentsError, which names the file, also if two documents have the same id.
        """
        documents = list(_read(path))
        if not documents:
            raise PersistedDocumentsError(
                f"{path}: no documents: name a folder with .graphql or .gql files, or a JSON manifest"
            )
        for document_id, text, location in documents:
            self._add(document_id, text, location)

    def _add(self, document_id: str, text: str, location: str) -> None:
        errors = parse_document(text, self._schema).errors
        if errors:
            raise PersistedDocumentsError(f"{location}: {_error_message(errors[0])}")
        digest = sha256(text.encode()).hexdigest()
        for key in (document_id, digest, f"sha256:{digest}"):
            first = self._locations.setdefault(key, location)
            if self.texts.setdefault(key, text) != text:
                message = f"another document has the same id {key!r}: {first}; rename one of them"
                raise PersistedDocumentsError(f"{location}: {message}")


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
