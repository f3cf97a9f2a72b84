"""`python -m benchmarks`: run short versions of the main benchmarks, in about ten minutes. See README.md."""

import subprocess
import sys

RUNS = (
    ("benchmarks.throughput",),
    ("benchmarks.throughput.blocking",),
    ("benchmarks.throughput.stampede",),
    ("benchmarks.throughput.compression", "--rounds", "1"),
    ("benchmarks.ingest", "--repeats", "1", "--large", "0"),
    ("benchmarks.front_end", "--articles", "10000"),
)

if __name__ == "__main__":
    for run in RUNS:
        subprocess.run([sys.executable, "-m", *run], check=True)  # noqa: S603 - our own modules
