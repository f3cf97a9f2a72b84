"""Progress messages on standard error."""

import sys


def report(message: str) -> None:
    print(f"… {message}", file=sys.stderr, flush=True)
