"""Where the database of a content folder lies, where the user names none."""

import hashlib
import os
from pathlib import Path


def default_database(folder: Path) -> Path:
    """The file in the user's cache folder that belongs to `folder`, whatever name it is reached by.

    A relative XDG_CACHE_HOME is passed over, as the XDG specification asks.
    """
    named = Path(os.path.expandvars("$XDG_CACHE_HOME"))
    cache = named if named.is_absolute() else Path.home() / ".cache"
    place = folder.resolve()
    digest = hashlib.sha256(os.fsencode(place)).hexdigest()[:12]
    return cache / "gqlnews" / f"{place.name or 'root'}-{digest}.db"
