"""Groups 1 and 2: requests whose rejection is expensive, and clients that do not read large responses."""

from collections.abc import Callable
from functools import partial
from itertools import count

from benchmarks.hostile import documents, expensive_documents
from benchmarks.hostile.traffic import Attack, HttpFlood, Payload, post

CONNECTIONS = 8
WITH_VARIABLES = (
    "query($w:ArticleFilter,$o:[ArticleOrder!],$s:String,$n:Int)"
    "{articles(where:$w,orderBy:$o,first:$n,after:$s){nodes{slug}}}"
)


def requests(make: Callable[[int], str]) -> Callable[[int], Payload]:
    """Build a POST request from each document."""
    return lambda number: post(make(number))


def different(name: str, group: int, what: str, make: Callable[[int], str], number: int) -> Attack:
    """An attack with `number` different documents over eight connections."""
    return Attack(name, group, what, (HttpFlood(requests(make), CONNECTIONS, number),))


def unread(name: str, what: str, make: Callable[[int], str]) -> Attack:
    """An attack by twelve clients that do not read the response."""
    flood = HttpFlood(requests(make), 12, 12, limit=12, reads=False)
    return Attack(name, 2, what, (flood,))


def long_enum_variables(number: int) -> Payload:
    orders = [{"field": f"{'QUALITY' * 700}{number}_{at}"} for at in range(50)]
    return post(WITH_VARIABLES, {"o": orders})


def unknown_variables(number: int) -> Payload:
    names = (f"publishedDateTim{number}_{at}" for at in range(8_000))
    return post(WITH_VARIABLES, {"w": dict(zip(names, count(), strict=False))})


REFUSALS = (
    Attack(
        "unknown-object",
        1,
        "350 documents of 930 bytes: an unknown input object 150 levels deep, and 50 unknown fields",
        (HttpFlood(requests(documents.unknown_object), CONNECTIONS, 350, limit=350),),
        whole=True,
    ),
    different(
        "unknown-object-flood",
        1,
        "as `unknown-object`, repeated until the attack ends",
        documents.unknown_object,
        5_000,
    ),
    different(
        "deep-default",
        1,
        "the object of `unknown-object` as the default value of a variable",
        documents.deep_default,
        5_000,
    ),
    different(
        "deep-directive",
        1,
        "input objects 30 levels deep as arguments of @include",
        documents.deep_directive,
        5_000,
    ),
    different("deep-list", 1, "lists 40 levels deep where a string is expected", documents.deep_list, 5_000),
    different("unknown-arguments", 1, "300 unknown arguments", documents.unknown_arguments, 5_000),
    different("unknown-enums", 1, "50 unknown enum values of 4 KB", documents.unknown_enums, 200),
    different(
        "long-operation-name",
        1,
        "50 errors that repeat an operation name of 100 KB",
        documents.long_operation_name,
        300,
    ),
    different(
        "long-valid-name",
        1,
        "a valid operation with a name of 200 KB",
        expensive_documents.long_valid_name,
        200,
    ),
    different("long-field-names", 1, "50 unknown fields of 5 KB", documents.long_field_names, 200),
    different("long-type-names", 1, "50 unknown types of 5 KB", documents.long_type_names, 200),
    different("conflicts", 1, "100 conflicting pairs of fields", documents.conflicts, 5_000),
    Attack(
        "enum-variables",
        1,
        "50 unknown enum values of 5 KB in variables",
        (HttpFlood(long_enum_variables, CONNECTIONS, 100),),
    ),
    Attack(
        "unknown-variables",
        1,
        "8,000 unknown filter fields in variables",
        (HttpFlood(unknown_variables, CONNECTIONS, 50),),
    ),
    unread(
        "delete-unread",
        "254,000 U+007F in a string, 50 unknown fields; 12 clients do not read the responses",
        documents.large_string,
    ),
    different(
        "delete-read", 2, "as `delete-unread`, but 8 clients read the responses", documents.large_string, 100
    ),
    unread(
        "emoji-unread",
        "as `delete-unread`, with 63,500 emoji",
        partial(documents.large_string, character="😀"),
    ),
    unread(
        "escapes-unread",
        "as `delete-unread`, with 36,285 escapes of U+0001",
        partial(documents.large_string, character="\\u0001"),
    ),
    unread(
        "quotes-unread",
        "as `delete-unread`, with 63,500 quotation marks",
        partial(documents.large_string, character='\\"'),
    ),
    unread(
        "block-string-unread",
        "as `delete-unread`, with a block string of 9,000 lines and quotation marks",
        documents.block_string,
    ),
)
