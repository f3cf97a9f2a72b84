"""`python -m benchmarks.hostile.attacker URL NAME SECONDS SINCE`: the process that runs one attack.

It prints `ready` once its payloads are built, starts when it reads a line from standard input, and
prints a line of JSON once the attack is over and its connections are closed.
"""

import sys

import msgspec
import uvloop

from benchmarks.hostile.attacks import get_attack
from benchmarks.hostile.floods import prepare, run
from benchmarks.hostile.traffic import WHOLE_SECONDS
from gqlnews.server.uvicorn.run import raise_nofile_limit


def main() -> None:
    url, name, seconds, since = sys.argv[1:]
    raise_nofile_limit()
    attack = get_attack(name)
    floods = [prepare(flood, since) for flood in attack.floods]
    print("ready", flush=True)
    sys.stdin.readline()
    counters = uvloop.run(run(url, floods, float(seconds), WHOLE_SECONDS if attack.whole else float(seconds)))
    print(msgspec.json.encode(counters).decode(), flush=True)


if __name__ == "__main__":
    main()
