"""What the image guarantees, read from the Dockerfile."""

import json
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "Dockerfile").read_text("utf-8").replace("\\\n", " ")
STAGES = re.split(r"(?m)^(?=FROM )", TEXT)[1:]
FINAL = STAGES[-1]


def instruction(name: str) -> str:
    """Return the arguments of the final stage's only instruction of this name."""
    (arguments,) = re.findall(rf"(?m)^{name} (.*)$", FINAL)
    return str(arguments)


def test_build_tools_are_not_in_the_image() -> None:
    assert len(STAGES) == 4
    assert "npm" not in FINAL
    assert " pip " not in FINAL


def test_the_container_runs_unprivileged_and_drains_on_stop() -> None:
    assert int(instruction("USER")) > 0
    assert instruction("STOPSIGNAL") == "SIGTERM"


def test_the_container_writes_only_to_its_volume() -> None:
    assert json.loads(instruction("ENTRYPOINT")) == ["gqlnews", "serve", "/content"]
    assert {"GQLNEWS_DB=/data/gqlnews.db", "TMPDIR=/data", "GQLNEWS_HOST=0.0.0.0"} <= set(
        instruction("ENV").split()
    )
    assert instruction("VOLUME") == "/data"


def test_the_health_check_reads_the_store() -> None:
    command = json.loads(instruction("HEALTHCHECK").partition("CMD ")[2])
    assert command[:2] == ["python", "-c"]
    compile(command[2], "health", "exec")
    assert "/health/ready" in command[2]


def test_the_build_context_has_only_listed_files() -> None:
    first, *others = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    allowed = {line[1:] for line in others if line.startswith("!")}
    assert first == "*"
    assert allowed == {
        *(
            "explorer",
            "examples/reader",
            "gqlnews",
            "pyproject.toml",
            "hatch_build.py",
            "README.md",
            "LICENSE",
        ),
        *("requirements.lock", "requirements-build.lock", "schema.graphql"),
    }
    assert [name for name in allowed if not (ROOT / name).exists()] == []
    assert {"explorer/node_modules", "gqlnews/server/explorer", "**/.*"} <= set(others)
    assert {"examples/reader/node_modules", "gqlnews/server/reader"} <= set(others)


def test_pip_downloads_only_wheels_with_a_locked_hash() -> None:
    installs = re.findall(r"\bpip (?:--python \S+ )?install [^&\n]*", TEXT)
    downloads = [command for command in installs if "--no-index" not in command]
    assert len(installs) == 3
    assert all(" --no-deps --no-index " in command for command in set(installs) - set(downloads))
    for command in downloads:
        assert re.search(
            r" install --require-hashes --only-binary :all: -r requirements\S*\.lock *$", command
        )


def test_npm_installs_from_its_lock_and_runs_no_install_script() -> None:
    commands = re.findall(r"\bnpm (?!run)[^&\n]*", TEXT)
    assert len(commands) == 2
    assert all(command.startswith("npm ci --ignore-scripts") for command in commands)


def test_nothing_else_downloads_anything() -> None:
    code = re.sub(r"(?m)^#(?! *syntax *=).*$", "", TEXT)
    assert not re.search(
        r"(?m)\b(curl|wget|git|apt-get|apt|npx|uv|pipx)\b|^ADD |https?://(?!127\.0\.0\.1)", code
    )
    assert "syntax" not in code, "a frontend image would be fetched and would run the build"


def test_build_takes_no_secret() -> None:
    assert not re.search(r"(?m)^ARG |--mount=type=secret|TOKEN|PASSWORD|\.npmrc|pip\.conf", TEXT)


def test_every_base_image_has_a_version() -> None:
    names = [stage.split()[1] for stage in STAGES]
    assert all(
        re.fullmatch(r"[a-z]+:\d[\w.-]*-bookworm|[a-z]+:\d[\w.]*-(bookworm-slim|slim-bookworm)", name)
        for name in names
    )


def test_label_names_the_licence() -> None:
    assert '"MIT"' in re.findall(r"org\.opencontainers\.image\.licenses=(\S+)", FINAL)
