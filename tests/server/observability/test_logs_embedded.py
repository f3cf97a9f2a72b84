"""Within another program, gqlnews configures its own logger and nothing else."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.server.support import DEADLINE, environment

PROGRAM = """
import logging, sys

{setup}
root = logging.getLogger()
other = logging.getLogger("gunicorn.error")
other.addHandler(logging.StreamHandler(sys.stdout))
other.handlers[0].setFormatter(logging.Formatter("other %(process)d %(thread)d %(processName)s"))
before = root.handlers[:], root.level, logging.logProcesses, logging.logThreads, logging.logMultiprocessing

from starlette.testclient import TestClient
from gqlnews.app import from_environment

with TestClient(from_environment()) as client:
    client.post("/graphql", json={{"query": "query Front {{ site {{ version }} }}"}})
other.warning("of the program")
assert before == (
    root.handlers[:], root.level, logging.logProcesses, logging.logThreads, logging.logMultiprocessing
)
print("unchanged")
"""


def run(database: Path, home: Path, setup: str = "", **changes: str) -> tuple[list[str], list[str]]:
    """Run a program that serves one request; return the lines of standard output and of standard error."""
    env = environment(home, {"GQLNEWS_DB": str(database), **changes})
    done = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-c", PROGRAM.format(setup=setup)],
        env=env,
        capture_output=True,
        text=True,
        timeout=DEADLINE,
        check=True,
    )
    return done.stdout.splitlines(), done.stderr.splitlines()


def test_the_program_s_own_loggers_work(database: Path, tmp_path: Path) -> None:
    out, _ = run(database, tmp_path)
    assert out[-1] == "unchanged"
    process, thread, name = out[-2].removeprefix("other ").split()
    assert int(process) > 0
    assert int(thread) > 0
    assert name == "MainProcess"


def test_without_handlers_the_log_goes_to_standard_error(database: Path, tmp_path: Path) -> None:
    _, err = run(database, tmp_path)
    assert "info operation name=Front ms=" in err[0]
    _, err = run(database, tmp_path, GQLNEWS_LOG_FORMAT="json")
    assert json.loads(err[0])["name"] == "Front"


@pytest.mark.parametrize("level", ["INFO", "WARNING"])
def test_the_program_s_handlers_and_levels_are_used(database: Path, tmp_path: Path, level: str) -> None:
    setup = (
        f"logging.basicConfig(level=logging.{level}, stream=sys.stdout,"
        ' format="%(process)d|%(threadName)s|%(levelname)s|%(name)s|%(funcName)s|%(message)s")'
    )
    out, err = run(database, tmp_path, setup)
    ours = [line.split("|") for line in out if "|gqlnews|" in line]
    assert err == []
    if level == "WARNING":
        assert ours == []
        return
    ((process, thread, severity, name, function, message),) = ours
    assert int(process) > 0
    assert thread
    assert function not in {"log_event", ""}
    assert (severity, name) == ("INFO", "gqlnews")
    assert message.startswith("operation name=Front ms=")


def test_a_record_factory_of_the_program_is_used(database: Path, tmp_path: Path) -> None:
    setup = """
factory = logging.getLogRecordFactory()
def make(*arguments, **named):
    record = factory(*arguments, **named)
    record.tenant = "t1"
    return record
logging.setLogRecordFactory(make)
logging.basicConfig(level=logging.INFO, stream=sys.stdout, format="%(tenant)s %(name)s %(message)s")
"""
    out, err = run(database, tmp_path, setup)
    assert err == []
    assert any(line.startswith("t1 gqlnews operation name=Front") for line in out)
