"""A process that exchanges two names repeatedly with renameat2(2) and RENAME_EXCHANGE."""

import ctypes
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[2]
_AT_FDCWD = -100
_RENAME_EXCHANGE = 2
_MOST = 50_000_000  # limits the process if its parent does not stop it


@contextmanager
def exchanging(one: Path, other: Path) -> Iterator[None]:
    """Exchange the paths until the block ends; fail if the process exits earlier."""
    command = [sys.executable, "-m", "tests.content.exchange", str(one), str(other)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "started\n"
            yield
            assert process.poll() is None
        finally:
            process.kill()


def main() -> None:
    """Exchange the two paths given as arguments."""
    one, other = map(os.fsencode, sys.argv[1:])
    renameat2 = ctypes.CDLL(None, use_errno=True).renameat2
    for number in range(_MOST):
        if renameat2(_AT_FDCWD, one, _AT_FDCWD, other, _RENAME_EXCHANGE) != 0:
            sys.exit(os.strerror(ctypes.get_errno()))
        if number == 0:
            print("started", flush=True)


if __name__ == "__main__":
    main()
