"""The compared servers and how each is started. All of them read the same database file."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.throughput.process import Server, run_server
from benchmarks.trees import ROOT, python_path

LIMIT = "limit"
ORDINARY = "ordinary"
CACHED = "gqlnews-cached"
FIELDS = "gqlnews-fields"
UNCACHED = "gqlnews-uncached"
UNLIMITED = "gqlnews-unlimited"
GQLNEWS_SERVERS = (UNCACHED, FIELDS, CACHED)
PEERS = ("yoga", "mercurius", "mercurius-dataloader")
LABELS = {
    LIMIT: "upper bound: static responses",
    CACHED: "gqlnews, response cache",
    FIELDS: "gqlnews, field cache",
    UNCACHED: "gqlnews, no caches",
    UNLIMITED: "… and without limits",
    "mercurius-dataloader": "Mercurius, jit, DataLoader",
    "mercurius": "Mercurius, jit, its loaders",
    "yoga": "graphql-yoga, jit",
    ORDINARY: "Strawberry, DataLoaders",
}
NAMES = tuple(LABELS)
_LIMITS = (
    "MAX_COST",
    "MAX_SCAN",
    "MAX_DEPTH",
    "QUERY_TIMEOUT",
    "MAX_TOKENS",
    "MAX_ALIASES",
    "MAX_ROOT_FIELDS",
    "MAX_DIRECTIVES",
    "MAX_RESPONSE_MB",
    "MAX_CONCURRENT_REQUESTS",
    "MAX_STREAMS",
    "MAX_STREAMS_PER_CLIENT",
)
_NO_RESPONSE_CACHE = {"GQLNEWS_RESPONSE_CACHE_MB": "0"}
_NO_CACHES = {**_NO_RESPONSE_CACHE, "GQLNEWS_FIELD_CACHE_MB": "0"}
_ENVIRONMENTS = {
    FIELDS: _NO_RESPONSE_CACHE,
    UNCACHED: _NO_CACHES,
    UNLIMITED: {**_NO_CACHES, **{f"GQLNEWS_{limit}": "0" for limit in _LIMITS}},
}
_PEERS = Path(__file__).parent.parent / "peers"


@dataclass(frozen=True, slots=True)
class Store:
    """The content folder, its database, the stored responses for the limit server, and a folder for logs.

    `tree` is the source tree of gqlnews.
    """

    content: Path
    database: Path
    responses: Path
    logs: Path
    tree: Path = ROOT


def is_gqlnews(name: str) -> bool:
    """Return whether the server needs the requests for gqlnews, which contain the cursors of gqlnews."""
    return name in {LIMIT, *GQLNEWS_SERVERS, UNLIMITED}


@contextmanager
def start(name: str, store: Store) -> Iterator[Server]:
    """Run one of the servers in NAMES until the end of the context."""
    with run_server(
        name,
        _command(name, store),
        {**server_environment(name), **python_path(store.tree)},
        store.logs / f"{name}.log",
    ) as server:
        yield server


@contextmanager
def start_stored(database: Path, logs: Path, name: str = UNCACHED) -> Iterator[Server]:
    """Run gqlnews without caches over an existing database, whose content folder may be missing."""
    command = [sys.executable, "-m", "benchmarks.throughput.stored"]
    more = {"GQLNEWS_DB": str(database), "GQLNEWS_UNPUBLISHED": "1", **server_environment(name)}
    with run_server(f"gqlnews over {database.name}", command, more, logs / f"{database.name}.log") as server:
        yield server


def _command(name: str, store: Store) -> list[str]:
    if name in PEERS:
        return [_node(), str(_PEERS / f"{name}.mjs"), str(store.database)]
    if name == LIMIT:
        return [sys.executable, "-m", "benchmarks.throughput.limit", str(store.responses)]
    if name == ORDINARY:
        return [sys.executable, "-m", "benchmarks.throughput.ordinary", str(store.database)]
    serve = [sys.executable, "-m", "gqlnews", "serve", str(store.content), "--db", str(store.database)]
    return [*serve, "--port", "0", "--unpublished"]


def server_environment(name: str) -> dict[str, str]:
    return _ENVIRONMENTS.get(name, {})


def _node() -> str:
    """Return the Node that npm installed with the peers. Raises SystemExit if it is missing."""
    found = sorted(_PEERS.glob("node_modules/node-*/bin/node"))
    if not found:
        raise SystemExit("the peers are not installed: (cd benchmarks/peers && npm ci --ignore-scripts)")
    return str(found[0])
