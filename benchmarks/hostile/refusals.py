"""Rows 1 and 2: requests whose rejection is expensive, and clients that do not read large responses."""

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


def different(name: str, row: int, what: str, make: Callable[[int], str], number: int) -> Attack:
    """An attack with `number` different documents over eight connections."""
    return Attack(name, row, what, (HttpFlood(requests(make), CONNECTIONS, number),))


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
        "350 documents of 930 bytes: an unknown input object 150 deep, 50 unknown fields",
        (HttpFlood(requests(documents.unknown_object), CONNECTIONS, 350, limit=350),),
        whole=True,
    ),
    different("unknown-object-flood", 1, "the same without an end", documents.unknown_object, 5_000),
    different("deep-default", 1, "the same as a variable's default", documents.deep_default, 5_000),
    different("deep-directive", 1, "deep objects as arguments of @include", documents.deep_directive, 5_000),
    different("deep-list", 1, "lists 40 deep where a text is expected", documents.deep_list, 5_000),
    different("unknown-arguments", 1, "300 unknown arguments", documents.unknown_arguments, 5_000),
    different("unknown-enums", 1, "50 enum values of 4 KB", documents.unknown_enums, 200),
    different(
        "long-operation-name",
        1,
        "50 errors that name an operation of 100 KB",
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
        "50 enum values of 5 KB in variables",
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
        "254,000 U+007F and 50 unknown fields, 12 clients that do not read",
        documents.large_string,
    ),
    different("delete-read", 2, "the same, answers read", documents.large_string, 100),
    unread("emoji-unread", "63,500 emoji the same way", partial(documents.large_string, character="😀")),
    unread(
        "escapes-unread",
        "36,285 escapes of U+0001 the same way",
        partial(documents.large_string, character="\\u0001"),
    ),
    unread("quotes-unread", "63,500 quotes the same way", partial(documents.large_string, character='\\"')),
    unread(
        "block-string-unread", "a block string of 9,000 quotes and lines the same way", documents.block_string
    ),
)
