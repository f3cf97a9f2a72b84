"""Fingerprint of everything besides its bytes that decides a file's rows; a change re-reads all files."""

from importlib.metadata import version

import msgspec

from gqlnews.content.models import ParseOptions

PARSER_VERSION = 2
"""Increment with any change to how a file is interpreted, or to data derived from several files."""

_READERS = ("yaml-rs", "pyyaml", "pyromark", "nh3")


def fingerprint(options: ParseOptions) -> str:
    """Return a string that stays the same as long as the same bytes produce the same rows."""
    libraries = {name: version(name) for name in _READERS}
    return msgspec.json.encode([PARSER_VERSION, libraries, options]).decode()
