"""What an ingest found in a folder: its sites, their articles, and the files that are passed over."""

import re
import sqlite3
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from gqlnews.content.presets.site import ContentSite, find_site
from gqlnews.ingest.change_detection import stored_options

_HEADER = re.compile(rb"(?i)(?:title|date|slug|category|tags|authors?):[ \t]*\S")
_LOOKS_LIKE = (
    ("jekyll", re.compile(r"(?:^|/)_posts/")),
    ("hugo", re.compile(r"(?:^|/)_index\.(?:md|markdown)$")),
)


class SiteSummary(NamedTuple):
    """Result for one site: `articles` are those in the store, `passed_over` the paths of the other files."""

    preset: str
    config: str
    articles: int
    passed_over: tuple[str, ...]

    def text(self) -> str:
        """Return a line such as `preset hugo (config.yml): 2,083 articles, 1 page passed over`."""
        config = f" ({self.config})" if self.config else ""
        passed = f", {_count(len(self.passed_over), 'page')} passed over" if self.passed_over else ""
        return f"preset {self.preset}{config}: {_count(self.articles, 'article')}{passed}"


class FolderSummary(NamedTuple):
    """Result for the whole folder, whose `sites` are empty if all of its files are native.

    `files` is the number of Markdown files, `suggested` the preset of a generator that they look like.
    """

    sites: tuple[SiteSummary, ...]
    files: int
    suggested: str | None

    def lines(self) -> list[str]:
        """Return what the command line prints; nothing about a folder that only has native files."""
        if not self.files:
            return [
                "nothing found: gqlnews reads files that end in .md, .markdown or .mdx, not in hidden folders"
            ]
        lines = [site.text() for site in self.sites]
        if self.suggested is not None:
            lines.append(
                f"the files look like those of {self.suggested}, but it has no configuration file here: "
                f"try --preset {self.suggested}"
            )
        return lines


def summarize_folder(db: sqlite3.Connection, folder: Path) -> FolderSummary:
    """Summarize the last ingest of a folder."""
    options = stored_options(db)
    sites = () if options is None else options.effective.sites
    (files,) = db.execute("SELECT count(*) FROM source WHERE path NOT LIKE '%/'").fetchone()
    (mapped,) = db.execute("SELECT count(*) FROM source WHERE state IS NOT NULL").fetchone()
    if not mapped and not any(site.config for site in sites):
        return FolderSummary((), files, _suggest(db, folder))
    articles = _group(sites, db.execute("SELECT path FROM article"))
    passed = _group(sites, db.execute("SELECT path FROM source WHERE state = 'passed' ORDER BY path"))
    found = tuple(
        SiteSummary(site.preset, site.config, len(articles[site.inside]), tuple(passed[site.inside]))
        for site in sites
        if site.config or articles[site.inside] or passed[site.inside]
    )
    return FolderSummary(found, files, None if any(site.config for site in sites) else _suggest(db, folder))


def _group(sites: tuple[ContentSite, ...], rows: Iterable[tuple[str]]) -> dict[str, list[str]]:
    """Group paths by the folder of their site."""
    paths: dict[str, list[str]] = {site.inside: [] for site in sites}
    for (path,) in rows:
        paths[find_site(sites, path).inside].append(path)
    return paths


def _suggest(db: sqlite3.Connection, folder: Path) -> str | None:
    """Return the preset that the files of a folder without configuration look like."""
    paths = [path for (path,) in db.execute("SELECT path FROM source ORDER BY path")]
    for preset, pattern in _LOOKS_LIKE:
        if any(pattern.search(path) for path in paths):
            return preset
    statement = "SELECT path FROM problem WHERE code = 'no-front-matter' ORDER BY path LIMIT 1"
    for (path,) in db.execute(statement).fetchall():
        try:
            with open(folder / path, "rb") as file:
                return "pelican" if _HEADER.match(file.read(200)) else None
        except OSError:  # deleted since
            return None
    return None


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
