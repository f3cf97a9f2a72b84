"""Progress messages on standard error."""

import sys


def say(what: str) -> None:
    print(f"… {what}", file=sys.stderr, flush=True)
