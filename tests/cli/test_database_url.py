"""Values of --db and GQLNEWS_DB that are meant as URLs: each command rejects them, and shows no password."""

from pathlib import Path

import pytest

from tests.server.support import run_here

MISTYPED = (
    "postgresql+asyncpg://u:s3cret@db/news",
    "pgsql://u:s3cret@db/news",
    " pgsql://u:s3cret@db/news",
    '"postgresql://u:s3cret@db/news"',
    "postgresql//u:s3cret@db/news",
    "host=db user=u password=s3cret",
)
COMMANDS = (
    ("config",),
    ("config", "."),
    ("config", "--format", "json"),
    ("serve",),
    ("serve", "."),
    ("ingest", "."),
    ("changes",),
)


@pytest.mark.parametrize("value", MISTYPED)
@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_a_mistyped_url_is_rejected(tmp_path: Path, command: tuple[str, ...], value: str) -> None:
    given = {
        "--db": run_here(tmp_path, *command, "--db", value),
        "GQLNEWS_DB": run_here(tmp_path, *command, GQLNEWS_DB=value),
    }
    for source, done in given.items():
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr.startswith(f"gqlnews: {source}: the ")
        assert done.stderr.count("\n") == 1
        assert "s3cret" not in done.stderr


def test_the_configuration_shows_a_url_without_blanks_and_password(tmp_path: Path) -> None:
    done = run_here(tmp_path, "config", "--format", "json", GQLNEWS_DB=" postgresql://u:s3cret@db/news ")
    assert done.returncode == 0
    assert '"postgresql://u@db/news"' in done.stdout
    assert "s3cret" not in done.stdout + done.stderr
