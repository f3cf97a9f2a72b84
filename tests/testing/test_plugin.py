"""The pytest plugin in sessions of pytest of their own, as users run it."""

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.live import wait_until
from tests.server.support import DEADLINE, environment, running
from tests.testing.test_server import is_running

SESSION_DEADLINE = 5 * DEADLINE  # a session takes some seconds on an idle machine

EACH_TEST = """
import pytest

COUNT = "query Named { site { articleCount } }"



def test_passes(gqlnews):
    gqlnews.write("a.md")
    gqlnews.wait_until_served()
    assert gqlnews.query(COUNT) == {"site": {"articleCount": 1}}


def test_is_isolated(gqlnews):
    assert gqlnews.query(COUNT) == {"site": {"articleCount": 0}}


def test_fails(gqlnews):
    gqlnews.query("query Failing { site { articleCount } }")
    raise AssertionError


def test_rejects(gqlnews):
    gqlnews.write("bad.md", publishedDateTime="yesterday")
    gqlnews.wait_until_served()


@pytest.mark.anyio
async def test_waits(gqlnews):
    assert await gqlnews.query_async(COUNT) == {"site": {"articleCount": 0}}


@pytest.fixture(scope="session")
def gqlnews_settings():
    return {"max_depth": 2}


def test_has_settings(gqlnews):
    assert gqlnews.execute("{ articles { nodes { provider { name } } } }").errors
"""

SHARED = """
import pytest

urls = set()


@pytest.fixture(scope="session")
def site(gqlnews):
    return gqlnews.url


def test_first(gqlnews):
    urls.add(gqlnews.url)
    gqlnews.query("query First { site { articleCount } }")


def test_second(gqlnews, site):
    assert urls == {gqlnews.url} == {site}
    gqlnews.query("query Second { site { articleCount } }")
    gqlnews.write("b.md")


def test_own_files(gqlnews_files):
    gqlnews_files.write("b.md")
    gqlnews_files.wait_until_served()
    assert gqlnews_files.query("{ articles { nodes { slug } } }")["articles"]["nodes"] == [{"slug": "b"}]


def test_in_process(gqlnews_in_process):
    assert gqlnews_in_process.query("{ articles { nodes { slug } } }")["articles"]["nodes"] == [{"slug": "a"}]
"""

BLOCKED = """
import json
import os
import sys
import time


def test_blocks(gqlnews):
    parent = int(open(f"/proc/{gqlnews.pids[0]}/stat").read().rpartition(")")[2].split()[1])
    print(json.dumps([parent, *gqlnews.pids]), file=sys.__stdout__, flush=True)
    time.sleep(600)
"""


def command(*arguments: str) -> list[str]:
    options = ["-p", "no:cacheprovider", "-p", "no:hypothesispytest", "--basetemp", "tmp"]
    return [sys.executable, "-m", "pytest", *options, *arguments]


def run(folder: Path, *arguments: str, test: str, **files: str) -> tuple[dict[str, int], str]:
    """Run a session; returns the number of tests by outcome, and the output."""
    (folder / "test_it.py").write_text(test)
    for name, text in files.items():
        (folder / f"{name}.ini").write_text(text)
    done = subprocess.run(  # noqa: S603 - our own interpreter
        command(*arguments),
        env=environment(folder),
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=SESSION_DEADLINE,
        check=False,
    )
    outcomes = re.findall(r"(\d+) (passed|failed|errors?)", done.stdout.splitlines()[-1])
    return {name: int(number) for number, name in outcomes}, done.stdout + done.stderr


def section(output: str, test: str) -> str:
    """Return the report of a failed test."""
    return re.split(r"\n_{3,} ", output.partition(f"_ {test} _")[2])[0].partition("short test summary")[0]


def test_each_test_has_its_server_and_failures_show_its_log(tmp_path: Path) -> None:
    """With pytest-xdist too, whose processes have servers of their own."""
    outcomes, output = run(tmp_path, "-n", "2", test=EACH_TEST)
    assert outcomes == {"passed": 4, "failed": 2}, output
    failing = section(output, "test_fails")
    assert re.search(r"-+ Log of gqlnews at http://127\.0\.0\.1:\d+/graphql -+", failing)
    assert "operation name=Failing" in failing
    assert "name=Named" not in failing
    rejected = section(output, "test_rejects")
    assert "FileRejectedError: 1 file is not served because of errors:" in rejected
    assert "bad.md:3:20: error bad-date: `yesterday` is not a date" in rejected
    assert "gqlnews/testing" not in rejected, "the lines of the plugin are hidden"


def test_a_configured_folder_is_served_once_for_the_session(tmp_path: Path) -> None:
    content = tmp_path / "content"
    content.mkdir()
    (content / "a.md").write_text("---\ntitle: A\ndate: 2024-01-01\n---\n")
    outcomes, output = run(tmp_path, test=SHARED, pytest="[pytest]\ngqlnews_folder = content\n")
    assert outcomes == {"passed": 3, "failed": 1}, output
    failing = section(output, "test_second")
    assert f"ReadOnlyFolderError: tests cannot write into {content}, because they share it" in failing
    assert "name=Second" in failing
    assert "name=First" not in failing, "the log begins with the test"
    assert os.listdir(content) == ["a.md"]


def test_a_wrong_option_is_an_error(tmp_path: Path) -> None:
    test = "def test_folder(gqlnews_folder): pass\n\ndef test_timeout(gqlnews_factory): pass\n"
    options = "[pytest]\ngqlnews_folder = absent\ngqlnews_timeout = soon\n"
    outcomes, output = run(tmp_path, test=test, pytest=options)
    assert outcomes == {"errors": 2}
    file = tmp_path / "pytest.ini"
    assert f"gqlnews_folder = absent in {file}: {tmp_path / 'absent'} is not a folder" in output
    assert f"gqlnews_timeout = 'soon' in {file} is not a number" in output


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_every_process_ends_with_pytest(tmp_path: Path, number: int) -> None:
    (tmp_path / "test_it.py").write_text(BLOCKED)
    with running(command("-s"), environment(tmp_path), folder=tmp_path) as session:
        pids = json.loads(session.wait_for(r"\[\d+, \d+, \d+\]"))
        assert all(map(is_running, pids))
        session.stop(number)
    wait_until(lambda: not any(map(is_running, pids)))


def test_a_session_that_does_not_use_the_plugin_imports_nothing(tmp_path: Path) -> None:
    test = """
import sys

def test_modules():
    ours = {name for name in sys.modules if name.partition(".")[0] == "gqlnews"}
    assert ours == {"gqlnews", "gqlnews.testing", "gqlnews.testing.plugin"}
    assert not {"httpx2", "starlette", "websockets", "yaml"} & sys.modules.keys()
"""
    outcomes, output = run(tmp_path, test=test)
    assert outcomes == {"passed": 1}, output
