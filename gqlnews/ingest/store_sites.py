"""Store what the configuration says about the site: title, base URL and language."""

import sqlite3
from collections.abc import Sequence

from gqlnews.content.language_codes import language_tag
from gqlnews.content.presets.site import ContentSite, get_host


def store_sites(db: sqlite3.Connection, sites: Sequence[ContentSite]) -> bool:
    """Store the sites; return whether clients see a change of the site.

    Of several sites, the one of the whole folder counts, and none if there is no such site.
    """
    urls = {host: str(site.base_url) for site in reversed(sites) if (host := get_host(site.base_url))}
    db.execute("DELETE FROM site_url")
    db.executemany("INSERT INTO site_url VALUES (?, ?)", sorted(urls.items()))
    site = next((each for each in sites if not each.inside or len(sites) == 1), ContentSite())
    url = site.base_url if get_host(site.base_url) else None
    new = site.title, url, language_tag(site.given_language or site.language)
    if db.execute("SELECT title, url, language FROM site WHERE audience = 0").fetchone() == new:
        return False
    db.execute("UPDATE site SET title = ?, url = ?, language = ?", new)
    return True
