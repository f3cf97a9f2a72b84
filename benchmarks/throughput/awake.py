"""Processors that stay awake while servers are compared.

Over one connection a processor would sleep between two requests. To wake it takes a virtual machine as long
as a request does, and how long is the affair of its host: on a quiet one all servers look alike, and ratios
of two runs differ by half. So on each processor something runs that yields to everything else at once.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

_SPIN = "import os; os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))\nwhile True: pass"


@contextmanager
def awake() -> Iterator[None]:
    """Until the end of the context; Linux alone can."""
    spinning = [
        subprocess.Popen([sys.executable, "-c", _SPIN])  # noqa: S603 - our own
        for _ in os.sched_getaffinity(0)
    ]
    try:
        yield
    finally:
        for process in spinning:
            process.kill()
            process.wait()
