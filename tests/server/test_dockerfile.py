"""What the image promises, read off the Dockerfile."""

import json
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "Dockerfile").read_text("utf-8").replace("\\\n", " ")
STAGES = re.split(r"(?m)^(?=FROM )", TEXT)[1:]
FINAL = STAGES[-1]


def instruction(name: str) -> str:
    """The arguments of the final stage's one instruction of this name."""
    (arguments,) = re.findall(rf"(?m)^{name} (.*)$", FINAL)
    return str(arguments)


def test_what_builds_it_stays_out_of_it() -> None:
    assert len(STAGES) == 3
    assert "npm" not in FINAL
    assert " pip " not in FINAL


def test_it_runs_as_nobody_special_and_is_stopped_by_a_drain() -> None:
    assert int(instruction("USER")) > 0
    assert instruction("STOPSIGNAL") == "SIGTERM"


def test_it_serves_content_and_writes_to_its_volume_only() -> None:
    assert json.loads(instruction("ENTRYPOINT")) == ["gqlnews", "serve", "/content"]
    assert {"GQLNEWS_DB=/data/gqlnews.db", "TMPDIR=/data", "GQLNEWS_HOST=0.0.0.0"} <= set(
        instruction("ENV").split()
    )
    assert instruction("VOLUME") == "/data"


def test_its_health_is_that_the_store_answers() -> None:
    command = json.loads(instruction("HEALTHCHECK").partition("CMD ")[2])
    assert command[:2] == ["python", "-c"]
    compile(command[2], "health", "exec")
    assert "/health/ready" in command[2]


def test_it_leaves_out_everything_that_is_not_named() -> None:
    assert (ROOT / ".dockerignore").read_text("utf-8").splitlines()[0] == "*"
