"""Versions of the content, `epoch-number`: tokens that the API returns, and from which clients resume."""

import re

from gqlnews.errors import Code, RequestError

_VERSION = re.compile(r"([0-9a-f]{1,32}-)([0-9]{1,18})(?:-([0-9]{1,18}))?")


def read_version(text: str | None) -> tuple[str | None, int, int | None]:
    """Parse a version into its epoch, its number, and the number at which unfinished paging began.

    None means the start of the change log. Raises RequestError.
    """
    if text is None:
        return None, 0, None
    match = _VERSION.fullmatch(text)
    if match is None:
        raise RequestError(
            Code.BAD_VERSION,
            "`since` is not a version: pass a `version` that the API returned, or omit `since`.",
        )
    epoch, number, started = match.groups()
    return epoch, int(number), None if started is None else int(started)
