"""The startup message of `gqlnews serve`, printed once it accepts requests."""

import shlex
from dataclasses import dataclass
from pathlib import Path

from gqlnews import __version__
from gqlnews.app import ENDPOINT
from gqlnews.config.settings import ServerSettings
from gqlnews.database.sqlite.schedule import NO_WATCHER, Schedule
from gqlnews.ingest.site_summary import FolderSummary
from gqlnews.server.graphiql.page import explorer_is_built
from gqlnews.server.reader_page import documents_path


@dataclass(frozen=True, slots=True)
class Banner:
    """Facts for the startup message.

    `url` is the base URL, `articles` the number of articles that a client without a token sees. `problems` is
    None if the ingest before serving failed and the content of an earlier ingest is served. `summary` is what
    the ingest found, None if another process ingests; `schedule` is when articles appear or expire, and
    `is_watched` whether a watcher follows that.
    """

    settings: ServerSettings
    folder: Path | None
    url: str
    articles: int
    problems: int | None
    summary: FolderSummary | None
    schedule: Schedule | None
    is_watched: bool

    def text(self) -> str:
        """Return the message for people, one fact per line."""
        facts = self.fields()
        visibility = "unpublished ones too" if self.settings.unpublished else "published"
        has_advice = facts["problems"] and self.folder is not None
        advice = f" (gqlnews check {shlex.quote(str(self.folder))})" if has_advice else ""
        found = "".join(f"  found     {line}\n" for line in self._found())
        return (
            f"gqlnews {__version__} serves {self.folder or 'a PostgreSQL database'}\n"
            f"  API       {facts['api']}\n"
            f"  reader    {facts['reader']}\n"
            f"  explorer  {facts['explorer']}\n"
            f"  articles  {self.articles} ({visibility})\n"
            f"{found}"
            f"  problems  {'not known yet' if facts['problems'] is None else facts['problems']}{advice}\n"
            f"{self._scheduled()}"
            f"  database  {facts['database']}\n"
            "Ctrl-C stops it."
        )

    def _found(self) -> list[str]:
        return [] if self.summary is None else list(self.summary.lines())

    def fields(self) -> dict[str, object]:
        """Return the facts as fields for a structured log."""
        return {
            "api": self.url + ENDPOINT,
            "reader": self._reader(),
            "explorer": self._explorer(),
            "articles": self.articles,
            "problems": self.problems,
            "found": self._found(),
            "next_due": None if self.schedule is None else self.schedule.next_due,
            "watched": self.is_watched,
            "folder": None if self.folder is None else str(self.folder),
            "database": str(self.settings.postgres or self.settings.database),
        }

    def _scheduled(self) -> str:
        """Return the line about the schedule, or nothing."""
        if self.schedule is None:
            return ""
        due, overdue = self.schedule
        what = f"{overdue} overdue" if overdue else "an article appears or expires"
        return f"  next due  {due}: {what}{'' if self.is_watched else f'; {NO_WATCHER}'}\n"

    def _reader(self) -> str:
        """Return the reader's URL, or why there is none."""
        is_on, url = self.settings.reader, f"{self.url}/"
        return _page(url, is_built=documents_path() is not None) if is_on else "off"

    def _explorer(self) -> str:
        """Return the explorer's URL, or why there is none."""
        is_on, url = self.settings.explorer, self.url + (ENDPOINT if self.settings.reader else "/")
        return _page(url, is_built=explorer_is_built()) if is_on else "off"


def _page(url: str, *, is_built: bool) -> str:
    return url if is_built else f"{url} (not built: open it for instructions)"
