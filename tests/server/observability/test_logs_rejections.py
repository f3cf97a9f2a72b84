"""Rejected requests in the log: each has one line, with its error code."""

import json
import logging
from pathlib import Path
from typing import Any
from unittest.mock import patch
from urllib.parse import urlsplit

import httpx2
import pytest
from starlette.testclient import TestClient

from gqlnews.server import websocket as server_socket
from tests.live import PLAIN, wait_until
from tests.server.live import Site
from tests.server.support import serving
from tests.server.uvicorn.test_timeouts_static_responses import (
    BODY,
    KEY,
    KIB,
    POST,
    UPGRADE,
    VERSION,
    exchange,
)

CLOSE = b"Connection: close\r\n\r\n"
GET = b"GET /graphql HTTP/1.1\r\nHost: a\r\n"
CHUNKED = POST.replace(b"Content-Length: 37", b"Transfer-Encoding: chunked")
GZIPPED = CHUNKED.replace(b"chunked", b"gzip, chunked")
STREAM = "text/event-stream"

# Sent bytes, event, status and code.
REJECTIONS = [
    # before the application
    (b"nonsense\r\n\r\n", "rejected", 400, "BAD_REQUEST"),
    (b"GET / HTTP/1.1\r\n\r\n", "rejected", 400, "BAD_REQUEST"),
    (CHUNKED + b"\r\n" + b"0" * 1_100_000, "rejected", 413, "BODY_TOO_LARGE"),
    (b"GET /%b HTTP/1.1\r\nHost: a\r\n\r\n" % (b"x" * 65 * KIB), "rejected", 414, "URL_TOO_LONG"),
    (POST + b"Expect: x\r\n\r\n", "rejected", 417, "EXPECTATION_FAILED"),
    (GET + b"a: b\r\n" * 201 + b"\r\n", "rejected", 431, "HEADERS_TOO_LARGE"),
    (GZIPPED + b"\r\n", "rejected", 501, "UNSUPPORTED_TRANSFER_ENCODING"),
    # by routes
    (GET.replace(b"/graphql", b"/nowhere") + CLOSE, "rejected", 404, "NOT_FOUND"),
    (GET.replace(b"GET", b"PUT") + CLOSE, "rejected", 405, "METHOD_NOT_ALLOWED"),
    # handshakes of WebSockets
    (UPGRADE + VERSION + b"\r\n", "rejected", 400, "BAD_REQUEST"),
    (UPGRADE.replace(b"/graphql", b"/\xff") + VERSION + KEY + b"\r\n", "rejected", 400, "BAD_REQUEST"),
    (UPGRADE.replace(b"/graphql", b"/nowhere") + VERSION + KEY + b"\r\n", "rejected", 404, "NOT_FOUND"),
    (UPGRADE + VERSION + KEY + b"Origin: http://b\r\n\r\n", "rejected", 403, "ORIGIN_NOT_ALLOWED"),
    # by the endpoint
    (GET + CLOSE, "operation", 400, "BAD_REQUEST"),
    (GET + b"Accept: image/png\r\n" + CLOSE, "operation", 406, "NOT_ACCEPTABLE"),
    (POST + b"Authorization: Bearer x\r\n" + CLOSE + BODY, "operation", 401, "UNAUTHENTICATED"),
    (POST + CLOSE + BODY.replace(b"} }", b"} ("), "operation", 200, "GRAPHQL_PARSE_FAILED"),
]  # fmt: skip


@pytest.mark.parametrize("log_format", ["text", "json"])
def test_a_rejected_request_is_logged_with_its_code(content: Path, tmp_path: Path, log_format: str) -> None:
    with serving(tmp_path, content, "--log-format", log_format) as (url, run):
        address = "127.0.0.1", urlsplit(url).port or 0
        for data, event, status, code in REJECTIONS:
            assert exchange(address, data).startswith(b"HTTP/1.1 %d " % status)
            line = run.wait_for(rf"^.*\b{event}\b.*{code}.*$")
            if log_format == "text":
                assert f" {event} " in line
                assert {f"status={status}", f"code={code}"} <= set(line.split())
            else:
                entry = json.loads(line)
                assert (entry["message"], entry["status"], entry["code"]) == (event, status, code)


def fields_of(caplog: pytest.LogCaptureFixture, code: str) -> list[dict[str, Any]]:
    """The fields of the lines with this code."""
    every: list[dict[str, Any]] = [record.__dict__.get("fields", {}) for record in caplog.records]
    return [fields for fields in every if fields.get("code") == code]


def test_a_rejected_stream_is_logged_with_its_code(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "gqlnews")
    httpx2.post(site.url, json={"query": "{ nope }"}, headers={"accept": STREAM})
    wait_until(lambda: bool(fields_of(caplog, "GRAPHQL_VALIDATION_FAILED")))
    (fields,) = fields_of(caplog, "GRAPHQL_VALIDATION_FAILED")
    assert fields["over"] == "events"


@pytest.mark.parametrize(
    ("payload", "code"),
    [
        ({"query": "{ nope }"}, "GRAPHQL_VALIDATION_FAILED"),
        ({"query": PLAIN, "variables": {"since": "yesterday"}}, "BAD_VERSION"),
        ({"documentId": "unknown"}, "DOCUMENT_NOT_FOUND"),
    ],
)
def test_a_rejected_operation_of_a_websocket_is_logged_with_its_code(
    site: Site, caplog: pytest.LogCaptureFixture, payload: dict[str, Any], code: str
) -> None:
    caplog.set_level(logging.INFO, "gqlnews")
    with site.socket() as socket:
        socket.send("subscribe", id="1", payload=payload)
        socket.receive_for("1")
    wait_until(lambda: bool(fields_of(caplog, code)))
    (fields,) = fields_of(caplog, code)
    assert fields["over"] == "websocket"


@pytest.mark.parametrize(
    ("message", "status", "code"),
    [
        ("[]", 4400, "BAD_REQUEST"),
        ('{"type": "subscribe", "id": "1", "payload": {"query": "{a}"}}', 4401, "UNAUTHENTICATED"),
        (
            '{"type": "connection_init", "payload": {"authorization": "Bearer of-nobody"}}',
            4403,
            "UNAUTHENTICATED",
        ),
        ("x" * 65_537, 1009, "BODY_TOO_LARGE"),
    ],
)
def test_a_websocket_that_the_server_closes_is_logged_with_its_code(
    site: Site, caplog: pytest.LogCaptureFixture, message: str, status: int, code: str
) -> None:
    caplog.set_level(logging.INFO, "gqlnews")
    with site.raw() as socket:
        socket.connection.send(message)
        assert socket.closed()[0] == status
    wait_until(lambda: bool(fields_of(caplog, code)))
    (fields,) = fields_of(caplog, code)
    assert (fields["over"], fields["status"]) == ("websocket", status)
    assert "of-nobody" not in caplog.text


def test_a_line_about_a_closed_websocket_has_its_request_id(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "gqlnews")
    with patch.object(server_socket, "INIT_SECONDS", 0.05), site.raw() as socket:
        assert socket.closed()[0] == 4408
    wait_until(lambda: bool(fields_of(caplog, "REQUEST_TIMEOUT")))
    (fields,) = fields_of(caplog, "REQUEST_TIMEOUT")
    assert fields["id"]


def test_a_rejected_request_gets_the_request_id_of_its_line(
    client: TestClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "gqlnews")
    response = client.get("/nowhere", headers={"x-request-id": "mine"})
    (fields,) = fields_of(caplog, "NOT_FOUND")
    assert response.headers["x-request-id"] == fields["id"] == "mine"
