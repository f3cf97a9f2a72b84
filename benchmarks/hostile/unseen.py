"""Row 4: documents and variables that block the event loop before any statement runs."""

from hashlib import sha256

from benchmarks.hostile import documents, expensive_documents
from benchmarks.hostile.refusals import CONNECTIONS, WITH_VARIABLES, different
from benchmarks.hostile.traffic import Attack, HttpFlood, Payload, get, pipelined, post, post_body

PERMUTED = expensive_documents.permuted_fields()


def empty_parts(number: int) -> Payload:
    return post(WITH_VARIABLES, {"w": {"or": [{}] * 19_000}, "n": number % 100})


def long_sets(number: int) -> Payload:
    parts = [{"title": {"in": [f"{number}x{at}x{value}" for value in range(180)]}} for at in range(80)]
    return post(expensive_documents.MOST_EXPENSIVE, {"w": {"or": parts}})


def permutations(number: int) -> Payload:
    return post(PERMUTED, expensive_documents.permutation(number))


def shapes(number: int) -> Payload:
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


def values_beside(number: int) -> Payload:
    """A body with many values in a member that nothing reads."""
    return post_body({"query": "{site{version}}", "extensions": {"x": [number, *([[]] * 80_000)]}})


def schema_responses(number: int) -> Payload:
    return post(expensive_documents.schema_fields(number, 1))


UNSEEN = (
    different("misspelled", 4, "4 KB with 250 unknown filter fields", documents.misspelled_fields, 3_000),
    different("aliases", 4, "248 aliases", documents.aliases, 3_000),
    different("same-aliases", 4, "160 fields of one name", documents.same_aliases, 3_000),
    different(
        "dearest-inline",
        4,
        "90 `contains` with every facet, in the document",
        expensive_documents.most_expensive_inline,
        3_000,
    ),
    Attack(
        "empty-parts", 4, "19,000 empty `or` parts in variables", (HttpFlood(empty_parts, CONNECTIONS, 100),)
    ),
    Attack(
        "long-sets", 4, "14,400 values in 80 `in` in variables", (HttpFlood(long_sets, CONNECTIONS, 100),)
    ),
    different("many-facets", 4, "valid: 13 lists with every facet", expensive_documents.many_facets, 3_000),
    different("many-links", 4, "valid: links in links, every field", expensive_documents.many_links, 3_000),
    different("fragments", 4, "200 fragments in a chain", documents.fragments, 3_000),
    different("fragments-by-all", 4, "40 fragments, each spreads 20", documents.fragments_used_by_all, 3_000),
    Attack(
        "permutations",
        4,
        "one document, 2^20 values for @include",
        (HttpFlood(permutations, CONNECTIONS, 5_000),),
    ),
    Attack(
        "shapes",
        4,
        "one document, a filter of another shape each time",
        (HttpFlood(shapes, CONNECTIONS, 3_000),),
    ),
    Attack(
        "registrations",
        4,
        "valid documents registered by their hash",
        (HttpFlood(registrations, CONNECTIONS, 3_000),),
    ),
    Attack("long-urls", 4, "GET with 60 KB", (HttpFlood(long_urls, CONNECTIONS, 500),)),
    Attack(
        "many-parameters", 4, "GET with 4,000 parameters", (HttpFlood(many_parameters, CONNECTIONS, 200),)
    ),
    Attack(
        "values-beside", 4, "80,000 values in `extensions`", (HttpFlood(values_beside, CONNECTIONS, 100),)
    ),
    different("long-spaces", 4, "254 KB of blanks and commas", documents.long_spaces, 200),
    different("long-escapes", 4, "a text of 36,000 escapes", documents.long_escapes, 200),
    different("long-comment", 4, "a comment of 254 KB", documents.long_comment, 200),
    different(
        "schema-fields",
        4,
        "20 times the fields of all types, by introspection",
        expensive_documents.schema_fields,
        3_000,
    ),
    Attack(
        "schema-pipelined",
        4,
        "introspection, 50 requests in one write",
        (
            HttpFlood(
                lambda number: pipelined([schema_responses(number * 50 + at) for at in range(50)]), 2, 100
            ),
        ),
    ),
)
