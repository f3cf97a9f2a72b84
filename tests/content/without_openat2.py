"""A process for which openat2(2) fails, as in a container, because of a seccomp filter."""

import ctypes
import os
import sys
from pathlib import Path

from gqlnews.content import openat2, safe_open
from gqlnews.discovery.scan import scan_folder

_NO_NEW_PRIVILEGES, _SET_SECCOMP, _FILTER_MODE = 38, 22, 2
_LOAD_WORD, _JUMP_IF_EQUAL, _RETURN = 0x20, 0x15, 0x06
_ERRNO, _ALLOW = 0x00050000, 0x7FFF0000
_OPENAT2 = 437


class _Instruction(ctypes.Structure):
    _fields_ = (
        ("code", ctypes.c_uint16),
        ("then", ctypes.c_uint8),
        ("otherwise", ctypes.c_uint8),
        ("value", ctypes.c_uint32),
    )


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_uint16), ("first", ctypes.POINTER(_Instruction)))


def refuse_openat2(error: int) -> None:
    """Make further calls fail with this errno. Raises OSError if seccomp is not available."""
    instructions = (_Instruction * 4)(
        _Instruction(_LOAD_WORD, 0, 0, 0),  # the number of the system call
        _Instruction(_JUMP_IF_EQUAL, 0, 1, _OPENAT2),
        _Instruction(_RETURN, 0, 0, _ERRNO | error),
        _Instruction(_RETURN, 0, 0, _ALLOW),
    )
    program = _Program(len(instructions), instructions)
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    if prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0) or prctl(
        _SET_SECCOMP, _FILTER_MODE, ctypes.byref(program), 0, 0
    ):
        raise OSError(ctypes.get_errno(), "no seccomp")


def main() -> None:
    """Print the errno of the system call, the files found in the folder, and the text of one file."""
    folder, path, error = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    refuse_openat2(error)
    with safe_open.OpenFolder.open(folder) as opened:
        try:
            openat2.openat2(opened.descriptor, path, os.O_RDONLY)
        except OSError as refused:
            print(refused.errno)
        print(*sorted(found.path for found in scan_folder(opened)))
        print(os.read(opened.open_file(path), 100).decode())


if __name__ == "__main__":
    main()
