"""The packages of the guides must be installed."""

import pytest

from tests.guides.run import HERE, NODE


@pytest.fixture(scope="session", autouse=True)
def _packages() -> None:
    if not (NODE / "node").exists():
        pytest.fail(f"{HERE}/node_modules is missing: run `make guides`, which needs npm")
