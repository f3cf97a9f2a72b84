"""The limit of open files: each stream needs a file descriptor, and many systems default to 1,024."""

import resource
from contextlib import suppress

OPEN_FILES = 128 * 1024  # more than the highest limit of streams that can be configured


def raise_nofile_limit() -> None:
    """Raise the soft RLIMIT_NOFILE to the hard limit, at most OPEN_FILES."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = OPEN_FILES if hard == resource.RLIM_INFINITY else min(hard, OPEN_FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with suppress(ValueError, OSError):  # the system allows less than its hard limit
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
