"""`python -m benchmarks.hostile`: attack the server with one client, and measure the effect on another.

Each attack runs against a new server with default settings, over the real articles or a sample of the
same size. Attacker and victim are separate processes with separate addresses. Exits with 1 if a goal is
missed.

To attack the server of another commit, check it out in another folder and pass that as --tree. With --out and
--before, one table shows the results of both runs.
"""

import argparse
import signal
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

import msgspec

from benchmarks.hostile.attacks import ATTACKS
from benchmarks.hostile.result import Result
from benchmarks.hostile.table import markdown, show
from benchmarks.hostile.target import prepare
from benchmarks.hostile.traffic import Attack
from benchmarks.hostile.trial import run_attack
from benchmarks.throughput.progress import report
from benchmarks.trees import ROOT


def main() -> None:
    arguments = _options()
    signal.signal(
        signal.SIGTERM, lambda *_: sys.exit("terminated")
    )  # exit normally, so that the server is stopped too
    before = _read(arguments.before) if arguments.before else {}
    results: list[Result] = []
    with tempfile.TemporaryDirectory(prefix="gqlnews-hostile-") as scratch:
        attacked, called = prepare(arguments.tree.resolve(), Path(scratch), arguments.articles)
        for attack in _selected(arguments.only):
            report(f"{attack.name}: {attack.what}, on {called}")
            results.append(run_attack(attack, attacked, arguments.seconds))
            report(_brief(results[-1]))
            if arguments.out:
                arguments.out.write_bytes(msgspec.json.format(msgspec.json.encode(results)))
    if arguments.markdown:
        print(markdown(results, before))
    else:
        show(results, before)
    sys.exit(any(result.missed() for result in results))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.hostile", description=__doc__)
    parser.add_argument("--only", metavar="NAME,…", help="run only attacks with these names or prefixes")
    parser.add_argument("--seconds", type=float, default=6.0, help="duration of each attack (6)")
    parser.add_argument("--articles", type=int, help="size of a sample to use instead of the real articles")
    parser.add_argument("--markdown", action="store_true", help="print the table as Markdown")
    parser.add_argument("--out", type=Path, metavar="FILE", help="write the results as JSON")
    parser.add_argument(
        "--before", type=Path, metavar="FILE", help="show an earlier --out file beside the results"
    )
    parser.add_argument(
        "--tree", type=Path, default=ROOT, help="the checkout whose server is attacked (this one)"
    )
    parser.add_argument("--list", action="store_true", help="list the attacks and exit")
    arguments = parser.parse_args()
    if arguments.list:
        for attack in ATTACKS:
            print(f"{attack.name:36} group {attack.group:2}  {attack.what}")
        sys.exit(0)
    return arguments


def _selected(only: str | None) -> list[Attack]:
    """Select attacks by name prefix. Raises SystemExit if a prefix matches none."""
    if only is None:
        return list(ATTACKS)
    names = only.split(",")
    for name in names:
        if not any(attack.name.startswith(name) for attack in ATTACKS):
            raise SystemExit(f"no attack is named {name}: see --list")
    return [attack for attack in ATTACKS if attack.name.startswith(tuple(names))]


def _read(file: Path) -> Mapping[str, Result]:
    return {one.name: one for one in msgspec.json.decode(file.read_bytes(), type=list[Result])}


def _brief(result: Result) -> str:
    missed = ", ".join(result.missed()) or "nothing"
    return (
        f"{result.name}: p99 {result.attacked.p99 * 1e3:,.0f} ms, {result.sent.responses}, missed: {missed}"
    )


if __name__ == "__main__":
    main()
