"""Group 4: documents and variables that block the event loop before any statement runs."""

from hashlib import sha256

from benchmarks.hostile import documents, expensive_documents
from benchmarks.hostile.refusals import CONNECTIONS, WITH_VARIABLES, different
from benchmarks.hostile.traffic import Attack, HttpFlood, Payload, get, pipelined, post, post_body

PERMUTED = expensive_documents.permuted_fields()


def empty_parts(number: int) -> Payload:
    return post(WITH_VARIABLES, {"w": {"or": [{}] * 19_000}, "n": number % 100})


def long_in_lists(number: int) -> Payload:
    parts = [{"title": {"in": [f"{number}x{at}x{value}" for value in range(180)]}} for at in range(80)]
    return post(expensive_documents.MOST_EXPENSIVE, {"w": {"or": parts}})


def permutations(number: int) -> Payload:
    return post(PERMUTED, expensive_documents.permutation(number))


def filter_shapes(number: int) -> Payload:
    return post(expensive_documents.MOST_EXPENSIVE, {"w": expensive_documents.shape(number)})


def registrations(number: int) -> Payload:
    text = expensive_documents.many_links(number)
    hashed = sha256(text.encode()).hexdigest()
    extensions = {"persistedQuery": {"version": 1, "sha256Hash": hashed}}
    return post_body({"query": text, "extensions": extensions})


def long_urls(number: int) -> Payload:
    return get("/graphql", query=f"{{site{{{documents.name(number)}:version}}}}#" + "x" * 60_000)


def many_parameters(number: int) -> Payload:
    parameters = {f"p{number}_{at}": "" for at in range(4_000)}
    return get("/graphql", query="{site{version}}", **parameters)


def unused_values(number: int) -> Payload:
    """A body with many values in a member that nothing reads."""
    return post_body({"query": "{site{version}}", "extensions": {"x": [number, *([[]] * 80_000)]}})


def schema_responses(number: int) -> Payload:
    return post(expensive_documents.schema_fields(number, 1))


UNSEEN = (
    different("misspelled", 4, "250 misspelled filter fields", documents.misspelled_fields, 3_000),
    different("aliases", 4, "248 aliases", documents.aliases, 3_000),
    different("same-aliases", 4, "160 fields with the same response name", documents.same_aliases, 3_000),
    different(
        "expensive-inline",
        4,
        "a filter of 90 `contains` in the document, with every facet",
        expensive_documents.most_expensive_inline,
        3_000,
    ),
    Attack(
        "empty-parts",
        4,
        "19,000 empty filters in an `or`, in variables",
        (HttpFlood(empty_parts, CONNECTIONS, 100),),
    ),
    Attack(
        "long-in-lists",
        4,
        "80 `in` with 180 values each, in variables",
        (HttpFlood(long_in_lists, CONNECTIONS, 100),),
    ),
    different(
        "many-facets",
        4,
        "a valid document of 13 lists with every facet",
        expensive_documents.many_facets,
        3_000,
    ),
    different(
        "many-links",
        4,
        "a valid document of nested links, with every field at each level",
        expensive_documents.many_links,
        3_000,
    ),
    different("fragments", 4, "a chain of 200 fragments", documents.fragments, 3_000),
    different(
        "fragments-by-all",
        4,
        "40 fragments, each of which spreads up to 19 others",
        documents.fragments_used_by_all,
        3_000,
    ),
    Attack(
        "permutations",
        4,
        "one document with 20 variables for @include, each time with other values",
        (HttpFlood(permutations, CONNECTIONS, 5_000),),
    ),
    Attack(
        "filter-shapes",
        4,
        "one document, each time with other operators in its filter",
        (HttpFlood(filter_shapes, CONNECTIONS, 3_000),),
    ),
    Attack(
        "registrations",
        4,
        "valid documents, each registered as an automatic persisted document",
        (HttpFlood(registrations, CONNECTIONS, 3_000),),
    ),
    Attack("long-urls", 4, "GET requests with URLs of 60 KB", (HttpFlood(long_urls, CONNECTIONS, 500),)),
    Attack(
        "many-parameters",
        4,
        "GET requests with 4,000 URL parameters",
        (HttpFlood(many_parameters, CONNECTIONS, 200),),
    ),
    Attack(
        "unused-values",
        4,
        "80,000 values in `extensions`, where nothing reads them",
        (HttpFlood(unused_values, CONNECTIONS, 100),),
    ),
    different("long-spaces", 4, "254 KB of spaces and commas", documents.long_spaces, 200),
    different("long-escapes", 4, "a string of 36,000 escape sequences", documents.long_escapes, 200),
    different("long-comment", 4, "a comment of 254 KB", documents.long_comment, 200),
    different(
        "schema-fields",
        4,
        "introspection of the fields of all types, 20 times in a document",
        expensive_documents.schema_fields,
        3_000,
    ),
    Attack(
        "schema-pipelined",
        4,
        "50 introspection requests, in one write",
        (
            HttpFlood(
                lambda number: pipelined([schema_responses(number * 50 + at) for at in range(50)]), 2, 100
            ),
        ),
    ),
)
