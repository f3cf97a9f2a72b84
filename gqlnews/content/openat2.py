"""openat2(2), Linux 5.6: open a path below a folder in one system call, without following links."""

import ctypes
import errno
import os
import sys
from functools import cache

_SYSCALL = 437  # the same on x86, ARM, RISC-V, POWER and s390
_NO_MAGICLINKS, _NO_SYMLINKS, _BENEATH = 0x02, 0x04, 0x08  # flags RESOLVE_…
_ATTEMPTS = 16
_TRANSIENT = {errno.EAGAIN, errno.EINTR}  # a concurrent rename; a signal


class _OpenHow(ctypes.Structure):
    """`struct open_how`."""

    _fields_ = (("flags", ctypes.c_uint64), ("mode", ctypes.c_uint64), ("resolve", ctypes.c_uint64))


_libc = ctypes.CDLL(None, use_errno=True)
_libc.syscall.restype = ctypes.c_long
_libc.syscall.argtypes = (
    ctypes.c_long,
    ctypes.c_int,
    ctypes.c_char_p,
    ctypes.POINTER(_OpenHow),
    ctypes.c_size_t,
)


def openat2(folder: int, path: str, flags: int) -> int:
    """Open `path` below the descriptor `folder` and return its descriptor.

    Raises OSError: ELOOP for a link anywhere in the path, EXDEV if the path leads outside the folder; and
    ValueError for a NUL in the path.
    """
    name = os.fsencode(path)
    if b"\0" in name:  # C would truncate the path there
        raise ValueError("embedded null byte")
    open_how = _open_how(flags)
    for _ in range(_ATTEMPTS):
        descriptor: int = _libc.syscall(_SYSCALL, folder, name, open_how, ctypes.sizeof(_OpenHow))
        if descriptor >= 0:
            return descriptor
        error = ctypes.get_errno()
        if error not in _TRANSIENT:
            break
    raise OSError(error, os.strerror(error), path)


def is_available() -> bool:
    """Return whether the call works for this process; in a container it may fail with ENOSYS or EPERM."""
    if sys.platform != "linux":  # on other systems, the number may be that of another system call
        return False
    root = os.open("/", os.O_PATH)
    try:
        os.close(openat2(root, ".", os.O_PATH))
    except OSError:
        return False
    finally:
        os.close(root)
    return True


@cache
def _open_how(flags: int) -> _OpenHow:
    return _OpenHow(flags | os.O_CLOEXEC, 0, _BENEATH | _NO_SYMLINKS | _NO_MAGICLINKS)
