"""The media endpoint: the images of articles that lie in the content folder, at `/media/PATH`.

1. The store must know an article that the caller sees and that uses an image at exactly this path. So neither
   another file of the folder nor anything outside it has an address here.
2. The file is opened below the folder and its type is read, on a thread. From then on, the open file counts.
3. The request may be conditional (`If-None-Match`), or for a range of the file.
"""

import asyncio
import os
import re
from asyncio import CancelledError
from collections.abc import Callable
from functools import partial
from hashlib import blake2b
from io import FileIO
from pathlib import Path
from time import perf_counter
from typing import NamedTuple

from starlette.datastructures import Headers as StarletteHeaders
from starlette.types import Receive, Scope, Send

from gqlnews.database.job_queue import client_var
from gqlnews.engine.requests import INTERNAL_ERROR_MESSAGE
from gqlnews.errors import Code, ExhaustedError, ResourceLimitError
from gqlnews.query.entities import Audience
from gqlnews.server.app_state import AppState, get_app_state
from gqlnews.server.build_response import RawResponse
from gqlnews.server.disconnects import wait_for_disconnect
from gqlnews.server.limits import MIN_COST, client_address
from gqlnews.server.negotiation import HTTP_SERVICE_UNAVAILABLE, RequestHead, authenticate
from gqlnews.server.observability.logs import (
    assign_request_id,
    log,
    log_event,
    log_rejection,
    request_id_var,
)
from gqlnews.server.response import (
    HTTP,
    JSON,
    NOT_MODIFIED,
    RETRY_AFTER,
    SECURITY_HEADERS,
    Headers,
    HTTPError,
    error_body,
    graphql_headers,
    raw_headers,
    with_request_id,
)
from gqlnews.server.response_cache import NO_STORE, find_etag
from gqlnews.server.uvicorn.http_protocol import ABORT

MEDIA_PREFIX = "/media/"
MEDIA = "media"
"""Name of the transport of large images in metrics, and of the event in the log."""

CHUNK_BYTES = 256 * 1024
MAX_AGE_SECONDS = 60  # for which a cache may show an image of an article that is not public any more
OK, PARTIAL_CONTENT, RANGE_NOT_SATISFIABLE = 200, 206, 416

OpenImage = Callable[[Path, str], tuple[FileIO, str] | None]
"""(folder, path) → image and MIME type; None if there is no image. Raises ExhaustedError."""

_RANGE = re.compile(r"bytes=[ \t]*([0-9]{0,18})-([0-9]{0,18})[ \t]*", re.ASCII | re.IGNORECASE)
_POLICY = "default-src 'none'; frame-ancestors 'none'; sandbox"
_HEADERS = raw_headers(
    SECURITY_HEADERS
    | {
        "Content-Security-Policy": _POLICY,
        "Cross-Origin-Resource-Policy": "cross-origin",
        "Vary": "Authorization",
    }
)
_NO_FOLDER = (
    "This server does not know the content folder, so it has no images: set `GQLNEWS_FOLDER`, or run "
    "`gqlnews serve FOLDER`."
)
_TURNED_OFF = "Images are turned off on this server, by `--no-media`."
_NOT_FOUND = "There is no image at this path, or it belongs to no article that you may see."


class _Answer(NamedTuple):
    """The response: a part of the file of `length` bytes.

    It is in `body`, or if it is larger than `CHUNK_BYTES`, still in the open `file`, from its position on.
    """

    status: int
    headers: Headers
    length: int = 0
    body: bytes = b""
    file: FileIO | None = None


class MediaEndpoint:
    """Endpoint for GET and HEAD."""

    def __init__(self, open_image: OpenImage) -> None:
        self._open_image = open_image

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        start = perf_counter()
        head = RequestHead.from_scope(scope)
        request_id, app_state = assign_request_id(head.request_id), get_app_state(scope)
        try:
            answer = await self._find_answer(scope, head, app_state)
        except (HTTPError, CancelledError) as error:
            return await _send_error(error, app_state, send, request_id)
        except Exception:
            log.exception("an image cannot be served")
            failure = HTTPError(500, Code.INTERNAL_ERROR, INTERNAL_ERROR_MESSAGE)
            return await _send_error(failure, app_state, send, request_id)
        app_state.metrics.media[answer.status] += 1
        try:
            if answer.file is not None:
                await _stream(answer, app_state, scope, receive, with_request_id(send, request_id))
            elif head.method == "HEAD" and answer.status != NOT_MODIFIED:
                await _start(answer, with_request_id(send, request_id))
                await send({"type": "http.response.body", "body": b""})
            else:
                await RawResponse(answer.status, answer.headers, answer.body).send(send, request_id)
        finally:
            if answer.file is not None:
                answer.file.close()
            log_event(
                MEDIA,
                path=scope["path_params"]["path"],
                ms=round((perf_counter() - start) * 1000, 2),
                bytes=answer.length,
                status=answer.status,
                id=request_id_var.get(),
            )

    async def _find_answer(self, scope: Scope, head: RequestHead, app_state: AppState) -> _Answer:
        """Raises HTTPError."""
        settings = app_state.settings
        app_state.rate_limiter.acquire(client_address(scope), MIN_COST)
        if not settings.media or settings.folder is None:
            raise _not_found(_NO_FOLDER if settings.media else _TURNED_OFF)
        audience = authenticate(head.authorization, settings)
        client_var.set(app_state.client_key(scope))
        path: str = scope["path_params"]["path"]
        try:
            with app_state.concurrency_limiter:
                is_public = await app_state.store.find_media(path, audience)
                if is_public is None:
                    raise _not_found(_NOT_FOUND)
                is_shared = is_public and audience != Audience.EDITOR
                choose = partial(_choose, head, StarletteHeaders(scope=scope), is_shared)
                answer = await asyncio.to_thread(_open, self._open_image, settings.folder, path, choose)
        except ResourceLimitError as error:
            raise HTTPError(503, error.code, str(error), **{RETRY_AFTER: "1"}) from error
        except ExhaustedError as error:
            log.error("%s", error)
            message = "The server has too many open files: try again later."
            raise HTTPError(503, Code.OVERLOADED, message, **{RETRY_AFTER: "1"}) from error
        if answer is None:
            raise _not_found(_NOT_FOUND)
        if answer.file is not None:
            try:
                app_state.stream_limiter.check(scope)
            except HTTPError:
                answer.file.close()
                raise
        return answer


def _not_found(message: str) -> HTTPError:
    return HTTPError(404, Code.NOT_FOUND, message)


# Open the image and choose the response, on a thread.


def _open(
    open_image: OpenImage, folder: Path, path: str, choose: Callable[[FileIO, str], _Answer]
) -> _Answer | None:
    """Return the response with its body or the open file; None if there is no image. Raises HTTPError."""
    opened = open_image(folder, path)
    if opened is None:
        return None
    file, mime_type = opened
    try:
        answer = choose(file, mime_type)
        if answer.file is None:
            file.close()
    except BaseException:
        file.close()
        raise
    return answer


def _choose(
    head: RequestHead, request_headers: StarletteHeaders, is_shared: bool, file: FileIO, mime_type: str
) -> _Answer:
    """Return the response to a request; `is_shared` if it may be in a shared cache. Raises HTTPError."""
    status = os.fstat(file.fileno())
    size, etag = status.st_size, _etag(status)
    scope = f"public, max-age={MAX_AGE_SECONDS}" if is_shared else "private, no-cache"
    headers = (*_HEADERS, (b"cache-control", scope.encode()), (b"etag", etag))
    if head.if_none_match and _matches(head.if_none_match, etag):
        return _Answer(NOT_MODIFIED, headers)
    headers = (*headers, (b"content-type", mime_type.encode()), (b"accept-ranges", b"bytes"))
    code, start, end = OK, 0, size
    if request_headers.get("if-range", "") in {"", etag.decode()}:
        wanted = _parse_range(request_headers.get("range", ""), size)
        if wanted is not None:
            code, (start, end) = PARTIAL_CONTENT, wanted
            headers = (*headers, (b"content-range", b"bytes %d-%d/%d" % (start, end - 1, size)))
    length = end - start
    if head.method == "HEAD":
        return _Answer(code, headers, length)
    file.seek(start)
    if length > CHUNK_BYTES:
        return _Answer(code, headers, length, file=file)
    return _Answer(code, headers, length, _read_exactly(file, length))


def _etag(status: os.stat_result) -> bytes:
    """The `ETag` of a file, which changes with its size and times: `ctime` cannot be set back."""
    times = f"{status.st_size} {status.st_mtime_ns} {status.st_ctime_ns}"
    return b'"%b"' % blake2b(times.encode(), digest_size=16).hexdigest().encode()


def _matches(if_none_match: str, etag: bytes) -> bool:
    return if_none_match.strip() == "*" or find_etag(if_none_match, (etag,)) is not None


def _parse_range(text: str, size: int) -> tuple[int, int] | None:
    """Return start and end of a single range; None for several or a malformed one, which is ignored.

    Raises HTTPError (416) if the range is outside the file.
    """
    found = _RANGE.fullmatch(text)
    if found is None or found[1] == found[2] == "":
        return None
    if not found[1]:  # the last bytes
        start, end = max(0, size - int(found[2])), size
    else:
        start, end = int(found[1]), min(int(found[2]) + 1, size) if found[2] else size
        if found[2] and int(found[2]) < start:
            return None
    if start >= size:
        message = f"The range is outside the image, which has {size} bytes."
        headers = {"Content-Range": f"bytes */{size}"}
        raise HTTPError(RANGE_NOT_SATISFIABLE, Code.BAD_REQUEST, message, **headers)
    return start, end


def _read_exactly(file: FileIO, length: int) -> bytes:
    """Read the bytes. Raises HTTPError (503) if the file has become shorter."""
    data = file.read(length) or b""
    while len(data) < length:
        more = file.read(length - len(data))
        if not more:
            message = "The image is being changed: send the request again."
            raise HTTPError(HTTP_SERVICE_UNAVAILABLE, Code.OVERLOADED, message, **{RETRY_AFTER: "1"})
        data += more
    return data


# Send the response.


async def _stream(answer: _Answer, app_state: AppState, scope: Scope, receive: Receive, send: Send) -> None:
    """Send a large image in chunks; abort the connection if the file becomes shorter meanwhile."""
    assert answer.file is not None
    disconnected = asyncio.ensure_future(wait_for_disconnect(receive))
    remaining = answer.length
    try:
        with app_state.stream_limiter.acquire(scope, MEDIA):
            await _start(answer, send)
            while remaining and not disconnected.done():
                read = partial(_read_exactly, answer.file, min(CHUNK_BYTES, remaining))
                chunk = await asyncio.to_thread(read)
                remaining -= len(chunk)
                await send({"type": "http.response.body", "body": chunk, "more_body": remaining > 0})
    except (HTTPError, OSError, CancelledError):  # cancelled if the server aborts all connections
        if (extension := scope.get("extensions", {}).get(ABORT)) is not None:
            extension["abort"]()
    finally:
        disconnected.cancel()


async def _start(answer: _Answer, send: Send) -> None:
    headers = (*answer.headers, (b"content-length", b"%d" % answer.length))
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})


async def _send_error(
    error: HTTPError | CancelledError, app_state: AppState, send: Send, request_id: bytes
) -> None:
    """Send an error as GraphQL JSON, count it and log it."""
    if isinstance(error, CancelledError):  # the server aborts requests in flight
        error = HTTPError(503, Code.STOPPING, "The server is stopping: send the request again.")
    app_state.metrics.media[error.status] += 1
    app_state.metrics.count_errors((error.code,))
    log_rejection(HTTP, error.status, error.code, str(error))
    headers = (*graphql_headers(JSON), *NO_STORE, *raw_headers(error.headers))
    await RawResponse(error.status, headers, error_body(error.code, str(error))).send(send, request_id)
