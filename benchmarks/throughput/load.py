"""One turn: wrk sends one query's requests to one server for some seconds."""

import subprocess
from pathlib import Path
from shutil import which

import msgspec

from benchmarks.throughput.process import Server

SCRIPT = Path(__file__).parent / "post.lua"
THREADS = 1  # of wrk; with two cores, one thread is faster than any server
TIMEOUT_SECONDS = 10


class Load(msgspec.Struct, frozen=True):
    """Figures from wrk. `p50` and `p99` are latencies in microseconds; `bytes` include headers."""

    requests: int
    microseconds: int
    bytes: int
    p50: int
    p99: int
    failed: int
    rejected: int


class Turn(msgspec.Struct, frozen=True):
    """The result of a load. `cpu` is the server's processor time per response in microseconds.

    `bytes` is the size of a response with its headers.
    """

    round: int
    server: str
    query: str
    connections: int
    per_second: float
    p50: int
    p99: int
    cpu: float
    bytes: float = 0.0


def require_wrk() -> None:
    """Raise SystemExit if wrk is not installed."""
    if which("wrk") is None:
        raise SystemExit("wrk is missing: apt-get install wrk")


class Workload(msgspec.Struct, frozen=True):
    """The load of a turn: a file of request bodies, one per line, used in order from `start` (0 to 1).

    `coding` is the value of `Accept-Encoding`.
    """

    query: str
    bodies: Path
    connections: int
    seconds: int
    start: float = 0.0
    coding: str = ""


def run_turn(server: Server, workload: Workload, number: int = 0) -> Turn:
    """Run a turn in the round with this number.

    Raises SystemExit if a request fails or its status is not 2xx.
    """
    before = server.cpu()
    load = _wrk(server.url, workload)
    if load.failed or load.rejected or not load.requests:
        raise SystemExit(f"{server.name} failed under {workload}: {load}")
    return Turn(
        bytes=load.bytes / load.requests,
        round=number,
        server=server.name,
        query=workload.query,
        connections=workload.connections,
        per_second=load.requests / load.microseconds * 1e6,
        p50=load.p50,
        p99=load.p99,
        cpu=(server.cpu() - before) / load.requests * 1e6,
    )


def _wrk(url: str, workload: Workload) -> Load:
    command = ["wrk", "-t", str(THREADS), "-c", str(workload.connections), "-d", f"{workload.seconds}s"]
    command += ["--timeout", f"{TIMEOUT_SECONDS}s", "--latency", "-s", str(SCRIPT), url]
    command += ["--", str(workload.bodies), str(workload.start), workload.coding]
    done = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603 - our own arguments
    return msgspec.json.decode(done.stdout.splitlines()[-1], type=Load)
