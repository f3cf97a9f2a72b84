"""`python -m benchmarks.throughput.custom_fields`: what twenty custom fields cost.

The same articles are ingested without a configuration and with one that declares twenty fields, all of which
have values, and served without caches. Requests that select no custom field must cost at most 5% more, and a
first ingest at most 10% more. All figures are processor time of both variants in turns, in one run, the least
of the rounds. Exits with 1 if a goal is missed.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from benchmarks.throughput.load import Workload, require_wrk, run_turn
from benchmarks.throughput.requests import NAMES
from benchmarks.throughput.run import prepare_store
from benchmarks.throughput.servers import UNCACHED, start_stored

QUERY_GOAL, INGEST_GOAL = 1.05, 1.10
CONNECTIONS = 8
NUMBER = 20
FIELDS = {  # the values of a type are in these keys
    "String": ("title", "excerpt", "type", "category", "provider.name", "provider.domain"),
    "Int": ("heat", "quality"),
    "Float": ("heat", "quality"),
    "Boolean": ("published",),
    "DateTime": ("publishedDateTime", "updatedAt"),
    "Date": ("publishedDateTime",),
    "URL": ("webUrl", "originalUrl", "sourceUrl", "ampUrl"),
    "JSON": ("provider",),
}
COUNTED = frozenset({"String", "Int", "Boolean", "Date"})


def configuration() -> str:
    """Return a configuration of twenty fields with every use that their types allow."""
    tables = ['[fields.list_of_topics]\ntype = ["String"]\nkey = "topics"\nfilter = true\nfacet = true\n']
    for kind, keys in FIELDS.items():
        uses = {"filter": kind != "JSON", "order": kind != "JSON", "facet": kind in COUNTED}
        for key in keys:
            lines = [f"[fields.{kind.lower()}_{key.replace('.', '_')}]", f'type = "{kind}"', f'key = "{key}"']
            tables.append("\n".join([*lines, *(f"{use} = true" for use, has in uses.items() if has), ""]))
    assert len(tables) == NUMBER
    return "\n".join(tables)


def ingest_cpu(content: Path, database: Path, config: Path | None) -> float:
    """Ingest into a new database; return the processor time of all processes in seconds."""
    database.unlink(missing_ok=True)
    command = [sys.executable, "-m", "gqlnews", "ingest", str(content), "--db", str(database)]
    command += ["--config", str(config)] if config else []
    before = os.times()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)  # noqa: S603 - our own command
    after = os.times()
    return after.children_user - before.children_user + after.children_system - before.children_system


def main() -> int:
    program = "python -m benchmarks.throughput.custom_fields"
    parser = argparse.ArgumentParser(prog=program, description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="of each measurement (default: 5)")
    rounds = parser.parse_args().rounds
    require_wrk()
    with tempfile.TemporaryDirectory(prefix="gqlnews-bench-") as name, ExitStack() as stack:
        scratch = Path(name)
        store, bodies = prepare_store(scratch, NAMES)
        config = scratch / "gqlnews.toml"
        config.write_text(configuration())
        databases = {None: scratch / "without.db", config: scratch / "with.db"}
        seconds: dict[Path | None, list[float]] = {given: [] for given in databases}
        for _ in range(rounds):
            for given, database in databases.items():
                seconds[given].append(ingest_cpu(store.content, database, given))
        ratios = {"first ingest": (min(seconds[config]) / min(seconds[None]), INGEST_GOAL)}
        servers = [stack.enter_context(start_stored(database, scratch)) for database in databases.values()]
        for query in NAMES:
            workload = Workload(query, bodies[UNCACHED, query], CONNECTIONS, 2)
            turns = [[run_turn(server, workload).cpu for server in servers] for _ in range(rounds)]
            without, with_fields = map(min, zip(*turns, strict=True))
            ratios[query] = (with_fields / without, QUERY_GOAL)
    for what, (ratio, goal) in ratios.items():
        print(f"{what}: {ratio:.3f} times{'' if ratio <= goal else ' (missed)'}")
    return int(any(ratio > goal for ratio, goal in ratios.values()))


if __name__ == "__main__":
    sys.exit(main())
