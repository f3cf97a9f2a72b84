"""Load trusted documents at startup, from a folder of `.graphql` files or from a JSON manifest.

A file's id is its path in the folder, without suffix. A manifest is an object of id → document, as Relay's
compiler writes it, or Apollo's format with a list of operations. Every document also has its SHA-256 as id,
as hex digits and as `sha256:…`.
"""

from collections.abc import Iterator, Mapping
from hashlib import sha256
from pathlib import Path

import orjson
from graphql import GraphQLError

from gqlnews.engine.document_cache import DocumentCache
from gqlnews.errors import PersistedDocumentsError

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
