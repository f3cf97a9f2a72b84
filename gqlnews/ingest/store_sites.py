"""Store what the configuration says about the site: title, base URL and language."""

import sqlite3
from collections.abc import Sequence

from gqlnews.content.language_codes import language_tag
from gqlnews.content.presets.site import ContentSite, get_host


def store_sites(db: sqlite3.Connection, sites: Sequence[ContentSite]) -> bool:
    """Store the sites; return whether clients may see a change: of the site, or of a provider's URL.

    Of several sites, the one of the whole folder is the site of the API, and none if there is no such site.
    """
    urls_changed = _store_urls(db, sites)
    site = next((each for each in sites if not each.inside or len(sites) == 1), ContentSite())
    url = site.base_url if get_host(site.base_url) else None
    new = site.title, url, language_tag(site.given_language or site.language)
    if db.execute("SELECT title, url, language FROM site WHERE audience = 0").fetchone() == new:
        return urls_changed
    db.execute("UPDATE site SET title = ?, url = ?, language = ?", new)
    return True


def _store_urls(db: sqlite3.Connection, sites: Sequence[ContentSite]) -> bool:
    urls = {host: str(site.base_url) for site in reversed(sites) if (host := get_host(site.base_url))}
    if dict(db.execute("SELECT domain, url FROM site_url")) == urls:
        return False
    db.execute("DELETE FROM site_url")
    db.executemany("INSERT INTO site_url VALUES (?, ?)", sorted(urls.items()))
    return True
