"""docs/queries.md: every query is run, and every number in its tables is checked."""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from graphql import assert_input_object_type, build_schema

from gqlnews.engine.requests import GraphQLRequest
from gqlnews.query.entities import Audience
from tests.product import Product

ROOT = Path(__file__).parent.parent
TEXT = (ROOT / "docs" / "queries.md").read_text("utf-8")
FILES = {file.stem: file.read_text("utf-8") for file in (ROOT / "benchmarks" / "queries").glob("*.graphql")}

_RECIPE = re.compile(r"^### ([^\n]+)\n(.*?)(?=^#{2,3} |\Z)", re.MULTILINE | re.DOTALL)
_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_DIFFERS = re.compile(r"^Values that differ between stores: (.+)$", re.MULTILINE)
_FILTER_ROW = re.compile(r"^\|.*\| `(\{.*\})` \| (\d+|varies) \|$", re.MULTILINE)
_SEARCH_ROW = re.compile(r"^\| `(.+?)` \| .+ \| (\d+) \|$", re.MULTILINE)
_SHAPES = {
    "updatedAt": re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z"),
    "version": re.compile(r"[0-9a-f]+-\d+"),
}
"""The format of values that differ between stores."""


@dataclass(frozen=True)
class Recipe:
    """One query of the document. The values of the keys in `differs` differ between stores."""

    name: str
    query: str
    variables: dict[str, Any]
    answer: dict[str, Any]
    differs: frozenset[str]


def anchor(heading: str) -> str:
    """Return the fragment of a link to a heading."""
    return re.sub(r"[^a-z0-9 -]", "", heading.lower()).replace(" ", "-")


def recipe(heading: str, body: str) -> Recipe:
    (language, query), *rest = _BLOCK.findall(body)
    assert language == "graphql", heading
    assert [one for one, _ in rest] in (["json"], ["json", "json"]), heading
    values = [json.loads(text) for _, text in rest]
    differs = frozenset(re.findall(r"`(\w+)`", " ".join(_DIFFERS.findall(body))))
    return Recipe(anchor(heading), query, values[0] if len(values) == 2 else {}, values[-1], differs)


RECIPES = [recipe(heading, body) for heading, body in _RECIPE.findall(TEXT)]


def section(title: str) -> str:
    """Return the text below a second-level heading."""
    return TEXT.split(f"\n## {title}\n")[1].split("\n## ")[0]


def settled(value: Any, differs: frozenset[str]) -> Any:
    """Replace the values of `differs` with their format, after checking it."""
    if isinstance(value, list):
        return [settled(one, differs) for one in value]
    if isinstance(value, dict):
        return {key: _settled_member(key, one, differs) for key, one in value.items()}
    return value


def _settled_member(key: str, value: Any, differs: frozenset[str]) -> Any:
    if key not in differs:
        return settled(value, differs)
    shape = _SHAPES[key]
    assert shape.fullmatch(str(value)), f"{value} does not look like `{key}`"
    return shape.pattern


def test_every_query_stands_in_the_cookbook_and_nothing_else_does() -> None:
    """The heading is the name of the file, whose comment is left out, because the prose replaces it."""
    expected = {name: text.split("\n", 1)[1] for name, text in FILES.items()}
    assert {one.name: one.query for one in RECIPES} == expected
    assert len(RECIPES) == len(FILES)
    assert TEXT.count("```graphql\n") == len(FILES)


@pytest.mark.parametrize("name", sorted(FILES))
def test_a_file_begins_with_what_it_is_for(name: str) -> None:
    assert re.match(r"# .+\.\nquery ", FILES[name])


@pytest.mark.parametrize("one", RECIPES, ids=[one.name for one in RECIPES])
def test_a_query_gives_the_answer_of_the_cookbook(one: Recipe, examples: Product) -> None:
    answer = examples.ask(one.query, one.variables)
    printed = json.dumps(answer, indent=2, ensure_ascii=False)
    assert settled(answer, one.differs) == settled(one.answer, one.differs), (
        f"docs/queries.md, `{one.name}`: the answer is now\n{printed}"
    )


def test_only_what_the_cookbook_says_differs_is_compared_by_shape() -> None:
    assert {one.name: set(one.differs) for one in RECIPES if one.differs} == {
        "sitemap": {"updatedAt"},
        "sync": {"updatedAt", "version"},
    }


@pytest.mark.parametrize(("query", "count"), _SEARCH_ROW.findall(section("Search syntax")))
def test_a_search_finds_as_many_as_its_row_says(query: str, count: str, examples: Product) -> None:
    asked = "query ($query: String!) { search(query: $query) { totalCount } }"
    assert examples.data(asked, {"query": query})["search"]["totalCount"] == int(count)


@pytest.mark.parametrize(("where", "count"), _FILTER_ROW.findall(section("Filters")))
def test_a_filter_passes_as_many_as_its_row_says(where: str, count: str, examples: Product) -> None:
    found = examples.data(f"{{ articles(where: {where}) {{ totalCount }} }}")["articles"]["totalCount"]
    assert count in (str(found), "varies")


def fields_of(*inputs: str) -> set[str]:
    """Return the fields of input types in the exported schema."""
    schema = build_schema((ROOT / "schema.graphql").read_text("utf-8"))
    types = [assert_input_object_type(schema.type_map[name]) for name in inputs]
    return {field for one in types for field in one.fields}


def test_every_operator_has_its_row() -> None:
    rows = re.findall(r"^\| `(\w+)` \| .+ \| .+ \| `.+` \| .+ \|$", section("Filters"), re.MULTILINE)
    assert set(rows) == fields_of("StringFilter", "SetFilter", "SectionFilter", "IntFilter", "DateTimeFilter")


def test_every_field_of_a_filter_is_named() -> None:
    fields, _, _ = section("Filters").partition("| operator |")
    named = re.findall(r"`(\w+)`", " ".join(re.findall(r"^\| (`.+?) \|", fields, re.MULTILINE)))
    assert set(named) == fields_of("ArticleFilter")


def test_the_hints_are_those_of_the_cookbook(examples: Product) -> None:
    request, answer = (json.loads(text) for _, text in _BLOCK.findall(section("Hints")))
    assert request["extensions"] == {"hints": True}
    asked = GraphQLRequest(request["query"], include_hints=True)
    assert json.loads(examples.answer(asked, Audience.PUBLIC).body) == answer


def test_a_link_within_the_cookbook_leads_to_a_heading() -> None:
    headings = {anchor(heading) for heading in re.findall(r"^#+ (.+)$", TEXT, re.MULTILINE)}
    assert set(re.findall(r"\]\(#([^)]+)\)", TEXT)) <= headings
