"""Fuzz targets: each generates one input, sends it, and checks every invariant."""

import json
from collections.abc import Callable, Mapping, Sequence
from re import sub
from typing import Any
from urllib.parse import unquote_plus

from hypothesis import strategies as st
from hypothesis.strategies import DataObject, SearchStrategy

from tests.fuzz import documents, envelopes, heads, values
from tests.fuzz.client import JSON_BODY, Header, Request
from tests.fuzz.inputs import SELECTIONS
from tests.fuzz.intake import ingest_random_file, ingest_random_site
from tests.fuzz.sockets import send_burst, send_random_messages
from tests.fuzz.world import World
from tests.server.support import TOKEN

AUTHORITY: SearchStrategy[Sequence[Header]] = st.sampled_from(
    [
        (),
        (),
        (("authorization", f"Bearer {TOKEN}".encode()),),
        (("accept", b"application/graphql-response+json"),),
    ]
)
STREAMS: SearchStrategy[Sequence[Header]] = st.sampled_from(
    [
        (("accept", accept),)
        for accept in (
            b"multipart/mixed, application/json",
            b"multipart/mixed;deferSpec=20220824, application/json",
            b"text/event-stream",
        )
    ]
)
SPREADS = st.integers(1, 3)
PAGED = ("articles", "trending", "stories", "providers", "topic", "search")
METHODS = (*("POST", "GET") * 6, "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH")

Target = Callable[[World, DataObject], None]


def _post(
    world: World,
    document: str,
    variables: Mapping[str, Any] | None = None,
    name: str | None = None,
    more: Sequence[Header] = (),
    *,
    is_http_1_0: bool = False,
) -> None:
    given = {"query": document, "variables": variables, "operationName": name}
    sent = json.dumps(given, ensure_ascii=False)
    headers, token = (*JSON_BODY, *more), any(name == "authorization" for name, _ in more)
    body = json.dumps(given).encode()
    world.send(Request(body, headers, sent=sent, token=token, is_http_1_0=is_http_1_0))


def valid_documents(world: World, data: DataObject) -> None:
    """Documents of hypothesis-graphql."""
    _post(world, data.draw(world.inputs.valid))


def deep_documents(world: World, data: DataObject) -> None:
    """Documents of the oracle: fragments, directives, variables, and arguments that name real content."""
    document, variables, name = data.draw(world.inputs.from_oracle)
    _post(world, document, variables, name, data.draw(AUTHORITY))


def parts(world: World, data: DataObject) -> None:
    """The same with incremental delivery or as events: fragments are deferred."""
    document, variables, name = data.draw(world.inputs.from_oracle)
    deferred = sub(
        r"\.\.\.( ?on \w+| ?F\d+)?", lambda found: f"{found[0]} @defer", document, count=data.draw(SPREADS)
    )
    more, is_old = (*data.draw(STREAMS), *data.draw(AUTHORITY)), data.draw(st.booleans())
    _post(world, deferred, variables, name, more, is_http_1_0=is_old)


def mutated_documents(world: World, data: DataObject) -> None:
    _post(world, data.draw(world.inputs.mutated))


def oversized_documents(world: World, data: DataObject) -> None:
    _post(world, data.draw(documents.oversized))


def erroneous_documents(world: World, data: DataObject) -> None:
    _post(world, data.draw(documents.erroneous), more=data.draw(AUTHORITY))


def random_documents(world: World, data: DataObject) -> None:
    _post(world, data.draw(documents.soup))


def variables(world: World, data: DataObject) -> None:
    """Every root field and argument, including cursors, ids, versions, dates and filters."""
    _post(world, *data.draw(world.inputs.roots))


def bodies(world: World, data: DataObject) -> None:
    body = data.draw(envelopes.bodies)
    world.send(Request(body, sent=body.decode(errors="replace")))


def parameters(world: World, data: DataObject) -> None:
    query = data.draw(envelopes.query_strings)
    world.send(Request(None, (), "GET", query, sent=f"{query} {unquote_plus(query)}"))


def headers(world: World, data: DataObject) -> None:
    """Random headers on queries, with any method."""
    method = data.draw(st.sampled_from(METHODS))
    given = data.draw(heads.heads)
    sent = repr(given)
    body = b'{"query":"{ articles { nodes { slug title secured extra } } }"}'
    query = "query=%7B+articles+%7B+nodes+%7B+slug+title+secured+%7D+%7D+%7D"
    token, is_old = TOKEN in sent, data.draw(st.booleans())
    if method in {"GET", "HEAD"}:
        world.send(Request(None, given, method, query, sent=sent, token=token, is_http_1_0=is_old))
    else:
        world.send(Request(body, given, method, sent=sent, token=token, is_http_1_0=is_old))


def cursors(world: World, data: DataObject) -> None:
    cursor = data.draw(values.cursors(world.cursors))
    field = values.cursor_list_id(cursor)
    field = field if field in PAGED else data.draw(st.sampled_from(PAGED))
    where = {
        "topic": 'topic(slug: "animals") { articles(after: $c) { totalCount nodes { slug } } }',
        "search": 'search(query: "quagga", after: $c) { totalCount nodes { slug } }',
    }
    selection = where.get(field, f"{field}(after: $c) {{ totalCount nodes {{ id }} }}")
    _post(world, f"query ($c: String) {{ {selection} }}", {"c": cursor})


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
    chosen = data.draw(st.lists(values.ids(world.ids), max_size=8))
    _post(world, f"query ($ids: [ID!]!) {{ nodes(ids: $ids) {SELECTIONS['Node']} }}", {"ids": chosen})


def front_matter(world: World, data: DataObject) -> None:
    """Random content files, ingested without the server."""
    ingest_random_file(world.intake, data)


def site_files(world: World, data: DataObject) -> None:
    """Random sites with their configuration files, ingested without the server."""
    ingest_random_site(world.site_intake, data)


TARGETS: Mapping[str, Target] = {
    "valid documents": valid_documents,
    "deep documents": deep_documents,
    "answers in parts": parts,
    "bent documents": mutated_documents,
    "swollen documents": oversized_documents,
    "erroneous documents": erroneous_documents,
    "random documents": random_documents,
    "variables": variables,
    "bodies": bodies,
    "parameters": parameters,
    "headers": headers,
    "cursors": cursors,
    "search strings": searches,
    "versions": versions,
    "ids": ids,
    "WebSocket messages": send_random_messages,
    "WebSocket bursts": send_burst,
    "front matter": front_matter,
    "sites": site_files,
}
