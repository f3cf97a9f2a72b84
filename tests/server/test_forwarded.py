"""Clients behind trusted proxies: which address counts, and everything that counts by it."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import Mock, patch

import httpx2
import pytest
from starlette.testclient import TestClient
from websockets.exceptions import InvalidStatus

from gqlnews.app import build_app
from gqlnews.config.settings import HttpSettings, ServerSettings
from gqlnews.server import limits
from gqlnews.server.forwarded import MAX_PARTS, TrustedProxies, get_peer, parse_address
from gqlnews.server.limits import BodyMemory, client_key
from gqlnews.server.preparation import Preparer
from tests.server.live import COUNT, HEAT, Site, running_site
from tests.server.support import environment, running

FORWARDED = "X-Forwarded-For"
TRUSTED = ("10.0.0.0/8", "2001:db8:ffff::/48", "192.0.2.1")
COSTLY = "{ articles(first: 100) { nodes { slug } } }"  # a minute's debt, at a rate of 1
LOCAL = HttpSettings(forwarded_allow_ips=("127.0.0.1",))


def resolve(*headers: str, peer: Any = ("10.0.0.1", 7), trusted: tuple[str, ...] = TRUSTED) -> dict[str, Any]:
    scope = {"client": peer, "headers": [(b"x-forwarded-for", header.encode()) for header in headers]}
    TrustedProxies(trusted).replace_client(scope)
    return scope


@pytest.mark.parametrize(
    ("headers", "client"),
    [
        (["203.0.113.5"], "203.0.113.5"),
        (["203.0.113.5, 10.0.0.2,192.0.2.1"], "203.0.113.5"),
        (["198.51.100.9, 203.0.113.5"], "203.0.113.5"),  # the client sent the left one
        (["10.0.0.9, 203.0.113.5"], "203.0.113.5"),
        (["198.51.100.9", "203.0.113.5", "10.0.0.2"], "203.0.113.5"),  # several lines
        (["203.0.113.5, 10.0.0.2", ""], "203.0.113.5"),
        ([" , 203.0.113.5\t,, "], "203.0.113.5"),  # empty parts
        (["10.0.0.3, 10.0.0.2"], "10.0.0.3"),  # a client in the proxies' network
        (["unknown, 10.0.0.2"], "10.0.0.2"),  # no address: the last good one
        (["203.0.113.5, unknown"], "10.0.0.1"),
        (["203.0.113.5, 010.0.0.1"], "10.0.0.1"),
        (["203.0.113.5, 1.2.3.4;5"], "10.0.0.1"),
        (["203.0.113.5, \u0661.2.3.4"], "10.0.0.1"),
        (["203.0.113.5, unix:"], "10.0.0.1"),
        (["203.0.113.5, [::1"], "10.0.0.1"),
        (["203.0.113.5, " + "1" * 10_000], "10.0.0.1"),
        ([], "10.0.0.1"),
        ([""], "10.0.0.1"),
        ([",,,"], "10.0.0.1"),
        (["203.0.113.5:4711, 10.0.0.2:80"], "203.0.113.5"),
        (["2001:db8::5, 2001:db8:ffff::1"], "2001:db8::5"),
        (["[2001:db8::5]:4711, [2001:db8:ffff::1]"], "2001:db8::5"),
        (["[2001:DB8:0::5]"], "2001:db8::5"),
        (["fe80::5%eth0, [fe80::6%eth1]:80"], "fe80::6"),
        (["::ffff:203.0.113.5, ::ffff:10.0.0.2"], "203.0.113.5"),
    ],
)
def test_the_client_is_the_rightmost_address_that_is_not_trusted(headers: list[str], client: str) -> None:
    assert resolve(*headers)["client"] == (client, 7)


@pytest.mark.parametrize("peer", ["203.0.113.1", "2001:db8::1", "11.0.0.1", "testclient", ""])
def test_a_header_from_an_untrusted_peer_is_not_read(peer: str) -> None:
    scope = {"client": (peer, 7)}  # without headers, which would be a KeyError
    TrustedProxies(TRUSTED).replace_client(scope)
    assert scope == {"client": (peer, 7)}


@pytest.mark.parametrize("peer", ["::ffff:10.0.0.1", "2001:db8:ffff::1%eth0", "192.0.2.1"])
def test_a_peer_is_compared_without_its_form(peer: str) -> None:
    scope = resolve("203.0.113.5", peer=(peer, 7))
    assert (scope["client"], get_peer(scope)) == (("203.0.113.5", 7), (peer, 7))


@pytest.mark.parametrize("peer", [None, ("", 0), ("unix:/run/gqlnews.sock", 0)])
def test_unix_sockets_are_trusted_by_name(peer: Any) -> None:
    header = "198.51.100.9, 203.0.113.5, unix:"
    trusting, other = (resolve(header, peer=peer, trusted=one) for one in (("unix:",), ("0.0.0.0/0",)))
    assert (trusting["client"], get_peer(trusting)) == (("203.0.113.5", 0), peer)
    assert (other["client"], get_peer(other)) == (peer, peer)


def test_the_port_of_the_proxy_s_connection_tells_connections_apart() -> None:
    """If each connection is a client (`--max-streams-per-client 0`)."""
    scopes = [resolve("203.0.113.5", peer=("10.0.0.1", port)) for port in (1, 2)]
    assert len({client_key(scope, by_address=False) for scope in scopes}) == 2
    assert {client_key(scope, by_address=True) for scope in scopes} == {"203.0.113.5"}


def test_only_the_last_parts_of_a_long_header_are_read() -> None:
    trusted = [f"10.0.{number // 256}.{number % 256}" for number in range(20_000)]
    proxies = TrustedProxies(TRUSTED)
    scope = {"client": ("10.0.0.1", 7), "headers": [(b"x-forwarded-for", ", ".join(trusted).encode())]}
    proxies.replace_client(scope)
    assert scope["client"] == (trusted[-MAX_PARTS], 7)
    assert proxies._cached.cache_info().misses <= MAX_PARTS + 1


@pytest.mark.parametrize(
    "text", ["", "[]", "[::1]x", ":80", "1.2.3.4:x", "host", "1::2:3:4:5:6:7:8:9", "%eth0"]
)
def test_anything_else_is_no_address(text: str) -> None:
    assert parse_address(text) is None


# A server with a trusted proxy, which is this machine.


def post(site: Site, client: str | None, query: str = COUNT, accept: str = "application/json") -> int:
    headers = {"accept": accept} | ({} if client is None else {FORWARDED: client})
    return httpx2.post(site.url, json={"query": query}, headers=headers).status_code


@pytest.mark.parametrize("accept", ["application/json", "text/event-stream"])
def test_forwarded_clients_have_rate_limits_of_their_own(tmp_path: Path, accept: str) -> None:
    with running_site(tmp_path, http=replace(LOCAL, rate_limit=1)) as site:
        assert post(site, "203.0.113.5", COSTLY) == 200
        assert post(site, "198.51.100.1, 203.0.113.5", accept=accept) == 429  # the left one is invented
        assert post(site, "203.0.113.6", accept=accept) == 200
        assert post(site, None, accept=accept) == 200


@pytest.mark.parametrize("allowed", [(), ("10.0.0.0/8",)])
def test_a_spoofed_header_changes_no_rate_limit(tmp_path: Path, allowed: tuple[str, ...]) -> None:
    """By default, and from a peer that is not among the trusted proxies."""
    http = HttpSettings(rate_limit=1, forwarded_allow_ips=allowed)
    with running_site(tmp_path, http=http) as site:
        assert [post(site, client, COSTLY) for client in ("203.0.113.5", "203.0.113.6")] == [200, 429]


def test_forwarded_clients_have_stream_limits_of_their_own(tmp_path: Path) -> None:
    def headers(client: str) -> dict[str, Any]:
        return {"additional_headers": {FORWARDED: client}}

    with running_site(tmp_path, http=LOCAL, max_streams_per_client=1) as site:
        with site.raw(**headers("203.0.113.5")), site.raw(**headers("203.0.113.6")):
            with pytest.raises(InvalidStatus) as error, site.raw(**headers("203.0.113.5")):
                pass
            assert error.value.response.status_code == 429
            assert post(site, "203.0.113.6", HEAT, "text/event-stream") == 429


def test_forwarded_clients_have_subscription_limits_of_their_own(tmp_path: Path) -> None:
    def stream(client: str) -> Any:
        headers = {"accept": "text/event-stream", FORWARDED: client}
        return httpx2.stream("POST", site.url, json={"query": HEAT}, headers=headers)

    with running_site(tmp_path, http=LOCAL) as site, patch.object(limits, "MAX_SUBSCRIPTIONS_PER_CLIENT", 1):
        with stream("203.0.113.5") as first, stream("203.0.113.6") as other:
            assert (first.status_code, other.status_code) == (200, 200)
            with stream("203.0.113.6") as refused:
                assert refused.status_code == 429


def test_queues_and_memory_count_by_the_forwarded_client(tmp_path: Path) -> None:
    seen: dict[str, set[str]] = {}

    def record(name: str, original: Any) -> Any:
        def called(self: Any, *arguments: Any, **options: Any) -> Any:
            seen.setdefault(name, set()).update(one for one in arguments if isinstance(one, str))
            return original(self, *arguments, **options)

        return called

    targets = ((BodyMemory, "reserve"), (Preparer, "prepare"), (Preparer, "run"))
    with running_site(tmp_path, http=LOCAL) as site:
        originals = [(kind, name, getattr(kind, name)) for kind, name in targets]
        with pytest.MonkeyPatch.context() as patched:
            for kind, name, original in originals:
                patched.setattr(kind, name, record(name, original))
            assert post(site, "203.0.113.5", f"{COUNT} #{' ' * 100_000}") == 200
            with site.raw(additional_headers={FORWARDED: "203.0.113.5"}) as socket:
                socket.send("connection_init")
                assert socket.receive() == {"type": "connection_ack"}
                socket.subscribe("1", COUNT)
                assert socket.receive_for("1")[-1]["type"] == "complete"
    assert seen == {name: {"203.0.113.5"} for name in ("reserve", "prepare", "run")}


def test_without_the_setting_no_header_is_looked_up(server_settings: ServerSettings) -> None:
    with patch.object(TrustedProxies, "replace_client", Mock()) as replace_client:
        with TestClient(build_app(server_settings)) as client:
            assert client.post("/graphql", json={"query": COUNT}, headers={FORWARDED: "::1"}).is_success
    assert replace_client.call_count == 0


# Metrics.


@pytest.mark.parametrize(
    ("peer", "forwarded", "status"),
    [
        ("127.0.0.1", "10.1.2.3", 200),
        ("127.0.0.1", "8.8.8.8", 404),
        ("127.0.0.1", "10.1.2.3, 8.8.8.8", 404),  # the client sent the left one
        ("127.0.0.1", "", 200),
        ("8.8.4.4", "10.1.2.3", 404),  # a trusted proxy with a public address
        ("8.8.8.8", "10.1.2.3", 404),  # not trusted
    ],
)
def test_metrics_are_for_private_clients_of_private_proxies(
    server_settings: ServerSettings, peer: str, forwarded: str, status: int
) -> None:
    http = HttpSettings(forwarded_allow_ips=("127.0.0.1", "8.8.4.4"))
    settings = replace(server_settings, metrics=True, http=http)
    with TestClient(build_app(settings), client=(peer, 1)) as client:
        assert client.get("/metrics", headers={FORWARDED: forwarded}).status_code == status


# Under another ASGI server.


@contextmanager
def uvicorn(home: Path, database: Path, *options: str, proxies: str) -> Iterator[str]:
    """Run uvicorn; yield what it says that it listens on."""
    command = [sys.executable, "-m", "uvicorn", "--factory", "gqlnews:from_environment", *options]
    variables = {
        "GQLNEWS_DB": str(database),
        "GQLNEWS_RATE_LIMIT": "1",
        "GQLNEWS_FORWARDED_ALLOW_IPS": proxies,
    }
    with running(command, environment(home, variables)) as run:
        yield run.wait_for(r"http://[0-9.:]+|unix socket")


@pytest.mark.parametrize(
    ("options", "proxies"),
    [
        (["--port", "0", "--no-proxy-headers"], "127.0.0.1"),
        (["--port", "0"], "127.0.0.1"),  # uvicorn itself trusts 127.0.0.1
        (["--uds", "SOCKET"], "unix:"),
    ],
)
def test_proxies_are_trusted_under_another_server_too(
    tmp_path: Path, database: Path, options: list[str], proxies: str
) -> None:
    path = str(tmp_path / "socket")
    options = [path if option == "SOCKET" else option for option in options]
    with uvicorn(tmp_path, database, *options, proxies=proxies) as url:
        transport = httpx2.HTTPTransport(uds=path) if path in options else None
        base = "http://localhost" if path in options else url
        with httpx2.Client(transport=transport, base_url=base) as client:

            def status(forwarded: str) -> int:
                response = client.post("/graphql", json={"query": COSTLY}, headers={FORWARDED: forwarded})
                return response.status_code

            assert status("203.0.113.5") == 200
            assert status("198.51.100.1, 203.0.113.5") == 429
            assert status("203.0.113.6") == 200
