"""openat2(2), Linux 5.6: open a path below a folder in one system call, without following links."""

import ctypes
import errno
import os
import sys
from functools import cache

_SYSCALL = 437  # on x86, ARM, RISC-V, POWER and s390 alike
_NO_MAGICLINKS, _NO_SYMLINKS, _BENEATH = 0x02, 0x04, 0x08
_ATTEMPTS = 16
_TRANSIENT = {errno.EAGAIN, errno.EINTR}  # something was renamed meanwhile; a signal came


class _How(ctypes.Structure):
    """`struct open_how`."""

    _fields_ = (("flags", ctypes.c_uint64), ("mode", ctypes.c_uint64), ("resolve", ctypes.c_uint64))


_libc = ctypes.CDLL(None, use_errno=True)
_libc.syscall.restype = ctypes.c_long
_libc.syscall.argtypes = (
    ctypes.c_long,
    ctypes.c_int,
    ctypes.c_char_p,
    ctypes.POINTER(_How),
    ctypes.c_size_t,
)


def openat2(folder: int, path: str, flags: int) -> int:
    """A descriptor of `path` below the descriptor `folder`.

    Raises OSError: ELOOP where a link is on the way or at the end, EXDEV where the path leads out.
    """
    name = os.fsencode(path)
    if b"\0" in name:  # C would take what stands before it for the path
        raise ValueError("embedded null byte")
    how = _how(flags)
    for _ in range(_ATTEMPTS):
        descriptor: int = _libc.syscall(_SYSCALL, folder, name, how, ctypes.sizeof(_How))
        if descriptor >= 0:
            return descriptor
        error = ctypes.get_errno()
        if error not in _TRANSIENT:
            break
    raise OSError(error, os.strerror(error), path)


def is_available() -> bool:
    """Whether the kernel has the call and lets this process use it: containers may answer ENOSYS or EPERM."""
    if sys.platform != "linux":  # where this number may be another call
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
def _how(flags: int) -> _How:
    return _How(flags | os.O_CLOEXEC, 0, _BENEATH | _NO_SYMLINKS | _NO_MAGICLINKS)
