"""How many files a process may have open: each stream is one, and many systems begin with 1,024."""

import resource
from contextlib import suppress

OPEN_FILES = 128 * 1024  # more than the streams that can be asked for


def allow_open_files() -> None:
    """As many as this process may allow itself, up to OPEN_FILES: each stream is one."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = OPEN_FILES if hard == resource.RLIM_INFINITY else min(hard, OPEN_FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with suppress(ValueError, OSError):  # the system allows less than it says: so be it
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
