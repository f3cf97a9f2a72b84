"""Documents: valid by the schema, mutated, oversized, and malformed."""

import re
from collections.abc import Callable, Sequence

from graphql import GraphQLSchema
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy
from hypothesis_graphql import nodes, queries

from tests.fuzz.values import dates, durations, searches, slugs, urls

PIECES = (
    *("{", "}", "(", ")", "[", "]", ":", "$", "!", "@", "...", "|", "&", "=", '"', '"""', "#", ",", "\n"),
    *(
        "query",
        "mutation",
        "subscription",
        "fragment",
        "on",
        "true",
        "null",
        "-0",
        "1e999",
        "\\ud800",
        "\ufeff",
    ),
    *(
        "articles",
        "node",
        "nodes",
        "edges",
        "related",
        "article",
        "topics",
        "search",
        "where",
        "first",
        "99999999999",
    ),
    *("__schema", "__type", "__typename", "@skip(if: $a)", "@include(if: null)", "@defer", "@stream", "...F"),
    *(" fragment F on Article { ...F slug }", "Article", "Query", "$a", "a: ", "\0", "é", "'", "\\u{110000}"),
)


def from_schema(schema: GraphQLSchema, ids: SearchStrategy[str]) -> SearchStrategy[str]:
    """Documents of hypothesis-graphql. It sets every argument, so page arguments are often nulled here."""
    scalars = {
        "Int": st.integers(-1, 60).map(nodes.Int),
        "String": (slugs | slugs | searches).map(nodes.String),
        "ID": ids.map(nodes.String),
        "DateTime": dates.map(nodes.String),
        "Duration": durations.map(nodes.String),
        "URL": urls.map(nodes.String),
        "JSON": searches.map(nodes.String),
    }
    written = queries(schema, custom_scalars=scalars).map(str)
    return st.one_of(written, *[written.map(lambda text: _PAGED.sub(r"\1: null", text))] * 3)


_PAGED = re.compile(r'\b(after|before|last): (?:"(?:[^"\\\n]|\\.)*"|-?\d+)')
_WORD = re.compile(r"\w+|[^\w\s]")


def mutated(texts: Sequence[str]) -> SearchStrategy[str]:
    """Mutate a document: replace some words with those of another one, or with stray tokens."""
    words = sorted({word for text in texts for word in _WORD.findall(text)})
    other = st.sampled_from(words) | st.sampled_from(words) | st.sampled_from(PIECES) | st.text(max_size=4)
    change = st.tuples(st.integers(0, 200), other)
    return st.builds(_change, st.sampled_from(texts), st.lists(change, min_size=1, max_size=4))


def _change(text: str, changes: Sequence[tuple[int, str]]) -> str:
    """Replace words with words of the same kind, so that the document may stay valid."""
    for at, new in changes:
        found = list(_WORD.finditer(text))
        alike = [word for word in found if word[0][0].isalnum() == new[:1].isalnum()] or found
        if alike:
            start, end = alike[at % len(alike)].span()
            text = text[:start] + new + text[end:]
    return text


soup = st.lists(st.sampled_from(PIECES), max_size=60).map(" ".join) | st.text(max_size=200)


def _repeated(text: str) -> Callable[[int], str]:
    return lambda count: text * count


def _nested(before: str, after: str, inner: str) -> Callable[[int], str]:
    return lambda count: before * count + inner + after * count


def _doubling(spread: str, type_: str) -> Callable[[int], str]:
    def write(count: int) -> str:
        levels = "".join(
            f" fragment F{level} on {type_} {{ {spread.format(level + 1)} }}" for level in range(count)
        )
        return f"...F0 }}{levels} fragment F{count} on {type_} {{ __typename "

    return write


FILLERS = ("\x7f", "a", "😀", '\\"', "\\u0001", " \n", "é", "{a:", "[")
CLOSERS = {"{a:": "}", "[": "]"}
ERRONEOUS = (
    "{{ articles(where: {{{unknown}, x: {value}}}) {{ totalCount }} }}",
    "{{ articles(first: {value}) {{ totalCount }} }}",
    "{{ articles @skip(if: {value}) {{ totalCount }} }}",
    "query ($a: ArticleFilter = {{{unknown}, x: {value}}}) {{ articles(where: $a) {{ totalCount }} }}",
    "{{ article(slug: {value}, {unknown}) {{ {names} }} }}",
    "{{ {names} }} fragment {name} on {name} {{ {name} }}",
    "query {name}({variables}) {{ site {{ version }} }}",
    "{{ ... on {name} {{ {names} }} ...{name} articles @{name} {{ totalCount }} }}",
    "{{ a: articles(first: {value}) {{ totalCount }} a: articles(where: {{{unknown}}}) {{ {names} }} }}",
)


def _erroneous(shape: str, filler: str, size: int, count: int) -> str:
    """A document whose errors repeat names and a value of this size."""
    value = filler * (size // len(filler))
    value += "1" * (filler in CLOSERS) + CLOSERS.get(filler, "") * (size // len(filler))
    name = "n" * min(size, 5_000)
    return shape.format(
        value=value if filler in CLOSERS else f'"{value}"',
        unknown=", ".join(f"publishe{number}: 1" for number in range(count)) or "y: 1",
        names=" ".join(f"titl{number}{name[: size // (count + 1)]}" for number in range(count + 1)),
        variables=", ".join(f"$v{number}: {name[:50]}" for number in range(count + 1)),
        name=name,
    )[:250_000]


erroneous = st.builds(
    _erroneous,
    st.sampled_from(ERRONEOUS),
    st.sampled_from(FILLERS),
    st.integers(1, 400) | st.sampled_from([5_000, 60_000, 240_000]),
    st.integers(0, 60) | st.sampled_from([300]),
)
"""Documents whose errors are long, numerous, or slow to generate."""


_TEST = '{title: {contains: "x"}}'
SWELLS: Sequence[Callable[[int], str]] = (
    _repeated(" a: site { version }"),
    _repeated(" __typename"),
    _repeated(" ...F"),
    _repeated(' article(slug: "open-1") { slug related { title } }'),
    _repeated(" site { version @skip(if: false) @include(if: true) }"),
    _repeated(" __typename @a @b"),
    _repeated(" #\n"),
    _repeated("\r\n"),
    _repeated(" articles(first: 100) { nodes { similar { slug } } }"),
    _repeated(" __schema { types { name fields { name } } }"),
    _repeated(" articles { nodes { titel publishd } }"),
    lambda count: " ".join(
        f"a{n}: __schema {{ types {{ fields {{ args {{ name }} }} }} }}" for n in range(count)
    ),
    lambda count: (
        f"articles(where: {{or: [{_TEST * count}]}}) {{ totalCount facets {{ types {{ count }} }} }}"
    ),
    _nested("articles(first: 100) { nodes { related { article { story { ", " } } } } }", "slug"),
    _nested("... { ", " }", "__typename"),
    _nested("articles(where: {not: ", "}) { totalCount }", "{}"),
    _nested("a(b: [", "])", "1"),
    _nested("__schema { types { fields { type { ofType { ", " } } } } }", "name"),
    _doubling("...F{0} ...F{0}", "Query"),
    _doubling("a: topics {{ articles {{ nodes {{ topics {{ slug }} }} }} }} ...F{0} ...F{0}", "Query"),
    _doubling("site {{ version }} ... {{ ...F{0} }} ... @include(if: true) {{ ...F{0} }}", "Query"),
)
_counts = st.integers(1, 60) | st.sampled_from([200, 1_000, 2_100, 5_000])
oversized = st.builds(
    lambda swells: f"{{ {' '.join(swell(count) for swell, count in swells)} }}"[:250_000],
    st.lists(st.tuples(st.sampled_from(SWELLS), _counts), min_size=1, max_size=2),
)
