"""Groups 3 and 6: many WebSocket messages in one write, and expensive subscriptions."""

from collections.abc import Sequence

from benchmarks.hostile import documents, expensive_documents
from benchmarks.hostile.traffic import (
    UNKNOWN_VERSION,
    Attack,
    HttpFlood,
    Payload,
    SocketFlood,
    complete,
    fragmented,
    message,
    ping_frame,
    pipelined,
    post,
    subscribe,
)

WATCH = "subscription W($w:ArticleFilter,$s:String){articleChanged(where:$w,since:$s){slug kind}}"
WATCH_ALL = "subscription($w:ArticleFilter){articleChanged(where:$w){slug}}"
WORDS = (
    *(
        "the",
        "of",
        "and",
        "to",
        "in",
        "for",
        "is",
        "on",
        "with",
        "that",
        "ai",
        "by",
        "as",
        "at",
        "new",
        "how",
    ),
    *("data", "from", "are", "will", "can", "has", "its", "it", "this", "be", "an", "market", "learning"),
)


PREFIXES = ("a*", "b*", "c*", "d*", "e*", "f*", "i*", "m*", "o*", "p*", "s*", "t*")


def invalid(number: int, count: int = 40) -> Payload:
    """Documents of about 4 KB that fail validation."""
    texts = (documents.small_misspelled(number * count + at) for at in range(count))
    return pipelined([subscribe(f"i{number}-{at}", text) for at, text in enumerate(texts)])


def subscribed_and_completed(number: int, count: int = 1_000) -> Payload:
    return pipelined(
        [
            part
            for at in range(count)
            for part in (subscribe(f"c{number}-{at}", WATCH_ALL), complete(f"c{number}-{at}"))
        ]
    )


def different_subscribed_and_completed(number: int, count: int = 300) -> Payload:
    """Subscribe with a different document each time, and complete at once."""
    stem = documents.name(number)
    return pipelined(
        [
            part
            for at in range(count)
            for part in (
                subscribe(
                    f"d{number}-{at}",
                    f"subscription {stem}{at}{{articleChanged{{slug kind article{{title}}}}}}",
                ),
                complete(f"d{number}-{at}"),
            )
        ]
    )


def pings(number: int, count: int = 10_000) -> Payload:
    return pipelined([message({"type": "ping"})] * count)


def ping_frames(number: int, count: int = 40_000) -> Payload:
    return pipelined([ping_frame()] * count)


def fragmented_messages(number: int) -> Payload:
    """One message in 40,000 frames of one byte."""
    return fragmented(b"x" * 40_000)


def long_ids(number: int) -> Payload:
    return pipelined([subscribe(f"{number}-{at}" + "i" * 60_000, "{nothing}") for at in range(40)])


def over_limit(number: int) -> Payload:
    """Open 100 operations that stay, and then 1,000 that exceed the limit."""
    staying = [subscribe(f"s{at}", WATCH_ALL) for at in range(100)] if number == 0 else []
    return pipelined([*staying, *(subscribe(f"r{number}-{at}", WATCH_ALL) for at in range(1_000))])


def queries(number: int, count: int = 90) -> Payload:
    """Valid queries that are in no cache."""
    texts = (expensive_documents.most_expensive_inline(number * count + at) for at in range(count))
    return pipelined([subscribe(f"q{number}-{at}", text) for at, text in enumerate(texts)])


def schema_queries(number: int, count: int = 50) -> Payload:
    texts = (expensive_documents.schema_fields(number * count + at, 5) for at in range(count))
    return pipelined([subscribe(f"x{number}-{at}", text) for at, text in enumerate(texts)])


def matching(number: int, at: int) -> dict[str, object]:
    """60 full-text searches, each for a common word, a short prefix and a word that does not occur."""
    parts = []
    for part in range(60):
        word, prefix = WORDS[(at + part) % len(WORDS)], PREFIXES[part % len(PREFIXES)]
        parts.append({"matches": f"{word} OR {prefix} OR q{at}x{part}x{number}"})
    return {"or": parts}


def watch(filters: Sequence[object], since: str | None = None) -> Payload:
    """One subscription per filter, all on one socket."""
    return pipelined(
        [subscribe(f"w{at}", WATCH, {"w": where, "s": since}) for at, where in enumerate(filters)]
    )


def watch_matches(number: int) -> Payload:
    return watch([matching(number, at) for at in range(100)])


def watch_contains(number: int) -> Payload:
    return watch([expensive_documents.contains(number * 100 + at, 60) for at in range(100)])


def watch_clock(number: int) -> Payload:
    """Filters that read the clock, which are evaluated for each subscription separately."""
    return watch([{"publishedDateTime": {"withinLast": f"P{1 + at}D"}} for at in range(100)])


def watch_large(number: int) -> Payload:
    """Events with many articles each, with a different document per subscription."""
    below = "topics{articles(first:100){nodes{title excerpt body html}}}"
    texts = (f"subscription{{articleChanged{{a{number}_{at}:article{{{below}}}}}}}" for at in range(100))
    return pipelined([subscribe(f"l{at}", text) for at, text in enumerate(texts)])


def watch_since(number: int) -> Payload:
    """Subscriptions that first catch up on the whole store."""
    return watch([matching(number, at) for at in range(100)], UNKNOWN_VERSION)


def walks(number: int) -> Payload:
    """90 pages of changes with article bodies."""
    walk = "query($f:Int!){changes(first:$f){version nodes{slug kind article{title body html}}}}"
    return pipelined([subscribe(f"u{number}-{at}", walk, {"f": 100 - at}) for at in range(90)])


def events_matches(number: int) -> Payload:
    """One subscription over server-sent events."""
    return post(WATCH, {"w": matching(0, number), "s": None}, "text/event-stream")


SOCKETS = (
    Attack(
        "socket-invalid", 3, "40 documents that fail validation, in one write", (SocketFlood(invalid, 1, 30),)
    ),
    Attack(
        "socket-invalid-many",
        3,
        "as `socket-invalid`, on 50 sockets",
        (SocketFlood(invalid, 50, 60, pause=1.0),),
    ),
    Attack(
        "socket-subscribe-complete",
        3,
        "1,000 pairs of `subscribe` and `complete`, in one write",
        (SocketFlood(subscribed_and_completed, 1, 40),),
    ),
    Attack(
        "socket-subscribe-complete-different",
        3,
        "300 such pairs in one write, each with a different document",
        (SocketFlood(different_subscribed_and_completed, 4, 80),),
    ),
    Attack("socket-pings", 3, "10,000 ping messages, in one write", (SocketFlood(pings, 4, 1),)),
    Attack(
        "socket-pings-unread",
        3,
        "as `socket-pings`, on 50 sockets that do not read the pongs",
        (SocketFlood(pings, 50, 1, reads=False),),
    ),
    Attack("socket-ping-frames", 3, "40,000 ping frames, in one write", (SocketFlood(ping_frames, 4, 1),)),
    Attack(
        "socket-fragments",
        3,
        "messages in 40,000 frames of one byte each",
        (SocketFlood(fragmented_messages, 4, 1),),
    ),
    Attack("socket-long-ids", 3, "operation ids of 60 KB", (SocketFlood(long_ids, 4, 10),)),
    Attack(
        "socket-over-limit",
        3,
        "1,000 operations beyond the limit of a socket, in one write",
        (SocketFlood(over_limit, 1, 40),),
    ),
    Attack("socket-queries", 3, "90 expensive queries, in one write", (SocketFlood(queries, 4, 40),)),
    Attack(
        "socket-schema", 3, "50 introspection queries, in one write", (SocketFlood(schema_queries, 1, 40),)
    ),
    Attack(
        "watch-matches",
        6,
        "100 subscriptions of 60 `matches` each, on one socket",
        (SocketFlood(watch_matches, 1, 1, limit=1),),
    ),
    Attack(
        "events-matches",
        6,
        "90 such subscriptions, each on an event stream of its own",
        (HttpFlood(events_matches, 90, 90, limit=90),),
    ),
    Attack(
        "watch-matches-many",
        6,
        "as `watch-matches`, on each of 20 sockets",
        (SocketFlood(watch_matches, 20, 20, limit=20),),
    ),
    Attack(
        "watch-since",
        6,
        "as `watch-matches`, with `since`, on each of 4 sockets",
        (SocketFlood(watch_since, 4, 4, limit=4),),
    ),
    Attack(
        "watch-contains",
        6,
        "100 subscriptions of 60 `contains` each, on each of 20 sockets",
        (SocketFlood(watch_contains, 20, 20, limit=20),),
    ),
    Attack(
        "watch-clock",
        6,
        "100 subscriptions with `withinLast`, on each of 100 sockets",
        (SocketFlood(watch_clock, 100, 1, limit=100),),
    ),
    Attack(
        "watch-large-unread",
        6,
        "100 subscriptions to large events, on each of 10 sockets that do not read",
        (SocketFlood(watch_large, 10, 10, limit=10, reads=False),),
    ),
    Attack(
        "socket-changes",
        6,
        "90 pages of up to 100 changes with bodies, on each of 4 sockets",
        (SocketFlood(walks, 4, 4),),
    ),
)
