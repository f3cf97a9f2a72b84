"""Have the C library return freed memory to the system.

By default glibc keeps freed blocks for later, the larger the blocks that were freed before, and an arena for
each thread. So a server keeps for ever what one flood of large requests made it take.
"""

import ctypes

ARENA_MAX, MMAP_THRESHOLD = -8, -3  # of mallopt(3)
ARENAS = 2
MAPPED_BYTES = 128 << 10  # a block of this size or more is unmapped as soon as it is freed


def return_freed_memory() -> None:
    """Set glibc's allocator; another C library is left as it is."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(ARENA_MAX, ARENAS)
        mallopt(MMAP_THRESHOLD, MAPPED_BYTES)
