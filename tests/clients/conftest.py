"""The clients and code generators must be installed."""

import pytest

from tests.clients.programs import MADE


@pytest.fixture(scope="session", autouse=True)
def _made() -> None:
    missing = [str(path) for path in MADE if not path.exists()]
    if missing:
        pytest.fail(f"{', '.join(missing)} is missing: run `make clients`, which needs npm")
