"""Groups 2, 5 and 15: valid queries with slow statements or large responses."""

from benchmarks.hostile import expensive_documents
from benchmarks.hostile.traffic import Attack, HttpFlood, Payload, post, post_text
from benchmarks.throughput.large import large

SEARCH = (
    "query($q:String!){search(query:$q,first:100){totalCount nodes{slug} edges{snippet}"
    " facets{topics{count} providers{count} types{count} categories{count} published(by:MONTH){count}}}}"
)
STORIES = (
    "query($n:Int!){stories(minSize:$n,first:100){"
    "totalCount nodes{id title articles(first:100){totalCount nodes{title}}}}}"
)
LISTS = (
    "query($n:Int!){articles(first:100,where:{quality:{gte:$n}}){"
    "nodes{topics{articles(first:15){totalCount nodes{slug}}}}}}"
)


def most_expensive(number: int) -> Payload:
    return post(expensive_documents.MOST_EXPENSIVE, {"w": expensive_documents.contains(number)})


def searches(number: int) -> Payload:
    letters = "abcdefghijklmnopqrstuvwxyz"
    prefixes = " OR ".join(f"{letters[(number + at) % 26]}*" for at in range(4))
    words = " OR ".join(f"w{number}x{at}" for at in range(10))
    return post(SEARCH, {"q": f"{prefixes} OR {words}"})


def similar_articles(number: int) -> Payload:
    return post_text(large(40, number))


def stories(number: int) -> Payload:
    return post(STORIES, {"n": 2 + number % 5})


def lists(number: int) -> Payload:
    return post(LISTS, {"n": number % 100})


def many(number: int) -> dict[str, object]:
    """A filter that most articles match."""
    return {"quality": {"gte": number % 90}, "slug": {"ne": str(number)}}


def large_responses(number: int) -> Payload:
    return post(
        expensive_documents.LARGE_RESPONSE,
        {"w": {"quality": {"gte": number % 90}, "slug": {"ne": str(number)}}},
    )


def large_parts(number: int) -> Payload:
    return post(expensive_documents.LARGE_PARTS, {"w": many(number)}, "multipart/mixed")


SCANS = (
    Attack(
        "expensive-2",
        5,
        "the most expensive accepted query, over 2 connections",
        (HttpFlood(most_expensive, 2, 3_000),),
    ),
    Attack(
        "expensive-16", 5, "as `expensive-2`, over 16 connections", (HttpFlood(most_expensive, 16, 3_000),)
    ),
    Attack("searches", 5, "searches for 4 short prefixes, with facets", (HttpFlood(searches, 16, 3_000),)),
    Attack("similar", 5, "`similar` of 40 articles", (HttpFlood(similar_articles, 16, 40),)),
    Attack("stories", 5, "stories with their articles", (HttpFlood(stories, 16, 5),)),
    Attack("lists", 5, "nested lists with counts", (HttpFlood(lists, 16, 100),)),
    Attack(
        "large-responses",
        5,
        "responses of several megabytes, over 16 connections",
        (HttpFlood(large_responses, 16, 1_000),),
    ),
    Attack(
        "large-responses-unread",
        2,
        "as `large-responses`, over 100 connections that do not read",
        (HttpFlood(large_responses, 100, 100, limit=100, reads=False),),
    ),
    Attack(
        "large-parts-unread",
        2,
        "incremental responses in ten large parts, over 90 connections that do not read",
        (HttpFlood(large_parts, 90, 90, limit=90, reads=False),),
    ),
    Attack(
        "expensive-200",
        15,
        "as `expensive-2`, over 200 connections",
        (HttpFlood(most_expensive, 200, 3_000),),
    ),
)
