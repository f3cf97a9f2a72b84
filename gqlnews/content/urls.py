"""URLs as files write them → as they are served."""

import re
from urllib.parse import urljoin

_HAS_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")


def served_url(written: str, base_url: str | None) -> str:
    """Unescaped once, and absolute where a base is given; what is absolute already stays as it is."""
    url = written.replace("&amp;", "&")
    if base_url is None or _HAS_SCHEME.match(url):
        return url
    try:
        return urljoin(base_url, url)
    except ValueError:  # no URL of any kind, such as `//[`
        return url
