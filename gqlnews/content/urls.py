"""Normalize URLs from files."""

import re
from urllib.parse import urljoin

_HAS_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")


def normalize_url(written: str, base_url: str | None) -> str:
    """Replace `&amp;` by `&`, and resolve a relative URL against `base_url` if there is one."""
    url = written.replace("&amp;", "&")
    if base_url is None or _HAS_SCHEME.match(url):
        return url
    try:
        return urljoin(base_url, url)
    except ValueError:  # not a URL at all, such as `//[`
        return url
