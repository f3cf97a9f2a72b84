"""Documents that cost the server more than their size suggests.

Each function returns a different document for every number, so that none is cached.
"""

from itertools import product
from string import ascii_lowercase

from orjson import dumps

LARGE = 254_000  # characters: slightly less than the largest allowed body
NODES = "{nodes{slug}}"
EMOJI = '"😀"'
_NAMES = ["".join(letters) for letters in product(ascii_lowercase, repeat=3)]


def name(number: int) -> str:
    """Return a short name that no type of the schema has."""
    return f"{_NAMES[number % len(_NAMES)]}{number // len(_NAMES) or ''}_"


def nested(depth: int, leaf: str = EMOJI) -> str:
    """Nested input objects: `{z:{z:…leaf…}}`."""
    return "{z:" * depth + leaf + "}" * depth


def unknown_fields(number: int, count: int, value: str = "0") -> str:
    return ",".join(f"{name(number * count + field)}:{value}" for field in range(count))


def filter_argument(filter_fields: str) -> str:
    return "{articles(where:{" + filter_fields + "})" + NODES + "}"


def unknown_object(number: int, depth: int = 150, fields: int = 50) -> str:
    """Unknown fields beside a deep object: each is an error whose message may print the whole object."""
    return filter_argument(f"{unknown_fields(number, fields)},z:{nested(depth)}")


def deep_default(number: int) -> str:
    """The same object as the default of a variable."""
    fields = f"{unknown_fields(number, 50)},z:{nested(150)}"
    return f"query($w:ArticleFilter={{{fields}}}){{articles(where:$w){NODES}}}"


def deep_directive(number: int) -> str:
    """Deep objects as arguments of repeated directives."""
    uses = "".join(f"{name(number)}{use}:slug@include(if:{nested(30)}) " for use in range(15))
    return "{articles{nodes{" + uses + "}}}"


def deep_list(number: int) -> str:
    """Nested lists where a string is expected, 20 times."""
    value = "[" * 40 + f'"{number}"' + "]" * 40
    return "{" + "".join(f"a{at}:article(slug:{value}){{slug}}" for at in range(20)) + "}"


def unknown_arguments(number: int) -> str:
    arguments = ",".join(f"{name(number * 300 + at)}firs:1" for at in range(300))
    return "{articles(" + arguments + ")" + NODES + "}"


def unknown_enums(number: int) -> str:
    """Unknown enum values of about 4,000 characters; each message prints one and searches for suggestions."""
    orders = ",".join(f"{{field:{name(number)}{'QUALITY' * 570}{at}}}" for at in range(50))
    return "{articles(orderBy:[" + orders + "])" + NODES + "}"


def long_operation_name(number: int) -> str:
    """50 unused variables: each error repeats the operation name, which has 100,000 characters."""
    variables = ",".join(f"$v{at}:Int" for at in range(50))
    return f"query {name(number)}{'O' * 100_000}({variables}){{site{{version}}}}"


def long_field_names(number: int) -> str:
    """50 unknown fields of 5,000 characters each."""
    fields = " ".join(f"{name(number * 50 + at)}{'f' * 5_000}" for at in range(50))
    return "{site{" + fields + "}}"


def long_type_names(number: int) -> str:
    """Fragments on 50 unknown types of about 5,000 characters each, which resemble an existing type."""
    spreads = "".join(f"...on {name(number * 50 + at)}{'Article' * 700}{{slug}}" for at in range(50))
    return "{articles{nodes{" + spreads + "}}}"


def conflicts(number: int) -> str:
    """Conflicting fields in a deep selection: each message prints the whole path to its conflict."""
    above, below = "related{article{" * 7, "}}" * 7
    pairs = "".join(f"{name(number)}{at}:slug {name(number)}{at}:title " for at in range(100))
    return "{a:articles{nodes{" + above + pairs + below + "}}}"


def large_string(number: int, character: str = "\x7f", size: int = LARGE) -> str:
    """A long string beside 50 unknown fields. `size` is its length in bytes when it is encoded as JSON."""
    text = character * (size // (len(dumps(character)) - 2))
    return filter_argument(f'{unknown_fields(number, 50)},title:{{eq:"{text}"}}')


def block_string(number: int) -> str:
    """The same with a block string of short lines and quotes."""
    text = '\\""" "\n' * 9_000
    return filter_argument(f'{unknown_fields(number, 50)},title:{{eq:"""{text}"""}}')


def misspelled_fields(number: int, count: int = 250) -> str:
    """Misspelled fields, for each of which the server searches for suggestions."""
    return filter_argument(",".join(f"publishedDateTim{name(number * count + at)}:0" for at in range(count)))


def small_misspelled(number: int) -> str:
    """A document of 4.6 KB that fails validation."""
    return misspelled_fields(number, 180)


def aliases(number: int, count: int = 248) -> str:
    return "{" + "".join(f"{name(number * count + at)}:site{{version}}" for at in range(count)) + "}"


def same_aliases(number: int, count: int = 160) -> str:
    """Fields with the same response name: every pair of them and their selections are compared."""
    return "{" + f'{name(number)}:article(slug:"x"){{id slug}}' * count + "}"


def fragments(number: int, count: int = 200) -> str:
    """A chain of fragments, each of which spreads the next one."""
    stem = name(number)
    chain = "".join(f"fragment {stem}{at} on Article{{...{stem}{at + 1}}}" for at in range(count))
    return f"{{articles{{nodes{{...{stem}0}}}}}}{chain}fragment {stem}{count} on Article{{slug}}"


def fragments_used_by_all(number: int, count: int = 40) -> str:
    """Fragments, each of which spreads up to 19 of those that follow it."""
    stem = name(number)
    text = "{articles{nodes{..." + stem + "0}}}"
    for at in range(count):
        spreads = "".join(f"...{stem}{later}" for later in range(at + 1, min(count, at + 20)))
        text += f"fragment {stem}{at} on Article{{slug {spreads}}}"
    return text


def long_spaces(number: int) -> str:
    """A document made almost entirely of ignored tokens."""
    return "{site{" + " ," * (LARGE // 2) + f" {name(number)}:version}}}}"


def long_escapes(number: int) -> str:
    """A string of escape sequences, each of which is decoded separately."""
    return filter_argument('title:{eq:"' + "\\u0061" * (LARGE // 7 - 100) + f'{number}"}}')


def long_comment(number: int) -> str:
    return f"#{'c' * LARGE}{number}\n{{site{{version}}}}"
