"""Startup message of `gqlnews serve`, printed once it accepts requests."""

import shlex
from dataclasses import dataclass
from pathlib import Path

from gqlnews import __version__
from gqlnews.app import ENDPOINT
from gqlnews.config.settings import ServerSettings
from gqlnews.ingest.pipeline import IngestReport
from gqlnews.server.graphiql.assets import explorer_is_built


@dataclass(frozen=True, slots=True)
class Banner:
    """Facts for the startup message.

    `url` is the base URL, `articles` the number that a client without a token sees. `report` is None if the
    ingest before serving failed and the content of an earlier one is served.
    """

    settings: ServerSettings
    folder: Path
    url: str
    articles: int
    report: IngestReport | None

    def text(self) -> str:
        """Return the message for people, one fact per line."""
        facts = self.fields()
        whose = "unpublished ones too" if self.settings.unpublished else "published"
        advice = f" (gqlnews check {shlex.quote(str(self.folder))})" if facts["problems"] else ""
        return (
            f"gqlnews {__version__} serves {self.folder}\n"
            f"  API       {facts['api']}\n"
            f"  explorer  {facts['explorer']}\n"
            f"  articles  {self.articles} ({whose})\n"
            f"  problems  {'not known yet' if self.report is None else self.report.problems}{advice}\n"
            f"  database  {self.settings.database}\n"
            "Ctrl-C stops it."
        )

    def fields(self) -> dict[str, object]:
        """Return the facts as fields for a structured log."""
        return {
            "api": self.url + ENDPOINT,
            "explorer": self._explorer(),
            "articles": self.articles,
            "problems": None if self.report is None else self.report.problems,
            "folder": str(self.folder),
            "database": str(self.settings.database),
        }

    def _explorer(self) -> str:
        """Return the explorer's URL, or why there is none."""
        if not self.settings.explorer:
            return "off"
        return f"{self.url}/" if explorer_is_built() else f"{self.url}/ (not built: it says how)"
