"""Valid documents and variables that cost the server more than their size suggests."""

from benchmarks.hostile.documents import name

FACETS = (
    "totalCount facets{topics{count} providers{count} types{count} categories{count}"
    " published(by:DAY){count} quality{min} heat{min}}"
)
_EVERY_TYPE = (
    "fragment T on __Type{kind name description fields{name description args{...I} type{...R fields{name"
    " description type{...R} args{...I}} inputFields{...I}}} inputFields{...I} interfaces{...R}"
    " enumValues{name description} possibleTypes{...R fields{name args{name} type{name}}}}"
    "fragment I on __InputValue{name description defaultValue type{...R}}"
    "fragment R on __Type{kind name description ofType{kind name description ofType{kind name description}}}"
)
_EVERY_FIELD = (
    "fragment F on Article{id title excerpt url webUrl originalUrl ampWebUrl cdnAmpWebUrl type quality slug"
    " category heat published wordCount readingMinutes updatedAt revision provider{domain name} topics{slug}"
    " image{url} images{url width height} story{id title size}}"
)
MOST_EXPENSIVE = "query MostExpensive($w:ArticleFilter!){articles(first:1,where:$w){" + FACETS + "}}"
LARGE_RESPONSE = (
    "query Large($w:ArticleFilter){"
    + "".join(
        f"a{at}:articles(first:100,where:$w){{nodes{{id title excerpt url body html"
        " related{title excerpt url}}}"
        for at in range(10)
    )
    + "}"
)
LARGE_PARTS = (
    "query Parts($w:ArticleFilter){site{version}"
    + "".join(
        f'...@defer(label:"{at}"){{a{at}:articles(first:100,where:$w)'
        "{nodes{title body html related{title excerpt}}}}"
        for at in range(10)
    )
    + "}"
)


def long_valid_name(number: int) -> str:
    """A valid document with a very long operation name, which appears in the log."""
    return f"query {name(number)}{'O' * 200_000}{{site{{version}}}}"


def many_facets(number: int) -> str:
    """A valid document close to every limit: 13 lists with all their facets."""
    lists = (
        f'a{at}:articles(first:1,where:{{title:{{contains:"{name(number)}{at}"}},slug:{{ne:"y"}}}})'
        f"{{{FACETS} nodes{{slug}}}}"
        for at in range(13)
    )
    return "{" + "".join(lists) + "}"


def many_links(number: int) -> str:
    """A valid document close to every limit: nested links, with every field at each level."""
    inner = "referencedBy(first:1){nodes{...F}}related(first:1){title article{...F}}"
    lists = "".join(
        f"{name(number)}{at}:articles(first:1)"
        f"{{nodes{{...F referencedBy(first:1){{nodes{{...F {inner}}}}}}}}}"
        for at in range(3)
    )
    return "{" + lists + "}" + _EVERY_FIELD


def permuted_fields() -> str:
    """One document with a separate query plan for each combination of its 20 boolean variables."""
    variables = ",".join(f"$v{at}:Boolean!" for at in range(20))
    lists = "".join(
        f"a{at}:articles(first:1){{nodes{{...F related(first:1){{title article{{...F}}}} "
        + " ".join(f"s{turn}:slug@include(if:$v{turn})" for turn in range(at * 5, at * 5 + 5))
        + "}}"
        for at in range(4)
    )
    return f"query Permuted({variables}){{{lists}}}{_EVERY_FIELD}"


def permutation(number: int) -> dict[str, object]:
    return {f"v{at}": bool(number * 7_919 >> at & 1) for at in range(20)}


def shape(number: int, count: int = 60) -> dict[str, object]:
    """A filter with a unique sequence of operators, so that its SQL is compiled for it alone."""
    operators = ("contains", "eq", "ne", "startsWith")
    chosen = (operators[(number * 7_919 * (at + 1) >> (at % 11)) % 4] for at in range(count))
    return {"or": [{"title": {operator: "qq"}} for operator in chosen]}


def schema_fields(number: int, count: int = 20) -> str:
    """Introspection, which costs no objects: the whole schema, and the fields of the types of its fields."""
    roots = "".join(f"{name(number)}{at}:__schema{{types{{...T}}}}" for at in range(count))
    return "{" + roots + "}" + _EVERY_TYPE


def contains(number: int, count: int = 90) -> dict[str, object]:
    """A filter that tests each article `count` times and matches nothing."""
    return {"or": [{"title": {"contains": f"q{number}x{at}"}} for at in range(count)]}


def most_expensive_inline(number: int) -> str:
    """The most expensive query, with inline values, so that each document is prepared separately."""
    parts = ",".join(f'{{title:{{contains:"q{number}x{at}"}}}}' for at in range(90))
    return "{articles(first:1,where:{or:[" + parts + "]}){" + FACETS + "}}"
