"""Invariants of every response, and the violations of them."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.fuzz.client import Answer, Request
from tests.fuzz.place import SECRET
from tests.server.support import TOKEN, TOKEN_HASH

ROOT = Path(__file__).parent.parent.parent
CODES = frozenset(
    re.findall(r"^\| `([A-Z_]+)` \|", (ROOT / "docs" / "errors.md").read_text("utf-8"), re.MULTILINE)
)
SECONDS = 2.0
"""Processor time; wall-clock time also depends on the machine."""

MAX_MESSAGE, MAX_ERRORS, MAX_ERROR_CHARACTERS = 300, 10, 70_000
"""Characters, errors, and characters as Python writes JSON: `\\u1234` for two or three bytes."""

OVERLOADED = 503
INTERNAL_WORDS = (
    *("Traceback", ".py", "sqlite", "SELECT ", "strawberry", "graphql.error", "site-packages"),
    *("<class ", "object at", "orjson", "msgspec", "starlette", "uvicorn", "xdist", str(ROOT), "/tmp"),  # noqa: S108
)
JSONS = ("application/json", "application/graphql-response+json")
STREAMS, PAGE = ("text/event-stream", "multipart/mixed"), "text/html"


def violations(request: Request, answer: Answer) -> list[str]:
    """Describe the invariants that the response violates."""
    return [*_check_http(request, answer), *_check_secrets(request, answer), *_check_body(request, answer)]


def _check_http(request: Request, answer: Answer) -> Iterator[str]:
    if answer.status >= 500 and answer.status != OVERLOADED:
        yield f"status {answer.status}"
    if request.is_http_1_0 and answer.header("transfer-encoding"):
        yield "a client of HTTP/1.0 cannot decode chunks"
    if request.token and "public" in answer.header("cache-control"):
        yield "shared caches may store an editor's response"
    for name, value in answer.headers:
        yield from find_leaks(f"{name}: {value}", request.sent)


def _check_secrets(request: Request, answer: Answer) -> Iterator[str]:
    everything = answer.body + repr(answer.headers).encode()
    if SECRET.encode() in everything.lower() and not request.token and SECRET not in request.sent.lower():
        yield "what is not published shows"
    if TOKEN.encode() in everything or TOKEN_HASH.encode() in everything:
        yield "a token shows"


def _check_body(request: Request, answer: Answer) -> Iterator[str]:
    if request.method == "HEAD" or answer.status == 304:
        return
    if answer.kind in STREAMS:
        for payload in _payloads(answer.body.decode()):
            yield from check_payload(payload, request.sent)
        return
    if answer.kind not in (*JSONS, PAGE):
        yield f"{answer.kind} is no kind of answer"
    if answer.kind not in JSONS:
        return
    try:
        body = json.loads(answer.body)
    except ValueError:
        yield "the body is no JSON"
        return
    yield from check_response(body, request.sent)
    if answer.status >= 400 and ("data" in body or not body.get("errors")):
        yield "a refusal with data, or without errors"


def _payloads(body: str) -> Iterator[Any]:
    """Yield the JSON of the parts or events, one per line."""
    for line in body.splitlines():
        text = line.removeprefix("data: ")
        if text.startswith("{"):
            yield json.loads(text)


def check_payload(payload: Any, sent: str) -> Iterator[str]:
    """Check one part of a response."""
    parts = [payload, *payload.get("incremental", ()), *payload.get("completed", ())]
    for error in (error for part in parts for error in part.get("errors", ())):
        yield from check_error(error, sent)


def check_response(body: Any, sent: str) -> Iterator[str]:
    """Check a GraphQL response, whatever its transport."""
    if not isinstance(body, dict) or not body.keys() & {"data", "errors"}:
        yield "the body is no GraphQL response"
        return
    errors = body.get("errors", ())
    if "data" not in body and (len(errors) > MAX_ERRORS or len(json.dumps(errors)) > MAX_ERROR_CHARACTERS):
        yield f"a refusal of {len(errors)} errors in {len(json.dumps(errors))} characters"
    for error in errors:
        yield from check_error(error, sent)


def check_error(error: Any, sent: str) -> Iterator[str]:
    code = error.get("extensions", {}).get("code")
    if code not in CODES or code == "INTERNAL_ERROR":
        yield f"the code of an error is {code}"
    if not 0 < len(str(error.get("message") or "")) <= MAX_MESSAGE:
        yield "an error without a message, or with a long one"
    yield from find_leaks(json.dumps(error), sent)


def find_leaks(text: str, sent: str) -> Iterator[str]:
    """Yield internal words that the client did not send itself."""
    for word in INTERNAL_WORDS:
        is_present = word in text if word.isupper() else word.lower() in text.lower()  # SQL is in capitals
        if is_present and word.lower() not in sent.lower():
            yield f"{word!r} of the inside shows in {text[:300]}"
