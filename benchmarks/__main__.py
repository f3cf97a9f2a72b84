"""`python -m benchmarks`: of every benchmark as much as fits into a few minutes. README.md says the rest."""

import subprocess
import sys

RUNS = (
    ("benchmarks.throughput",),
    ("benchmarks.throughput.blocking",),
    ("benchmarks.throughput.stampede",),
    ("benchmarks.ingest", "--repeats", "1", "--large", "0"),
    ("benchmarks.front_end", "--articles", "10000"),
)

if __name__ == "__main__":
    for run in RUNS:
        subprocess.run([sys.executable, "-m", *run], check=True)  # noqa: S603 - modules of ours
