"""What is fuzzed: each target makes one input, sends it, and sees that every promise is kept."""

import json
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import unquote_plus

from hypothesis import strategies as st
from hypothesis.strategies import DataObject

from tests.fuzz import documents, envelopes, heads, values
from tests.fuzz.client import JSON_BODY, Request
from tests.fuzz.inputs import SELECTIONS
from tests.fuzz.intake import take_in_anything
from tests.fuzz.sockets import say_anything
from tests.fuzz.world import World
from tests.server.support import TOKEN

Target = Callable[[World, DataObject], None]


def _post(
    world: World, document: str, variables: Mapping[str, Any] | None = None, name: str | None = None
) -> None:
    given = {"query": document, "variables": variables, "operationName": name}
    said = json.dumps(given, ensure_ascii=False)
    world.send(Request(json.dumps(given).encode(), _accepting(said), said=said))


def _accepting(said: str) -> tuple[tuple[str, bytes], ...]:
    """Half of them take the newer media type."""
    newer = (("accept", b"application/graphql-response+json"),)
    return (*JSON_BODY, *(newer if len(said) % 2 else ()))


def valid_documents(world: World, data: DataObject) -> None:
    """Of hypothesis-graphql."""
    _post(world, data.draw(world.inputs.valid))


def deep_documents(world: World, data: DataObject) -> None:
    """Of the oracle: fragments, directives, variables, and arguments that name what is there."""
    asked = data.draw(world.inputs.asked)
    _post(world, asked.document, asked.variables, asked.name)


def bent_documents(world: World, data: DataObject) -> None:
    _post(world, data.draw(world.inputs.bent))


def swollen_documents(world: World, data: DataObject) -> None:
    _post(world, data.draw(documents.swollen))


def random_documents(world: World, data: DataObject) -> None:
    _post(world, data.draw(documents.soup))


def variables(world: World, data: DataObject) -> None:
    """Every root field and argument; cursors, ids, versions, dates and filters among them."""
    _post(world, *data.draw(world.inputs.roots))


def bodies(world: World, data: DataObject) -> None:
    body = data.draw(envelopes.bodies)
    world.send(Request(body, said=body.decode(errors="replace")))


def parameters(world: World, data: DataObject) -> None:
    query = data.draw(envelopes.query_strings)
    world.send(Request(None, (), "GET", query, said=f"{query} {unquote_plus(query)}"))


def headers(world: World, data: DataObject) -> None:
    """Of queries that end, by any method."""
    method = data.draw(
        st.sampled_from(["POST", "GET", "POST", "GET", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH"])
    )
    given = data.draw(heads.heads)
    said = repr(given)
    body = b'{"query":"{ articles { nodes { slug title secured extra } } }"}'
    query = "query=%7B+articles+%7B+nodes+%7B+slug+title+secured+%7D+%7D+%7D"
    token = TOKEN in said
    if method in {"GET", "HEAD"}:
        world.send(Request(None, given, method, query, said=said, token=token))
    else:
        world.send(Request(body, given, method, said=said, token=token))


def cursors(world: World, data: DataObject) -> None:
    cursor = data.draw(values.cursors(world.cursors))
    field = data.draw(st.sampled_from(["articles", "trending", "stories", "providers", "topic", "search"]))
    where = {
        "topic": 'topic(slug: "animals") { articles(after: $c) { totalCount nodes { slug } } }',
        "search": 'search(query: "quagga", after: $c) { totalCount nodes { slug } }',
    }
    asked = where.get(field, f"{field}(after: $c) {{ totalCount nodes {{ id }} }}")
    _post(world, f"query ($c: String) {{ {asked} }}", {"c": cursor})


def searches(world: World, data: DataObject) -> None:
    text = data.draw(values.searches)
    document = (
        "query ($q: String!) { search(query: $q) { totalCount edges { snippet score node { title } } }"
        " articles(where: {matches: $q}) { totalCount } }"
    )
    _post(world, document, {"q": text})


def versions(world: World, data: DataObject) -> None:
    since = data.draw(values.versions(world.versions))
    _post(
        world,
        f"query ($since: String) {{ changes(since: $since) {SELECTIONS['ChangeSet']} }}",
        {"since": since},
    )


def ids(world: World, data: DataObject) -> None:
    some = data.draw(st.lists(values.ids(world.ids), max_size=8))
    _post(world, f"query ($ids: [ID!]!) {{ nodes(ids: $ids) {SELECTIONS['Node']} }}", {"ids": some})


def front_matter(world: World, data: DataObject) -> None:
    """Through an ingest, without the server."""
    take_in_anything(world.intake, data)


TARGETS: Mapping[str, Target] = {
    "valid documents": valid_documents,
    "deep documents": deep_documents,
    "bent documents": bent_documents,
    "swollen documents": swollen_documents,
    "random documents": random_documents,
    "variables": variables,
    "bodies": bodies,
    "parameters": parameters,
    "headers": headers,
    "cursors": cursors,
    "search strings": searches,
    "versions": versions,
    "ids": ids,
    "WebSocket messages": say_anything,
    "front matter": front_matter,
}
