"""Memory that a flood allocated is returned to the system afterwards."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import re, sys
from gqlnews.server.uvicorn.run import return_freed_memory

def resident():
    return int(re.search(r"RssAnon:\\s+(\\d+)", open("/proc/self/status").read())[1])

if sys.argv[1] == "set":
    return_freed_memory()
for size in (1 << 20, 4 << 20, 16 << 20):  # freeing each teaches glibc to keep blocks of that size
    del [bytearray(size) for _ in range(4)][:]
before = resident()
blocks = [(bytearray(1 << 20), bytearray(2000)) for _ in range(100)]
small = [pair[1] for pair in blocks]  # what stays between them
del blocks
print(resident() - before)
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="Linux tells a process's memory")
@pytest.mark.skipif(os.confstr_names.get("CS_GNU_LIBC_VERSION") is None, reason="glibc's allocator is set")
def test_freed_memory_is_returned() -> None:
    grown = [
        int(
            subprocess.run(  # noqa: S603 - our own program
                [sys.executable, "-c", PROGRAM, setting], capture_output=True, text=True, check=True
            ).stdout
        )
        for setting in ("set", "default")
    ]
    assert grown[0] < 10_000 < grown[1]  # KiB, of 100 MiB
