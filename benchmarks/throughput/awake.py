"""Keep the processors awake while servers are compared.

With one connection, a processor would sleep between two requests. In a virtual machine a wake-up takes
as long as a request, and how long depends on the host: on a quiet host all servers look equal, and
ratios of two runs differ by half. So one process per processor spins with SCHED_IDLE priority, which
yields to all other work at once. It is not bound to a processor and rarely makes system calls: when it
was and did, all servers were slower by a fifth to a third.
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
def keep_awake() -> Iterator[None]:
    """Spin until the end of the context or of this process. Linux only, like the other figures."""
    with ExitStack() as stack:
        for _ in os.sched_getaffinity(0):
            command = [sys.executable, "-c", _SPIN, str(os.getpid())]
            process = stack.enter_context(subprocess.Popen(command))  # noqa: S603 - our own
            stack.callback(process.kill)
        yield
