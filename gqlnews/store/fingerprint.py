"""What, beside its bytes, decides what a file means: where that changes, every file is read anew."""

from importlib.metadata import version

import msgspec

from gqlnews.content.records import ReadOptions

PARSER_VERSION = 2
"""Raise it with any change to what a file means, or to what is derived from several."""

_READERS = ("yaml-rs", "pyyaml", "pyromark", "nh3")


def fingerprint(options: ReadOptions) -> str:
    """A text that is the same as long as the same bytes give the same rows."""
    libraries = {name: version(name) for name in _READERS}
    return msgspec.json.encode([PARSER_VERSION, libraries, options]).decode()
