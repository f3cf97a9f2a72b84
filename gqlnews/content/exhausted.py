"""Tell a shortage of the whole system from an error of one file."""

import errno

from gqlnews.errors import ExhaustedError

_SHORTAGES = {errno.EMFILE, errno.ENFILE, errno.ENOMEM}


def is_shortage(error: OSError) -> bool:
    """Whether open files or memory are short, for this process or the whole system."""
    return error.errno in _SHORTAGES


def raise_if_exhausted(error: OSError) -> None:
    """Raise ExhaustedError for an error that says nothing about the file: no file would be read now."""
    if is_shortage(error):
        raise ExhaustedError(
            f"files cannot be read for now ({error.strerror}): raise the limits of open files and memory"
        ) from error
