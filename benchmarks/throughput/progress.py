"""What is going on, for who waits."""

import sys


def say(what: str) -> None:
    print(f"… {what}", file=sys.stderr, flush=True)
