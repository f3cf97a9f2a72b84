"""A file named `deadly.md` kills every process that opens it, as one that the parser cannot survive would.

Python imports this module at its start where its folder is on the path.
"""

import os
import signal
import sys


def _kill(event: str, arguments: tuple[object, ...]) -> None:
    if event == "open" and str(arguments[0]).endswith("deadly.md"):
        os.kill(os.getpid(), signal.SIGKILL)


sys.addaudithook(_kill)
