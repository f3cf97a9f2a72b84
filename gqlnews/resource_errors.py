"""Distinguish a system-wide resource shortage from an error of one file."""

import errno

from gqlnews.errors import ExhaustedError

_SHORTAGES = {errno.EMFILE, errno.ENFILE, errno.ENOMEM}


def is_shortage(error: OSError) -> bool:
    """Return whether the process or the system is out of file descriptors or memory."""
    return error.errno in _SHORTAGES


def raise_if_exhausted(error: OSError) -> None:
    """Raise ExhaustedError for a resource shortage, which would make reading any file fail."""
    if is_shortage(error):
        raise ExhaustedError(
            f"files cannot be read for now ({error.strerror}): raise the limits of open files and memory"
        ) from error
