"""Groups 7, 8 and 15: the explorer's page, other paths, connections, and everything at once."""

from benchmarks.hostile import documents
from benchmarks.hostile.scans import most_expensive, searches
from benchmarks.hostile.sockets import invalid, watch_matches
from benchmarks.hostile.traffic import (
    Attack,
    ConnectionFlood,
    HttpFlood,
    Payload,
    SocketFlood,
    get,
    pipelined,
    post,
)
from benchmarks.hostile.unseen import filter_shapes

HTML = "text/html,application/xhtml+xml;q=0.9"
HALF_REQUEST = (
    b"POST /graphql HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    b"Content-Length: 100000\r\n\r\n{"
)
HALF_BODY = (
    b"POST /graphql HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    b"Content-Length: 260000\r\n\r\n" + b" " * 250_000
)
HALF_HEAD = b"GET /graphql HTTP/1.1\r\nHost: localhost\r\nX-"


def page(number: int) -> Payload:
    return get("/graphql", HTML)


def ready(number: int) -> Payload:
    return get("/health/ready")


def metrics(number: int) -> Payload:
    return get("/metrics")


def unknown(number: int) -> Payload:
    return get(f"/nothing/{number}")


def small(number: int) -> Payload:
    return post(f"{{site{{{documents.name(number)}:version}}}}")


def tiny_pipelined(number: int) -> Payload:
    return pipelined([Payload(b"GET / HTTP/1.1\r\nHost:a\r\n\r\n")] * 8_000)


def small_pipelined(number: int) -> Payload:
    return pipelined([small(number * 500 + at) for at in range(500)])


def tiny_chunks(number: int) -> Payload:
    head = b"POST /graphql HTTP/1.1\r\nHost:a\r\nContent-Type: application/json\r\n"
    head += b"Transfer-Encoding: chunked\r\n\r\n"
    return Payload(head + b"1\r\n \r\n" * 40_000 + b"1\r\n0\r\n0\r\n\r\n")


EVERYTHING = (
    HttpFlood(most_expensive, 16, 500),
    HttpFlood(searches, 8, 500),
    HttpFlood(filter_shapes, 8, 500),
    HttpFlood(page, 8, 1),
    HttpFlood(lambda number: post(documents.misspelled_fields(number)), 8, 500),
    SocketFlood(invalid, 4, 20),
    SocketFlood(watch_matches, 4, 4, limit=4),
)

ENDPOINTS = (
    Attack("explorer", 7, "requests for the explorer's page", (HttpFlood(page, 32, 1),)),
    Attack(
        "explorer-busy",
        7,
        "as `explorer`, while expensive queries run",
        (HttpFlood(page, 32, 1), HttpFlood(most_expensive, 16, 500)),
    ),
    Attack("ready", 8, "requests for /health/ready over 64 connections", (HttpFlood(ready, 64, 1),)),
    Attack(
        "ready-busy",
        8,
        "as `ready`, over 16 connections, while expensive queries run",
        (HttpFlood(ready, 16, 1), HttpFlood(most_expensive, 64, 500)),
    ),
    Attack(
        "metrics",
        8,
        "requests for /metrics and unknown paths",
        (HttpFlood(metrics, 16, 1), HttpFlood(unknown, 16, 1_000)),
    ),
    Attack("everything", 8, "expensive attacks of several groups at once", EVERYTHING),
    Attack("small-queries", 15, "small valid queries, over 64 connections", (HttpFlood(small, 64, 10_000),)),
    Attack(
        "small-pipelined",
        15,
        "500 small queries in one write, over 4 connections",
        (HttpFlood(small_pipelined, 4, 40),),
    ),
    Attack(
        "tiny-pipelined",
        15,
        "8,000 requests that are redirected, in one write, over 4 connections",
        (HttpFlood(tiny_pipelined, 4, 1),),
    ),
    Attack(
        "tiny-unread",
        15,
        "as `tiny-pipelined`, over 50 connections that do not read",
        (HttpFlood(tiny_pipelined, 50, 1, limit=500, reads=False),),
    ),
    Attack("tiny-chunks", 15, "request bodies in chunks of one byte", (HttpFlood(tiny_chunks, 8, 1),)),
    Attack("connections", 15, "1,000 connections per second", (ConnectionFlood(b"", 1_000, 0.1),)),
    Attack(
        "half-requests",
        15,
        "1,000 connections per second, each with a body that stops after one byte",
        (ConnectionFlood(HALF_REQUEST, 1_000, 60.0),),
    ),
    Attack(
        "half-heads",
        15,
        "1,000 connections per second, each with headers that stop in the middle",
        (ConnectionFlood(HALF_HEAD, 1_000, 60.0),),
    ),
    Attack(
        "half-bodies",
        15,
        "200 connections per second, each with 250 of 260 KB of a body",
        (ConnectionFlood(HALF_BODY, 200, 60.0),),
    ),
    Attack(
        "idle", 15, "12,000 connections that stay open", (ConnectionFlood(b"", 2_000, 60.0, limit=12_000),)
    ),
)
