"""`gqlnews sample`: write a synthetic content folder."""

from pathlib import Path

import typer

from gqlnews.cli.progress import progress
from gqlnews.cli.signals import exit_on_signal
from gqlnews.sample import write_sample


def run_sample(folder: Path, articles: int, seed: int) -> None:
    """Write the folder, and print a line of counts. Raises StartupError."""
    with exit_on_signal(f"{folder} holds a part of the sample"), progress("Writing articles") as report:
        written = write_sample(folder, articles, seed, report)
    typer.echo(
        f"{written.articles} articles in {folder}, {written.published} of them published; "
        f"{written.related} related entries, {written.size / 1e6:.1f} MB"
    )
