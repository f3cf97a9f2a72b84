"""The code in docs/clients.md is the code that the tests run, in the versions that it names."""

import json
import re

from tests.clients.programs import HERE

DOCUMENT = (HERE.parents[1] / "docs" / "clients.md").read_text("utf-8")
PACKAGE = json.loads((HERE / "package.json").read_text("utf-8"))
LOCK = json.loads((HERE / "package-lock.json").read_text("utf-8"))


def test_each_block_of_code_stands_in_a_program_that_runs() -> None:
    programs = "\0".join(path.read_text("utf-8") for path in [*HERE.glob("*.mjs"), HERE / "gql_client.py"])
    blocks = re.findall(r"^```(?:js|python)\n(.*?)^```$", DOCUMENT, re.MULTILINE | re.DOTALL)
    assert [block for block in blocks if block not in programs] == []
    assert len(blocks) == 9


def test_the_subscription_is_the_one_that_the_programs_ask_for() -> None:
    (shown,) = re.findall(r"^```graphql\n(.*?)```$", DOCUMENT, re.MULTILINE | re.DOTALL)
    for name in ("program.mjs", "gql_client.py"):
        assert " ".join(shown.split()) in " ".join((HERE / name).read_text("utf-8").split())


def test_the_versions_are_those_that_the_tests_install() -> None:
    wanted = PACKAGE["dependencies"]
    pinned = dict(line.split("==") for line in (HERE / "requirements.txt").read_text("utf-8").split())
    shown = re.findall(r"^\| \[[\w -]+\]\(#([\w-]+)\) \| ([\d.]+) \|", DOCUMENT, re.MULTILINE)
    assert dict(shown) == {
        "graphql-ws": wanted["graphql-ws"],
        "graphql-sse": wanted["graphql-sse"],
        "apollo-client": wanted["@apollo/client"],
        "urql": wanted["@urql/core"],
        "python": pinned["gql"],
    }


def test_the_versions_of_code_generators_are_those_that_the_tests_install() -> None:
    requirements = (HERE / "codegen-requirements.txt").read_text("utf-8")
    guide = (HERE.parents[1] / "docs" / "guides" / "codegen.md").read_text("utf-8")
    section = guide.partition("\n## Other generators\n")[2]
    assert f"(`@graphql-codegen/cli` {PACKAGE['dependencies']['@graphql-codegen/cli']} " in section
    assert f"relay-compiler {PACKAGE['dependencies']['relay-compiler']} " in section
    (version,) = re.findall(r"^ariadne-codegen==(.+)$", requirements, re.MULTILINE)
    assert f"ariadne-codegen {version}." in section


def test_versions_are_exact_and_the_lockfile_names_no_registry() -> None:
    locked = {name: LOCK["packages"][f"node_modules/{name}"]["version"] for name in PACKAGE["dependencies"]}
    assert PACKAGE["dependencies"] == locked
    assert [entry["resolved"] for entry in LOCK["packages"].values() if "resolved" in entry] == []
