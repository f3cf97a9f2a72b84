"""The FastAPI application of `examples/mounted.py`, run by plain uvicorn."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.conftest import EXAMPLES
from tests.server.support import Running, environment, running


@contextmanager
def mounted(home: Path) -> Iterator[tuple[str, Running]]:
    """Serve the articles in `home / "content"`; yield the URL at which they are mounted, and the process."""
    command = [sys.executable, "-m", "uvicorn", "--app-dir", str(EXAMPLES.parent), "mounted:app"]
    command += ["--port", "0", "--timeout-graceful-shutdown", "1"]
    with running(command, environment(home), folder=home) as run:
        url = run.wait_for(r"running on http://\S+").removeprefix("running on ")
        yield f"{url}/news", run
