"""Processors that stay awake while servers are compared.

Over one connection a processor would sleep between two requests. To wake takes a virtual machine as long as a
request does, and how long is the affair of its host: on a quiet one all servers look alike, and ratios of two
runs differ by half. So for each processor something runs that yields to everything else at once. It is bound
to none, and seldom asks the system: where it was and did, all were slower by a fifth to a third.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

_SPIN = """
import os, sys
os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
while os.getppid() == int(sys.argv[1]):
    for _ in range(1_000_000):
        pass
"""


@contextmanager
def awake() -> Iterator[None]:
    """Until the end of the context, or of this process. Linux only, as are the other figures."""
    with ExitStack() as stack:
        for _ in os.sched_getaffinity(0):
            command = [sys.executable, "-c", _SPIN, str(os.getpid())]
            process = stack.enter_context(subprocess.Popen(command))  # noqa: S603 - our own
            stack.callback(process.kill)
        yield
