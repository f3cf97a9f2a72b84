"""Kill every process that opens a file named `deadly.md`, as a file that crashes the parser would.

Python imports this module at startup if its folder is on the path.
"""

import os
import signal
import sys


def _kill(event: str, arguments: tuple[object, ...]) -> None:
    if event == "open" and str(arguments[0]).endswith("deadly.md"):
        os.kill(os.getpid(), signal.SIGKILL)


sys.addaudithook(_kill)
