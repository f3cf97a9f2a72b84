"""Unpublished content leaves no trace: the public's responses and costs are those of a store without it."""

import shutil
import sqlite3
from base64 import b64encode
from collections.abc import Iterator
from contextlib import closing
from itertools import count
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from gqlnews.engine.requests import GraphQLRequest, PreparedQuery
from gqlnews.query.entities import Audience
from tests.effort import examples
from tests.fuzz.place import HIDDEN, SECRET, url_of, write_content
from tests.oracle.content import read_folder
from tests.oracle.document import Operation
from tests.oracle.engine import Oracle, oracle_schema
from tests.oracle.folders import write_folder
from tests.oracle.strategies import Options, operations
from tests.oracle.values import values_of
from tests.product import Product, run_ingest

OF_ONE_STORE = frozenset({"Site.version", "Site.ingestedAt", "ChangeSet.version", "ArticleChange.version"})


class Twins(NamedTuple):
    """The product over a folder, and over a copy without the unpublished files."""

    whole: Product
    bare: Product
    operations: SearchStrategy[Operation]

    def bodies(self, asked: GraphQLRequest) -> tuple[bytes, bytes]:
        return self.whole.answer(asked, Audience.PUBLIC).body, self.bare.answer(asked, Audience.PUBLIC).body


@pytest.fixture(scope="module")
def twins(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Twins]:
    place = tmp_path_factory.mktemp("twins")
    whole = write_folder(place / "whole", seed=11, articles=80)
    write_content(whole)
    bare = shutil.copytree(whole, place / "bare", symlinks=True)
    content = read_folder(whole)
    hidden = {one.slug for one in content if not one.is_published}
    assert 10 < len(hidden) < len(content) - 10
    for file in list(bare.rglob("*.m*")):
        if file.relative_to(bare).with_suffix("").as_posix() in hidden:
            file.unlink()
    for folder in (whole, bare):
        run_ingest(folder, folder.with_suffix(".db"))
    schema = oracle_schema()
    asked = operations(
        schema, values_of(content, Oracle(schema).registry), Options(leave_out=OF_ONE_STORE, bad_arguments=2)
    )
    with Product(whole.with_suffix(".db")) as one, Product(bare.with_suffix(".db")) as other:
        yield Twins(one, other, asked)


@examples(50)
@given(data=st.data())
def test_the_public_is_answered_as_if_the_hidden_were_not_there(twins: Twins, data: st.DataObject) -> None:
    """This includes lists, counts, facets, ranks, scores, stories, links and hints."""
    asked = GraphQLRequest(*data.draw(twins.operations), include_hints=True)
    whole, bare = twins.bodies(asked)
    if twins.whole.is_cacheable(asked, Audience.PUBLIC):
        assert whole == bare


def id_of(slug: str) -> str:
    return b64encode(f"Article:{slug}".encode()).decode()


NOBODY = "nobody-0"
STEPS_OF_A_LOOK = 4  # to test a row's flag: some tens of nanoseconds
PATHS: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
    "slug": ("query ($v: String!) { article(slug: $v) { title html } }", {"v": HIDDEN[0]}, {"v": NOBODY}),
    "URL": (
        "query ($v: URL!) { articleByUrl(url: $v) { title html } }",
        {"v": url_of(HIDDEN[0])},
        {"v": url_of(NOBODY)},
    ),
    "id": (
        "query ($v: ID!) { node(id: $v) { id ... on Article { title } } }",
        {"v": id_of(HIDDEN[0])},
        {"v": id_of(NOBODY)},
    ),
    "ids": (
        "query ($v: [ID!]!) { nodes(ids: $v) { id ... on Article { title related { title } } } }",
        {"v": [id_of(slug) for slug in HIDDEN]},
        {"v": [id_of(f"{NOBODY}{number}") for number, _ in enumerate(HIDDEN)]},
    ),
    "provider": (
        "query ($v: String!) { provider(domain: $v) { name articles { totalCount } } }",
        {"v": f"{SECRET}.example"},
        {"v": f"{NOBODY}.example"},
    ),
    "topic": (
        "query ($v: String!) { topic(slug: $v) { name articles { totalCount } } }",
        {"v": f"{SECRET}-topic"},
        {"v": f"{NOBODY}-topic"},
    ),
    "search": (
        "query ($v: String!) { search(query: $v) { totalCount nodes { slug } } }",
        {"v": SECRET},
        {"v": NOBODY.replace("-", "")},
    ),
}


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    place = tmp_path_factory.mktemp("hidden")
    run_ingest(write_content(place / "content").root, place / "store.db")
    with Product(place / "store.db") as product:
        yield product


def steps(product: Product, query: str, variables: dict[str, Any]) -> tuple[list[str], int]:
    """Return the statements of a response, and the steps of SQLite's virtual machine that they take."""
    asked = GraphQLRequest(query, variables)
    prepared = product.engine.prepare(asked, Audience.PUBLIC)
    assert isinstance(prepared, PreparedQuery)
    del product.statements[:]
    product.answer(asked, Audience.PUBLIC)
    done = count()
    with closing(sqlite3.connect(product.database)) as db:
        db.set_progress_handler(lambda: next(done) < 0, 1)
        for statement in product.statements:
            db.execute(statement).fetchall()
    return [query.sql for query in prepared.bound.queries.values()], next(done)


@pytest.mark.parametrize("path", PATHS)
def test_what_is_hidden_and_what_is_unknown_cost_the_same(product: Product, path: str) -> None:
    """The same response and statements, and almost the same steps: only a row's flag is tested."""
    query, hidden, unknown = PATHS[path]
    assert product.data(query, hidden) == product.data(query, unknown)
    hidden_texts, hidden_steps = steps(product, query, hidden)
    unknown_texts, unknown_steps = steps(product, query, unknown)
    assert hidden_texts == unknown_texts
    assert abs(hidden_steps - unknown_steps) <= STEPS_OF_A_LOOK * (len(HIDDEN) if path == "ids" else 1)
