"""Known attacks as test cases. Add a line for each finding of the fuzzer."""

import json
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed

from tests.fuzz.client import JSON_BODY, Request
from tests.fuzz.place import PUBLISHED, SECRET
from tests.fuzz.promises import violations
from tests.fuzz.sockets import open_socket
from tests.fuzz.world import World
from tests.server.support import DEADLINE, TOKEN

COUNT = "{ site { articleCount } }"
DEEP = 60_000


FILTERED = "query ($w: ArticleFilter) { articles(where: $w) { totalCount } }"

BOMBS = {
    "brackets": ("[" * 200_000, "BAD_REQUEST"),
    "brackets that close": ("[" * 100_000 + "]" * 100_000, "BAD_REQUEST"),
    "objects": ('{"a":' * 50_000, "BAD_REQUEST"),
    "deep variables": (
        f'{{"query":"{COUNT}","variables":{{"a":{"[" * DEEP}{"]" * DEEP}}}}}',
        "BAD_REQUEST",
    ),
    "many values": (
        f'{{"query":"{FILTERED}","variables":{{"w":{{"and":[{"{}," * 20_001}{{}}]}}}}}}',
        "TOO_WIDE",
    ),
    "a number": (f'{{"query":"{COUNT}","variables":{{"a":{"9" * 200_000}}}}}', "BAD_REQUEST"),
    "too large": (" " * (256 * 1024 + 1), "BODY_TOO_LARGE"),
}
REFUSED = {
    "a fragment in itself": ("{ ...F } fragment F on Query { ...F }", "GRAPHQL_VALIDATION_FAILED"),
    "two fragments in each other": (
        "{ ...F } fragment F on Query { ...G } fragment G on Query { ...F }",
        "GRAPHQL_VALIDATION_FAILED",
    ),
    "lists of introspection": (
        "{ __schema { types { fields { type { fields { type { fields { type { fields { name } } } } } } } }"
        " } }",
        "GRAPHQL_VALIDATION_FAILED",
    ),
    "aliases": (
        f"{{ site {{ {' '.join(f'a{number}: version' for number in range(31))} }} }}",
        "TOO_MANY_ALIASES",
    ),
    "root fields": (f"{{ {'__typename ' * 21} }}", "TOO_MANY_ROOT_FIELDS"),
    "lists in lists": (
        "{ articles(first: 100) { nodes { related(first: 100) { article { related { title } } } } } }",
        "TOO_COSTLY",
    ),
}
INJECTED = (
    *(
        "' OR 1=1 --",
        "'; DROP TABLE article; --",
        '") UNION SELECT * FROM sqlite_master --',
        "%",
        "_",
        "\\",
        "?9",
    ),
    *(":now", "$9", "{9}", "a\0b", "*", '"', "'", "`", "title: OR NEAR(a b)"),
)


def code_of(world: World, body: str) -> str:
    answer = world.send(Request(body.encode(), JSON_BODY, sent=body))
    (error, *_) = json.loads(answer.body)["errors"]
    return str(error["extensions"]["code"])


@pytest.mark.parametrize("name", BOMBS)
def test_a_json_bomb_is_rejected(world: World, name: str) -> None:
    body, code = BOMBS[name]
    assert code_of(world, body) == code


@pytest.mark.parametrize("text", ["[" * 65_000, '{"a":' * 13_000, "9" * 65_000])
def test_a_json_bomb_closes_its_websocket(world: World, text: str) -> None:
    with open_socket(world) as socket:
        socket.send(text)
        with pytest.raises(ConnectionClosed) as closed:
            socket.recv(timeout=DEADLINE)
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 4400
    world.assert_alive()


@pytest.mark.parametrize("name", REFUSED)
def test_an_amplifying_request_is_rejected(world: World, name: str) -> None:
    document, code = REFUSED[name]
    assert code_of(world, json.dumps({"query": document})) == code


@pytest.mark.parametrize("text", INJECTED)
def test_sql_in_arguments_is_only_a_value(world: World, text: str) -> None:
    """Nothing has such a name or contains it, and all content is still there afterwards."""
    document = (
        "query ($t: String!) { article(slug: $t) { slug } provider(domain: $t) { name }"
        " topic(slug: $t) { name } search(query: $t) { totalCount }"
        " articles(where: {title: {eq: $t}}) { totalCount } }"
    )
    body = json.dumps({"query": document, "variables": {"t": text}})
    answer = json.loads(world.send(Request(body.encode(), JSON_BODY, sent=body)).body)
    nothing = {"totalCount": 0}
    found: Any = {"article": None, "provider": None, "topic": None, "search": nothing, "articles": nothing}
    assert answer == {"data": found}


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("{ search(query: %s) { totalCount } }", {"search": {"totalCount": 0}}),
        ("{ articles(where: {matches: %s}) { totalCount } }", {"articles": {"totalCount": 0}}),
        ("{ articles(where: {title: {contains: %s}}) { totalCount } }", {"articles": {"totalCount": 0}}),
        (
            "{ articles(where: {not: {title: {contains: %s}}}) { totalCount } }",
            {"articles": {"totalCount": len(PUBLISHED)}},
        ),
        ("{ providers(where: {name: {contains: %s}}) { totalCount } }", {"providers": {"totalCount": 0}}),
    ],
)
def test_guessing_a_hidden_word_reveals_nothing(world: World, query: str, found: dict[str, Any]) -> None:
    body = json.dumps({"query": query % json.dumps(SECRET)})
    request = Request(body.encode(), JSON_BODY, sent=body)
    assert json.loads(world.send(request).body) == {"data": found}


def test_violations_are_detected(world: World) -> None:
    """An editor's response contains the secret: checked as a public response, it must be reported."""
    body = b'{"query":"{ articles { nodes { title secured } } }"}'
    headers = (*JSON_BODY, ("authorization", f"Bearer {TOKEN}".encode()))
    answer = world.send(Request(body, headers, token=True))
    assert violations(Request(body), answer) == ["what is not published shows"]
