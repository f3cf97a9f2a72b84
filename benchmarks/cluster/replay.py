"""Compare answers with SQLite's at the version that they name.

A consumer of the ingester's outbox keeps every batch. Afterwards the batches are applied one by one to a copy
of the store from before them, and at each version gqlnews answers the same requests from that copy.
"""

import sqlite3
from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path

from benchmarks.cluster.clients import Request
from gqlnews.database.sqlite.outbox import read_batches, register, unregister
from gqlnews.database.sqlite.writer import open_writer
from gqlnews.engine.requests import GraphQLRequest
from gqlnews.query.entities import Audience
from tests.ingest.replica import apply, copy_store, open_copy
from tests.product import Product

CONSUMER = "cluster-benchmark"


def begin(store: Path, copy: Path) -> None:
    """Retain all batches from now on, and copy the store."""
    with closing(open_writer(store)) as db:
        register(db, CONSUMER)
        copy_store(db, copy)


def find_differences(
    store: Path, copy: Path, bodies: Mapping[tuple[str, str], bytes], requests: Sequence[Request]
) -> tuple[int, list[str]]:
    """Return the number of compared answers, and a line for each that differs or has an unknown version."""
    by_version: dict[str, dict[str, bytes]] = defaultdict(dict)
    for (version, name), body in bodies.items():
        by_version[version][name] = body
    named = {request.name: request for request in requests}
    compared, faults = 0, []
    with closing(open_writer(store)) as db, closing(open_copy(copy)) as replica, Product(copy) as product:

        def check() -> None:
            nonlocal compared
            version = _version(replica)
            for name, body in by_version.pop(version, {}).items():
                compared += 1
                request = GraphQLRequest(named[name].query, named[name].variables)
                if product.answer(request, Audience.PUBLIC).body != body:
                    faults.append(f"{name} differs from SQLite at version {version}")

        check()
        for batch in read_batches(db, CONSUMER):
            apply(db, CONSUMER, batch, replica)
            check()
        unregister(db, CONSUMER)
    faults += [f"answers name version {version}, which the store never had" for version in by_version]
    return compared, faults


def _version(replica: sqlite3.Connection) -> str:
    (version,) = replica.execute("SELECT version FROM site WHERE audience = 0").fetchone()
    return str(version)
