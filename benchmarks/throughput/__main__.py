"""`python -m benchmarks.throughput`: run the comparison and print its tables."""

import argparse
import tempfile
from pathlib import Path

import msgspec

from benchmarks.throughput import requests, servers, table
from benchmarks.throughput.load import require_wrk
from benchmarks.throughput.progress import report
from benchmarks.throughput.run import Options, run

WITHOUT_PEERS = tuple(name for name in servers.NAMES if name not in servers.PEERS)
COLD = (servers.UNCACHED, servers.FIELDS, *servers.PEERS)
WITH_PEERS = tuple(name for name in servers.NAMES if name != servers.UNLIMITED)


def main() -> None:
    arguments = _options()
    require_wrk()
    cold = [name for name in COLD if name in arguments.only]
    options = Options(
        arguments.only,
        arguments.queries,
        arguments.rounds,
        arguments.seconds,
        arguments.db,
        cold=cold,
        starts=arguments.starts,
    )
    with tempfile.TemporaryDirectory(prefix="gqlnews-bench-") as scratch:
        result = run(options, Path(scratch), report)
    if arguments.out:
        arguments.out.write_bytes(msgspec.json.format(msgspec.json.encode(result), indent=1))
    if arguments.markdown:
        print(table.markdown(result), end="")
    else:
        table.show(result)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.throughput", description=__doc__)
    parser.add_argument(
        "--only", type=_names(servers.NAMES), default=WITHOUT_PEERS, help="servers, separated by commas"
    )
    parser.add_argument(
        "--peers", dest="only", action="store_const", const=WITH_PEERS, help="also the servers on Node"
    )
    parser.add_argument(
        "--queries", type=_names(requests.NAMES), default=requests.NAMES, help="queries, separated by commas"
    )
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--seconds", type=int, default=2, help="duration of each turn")
    parser.add_argument("--starts", type=int, default=5, help="cold starts of each server; 0 skips them")
    parser.add_argument("--db", type=Path, help="database file to keep, so that a second run need not ingest")
    parser.add_argument("--out", type=Path, help="write all figures to this JSON file")
    parser.add_argument("--markdown", action="store_true", help="print Markdown")
    return parser.parse_args()


class _names:  # noqa: N801 - argparse shows the name of what it calls
    """Argument type: some of the known names, separated by commas."""

    def __init__(self, known: tuple[str, ...]) -> None:
        self._known = known

    def __call__(self, text: str) -> tuple[str, ...]:
        names = tuple(text.split(","))
        if unknown := set(names) - set(self._known):
            raise argparse.ArgumentTypeError(
                f"{', '.join(sorted(unknown))}: unknown; choose from {', '.join(self._known)}"
            )
        return names


if __name__ == "__main__":
    main()
