"""Make glibc return freed memory to the operating system.

By default glibc retains freed blocks for reuse, raises its mmap threshold as larger blocks are freed, and has
an arena per thread. So a server would never release the memory that one flood of large requests took.
"""

import ctypes

ARENA_MAX, MMAP_THRESHOLD = -8, -3  # parameters of mallopt(3)
ARENAS = 2
MAPPED_BYTES = 128 << 10  # a block of this size or more is unmapped as soon as it is freed


def return_freed_memory() -> None:
    """Configure glibc's allocator; does nothing with another C library."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(ARENA_MAX, ARENAS)
        mallopt(MMAP_THRESHOLD, MAPPED_BYTES)
