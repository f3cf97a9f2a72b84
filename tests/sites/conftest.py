"""The folders that are served: the real sites where they are unpacked, and the sites in `fixtures/`."""

import os
import shutil
from pathlib import Path

import pytest

from .tables import FIXTURES, GIVEN, REAL

BUILT = Path(__file__).parent / "fixtures"


def every_folder() -> list[tuple[str, str]]:
    """Return pairs of a site and the folder of it that is given."""
    return [(site, folder) for site in (*REAL, *FIXTURES) for folder in GIVEN[site]]


@pytest.fixture(scope="session")
def copies(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Copies of the sites in `fixtures/`, outside this git repository."""
    return Path(shutil.copytree(BUILT, tmp_path_factory.mktemp("sites") / "built"))


def site_folder(copies: Path, site: str) -> Path:
    """Return the folder of a site. Skips if the real sites are not unpacked."""
    if site in FIXTURES:
        return copies / site
    named = os.environ.get("GQLNEWS_CORPUS")
    if not named or not Path(named, "sites").is_dir():
        pytest.skip("GQLNEWS_CORPUS names no folder with the real sites, `sites/`")
    return Path(named, "sites", site)
