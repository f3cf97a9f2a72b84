"""One run: ingest, start the servers, see that they answer alike, then let them take turns.

1. The articles are taken into one database file, which all servers read.
2. gqlnews that keeps nothing says what every request's answer is, and gives its cursors.
3. The other servers start; each must give the same answers.
4. Rounds.
5. All servers stop; some are started again and again, and loaded at once (cold.py).
"""

import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

from benchmarks.folders import articles_below, real_or_sampled
from benchmarks.throughput.alike import answers, require_alike
from benchmarks.throughput.client import Answer, Client
from benchmarks.throughput.cold import cold_starts
from benchmarks.throughput.limit import write_answers
from benchmarks.throughput.process import Server
from benchmarks.throughput.questions import Question, draw
from benchmarks.throughput.result import Asking, Result
from benchmarks.throughput.rounds import Bodies, play, warm
from benchmarks.throughput.servers import UNCACHED, Place, is_ours, start

Reference = Mapping[str, Sequence[Answer]]
"""Question → gqlnews's answer to each of its requests."""

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Options:
    """`servers` and `questions` by name; `seconds` of a turn.

    `again` says after the rounds which questions are worth as many rounds once more. Then the
    servers of `cold` are started cold, each `starts` times.
    """

    servers: Sequence[str]
    questions: Sequence[str]
    rounds: int
    seconds: int
    database: Path | None = None
    cold: Sequence[str] = ()
    starts: int = 5
    again: Callable[[Result], Sequence[str]] = lambda result: ()


def run(options: Options, scratch: Path, say: Say) -> Result:
    """All of it. SystemExit where a server fails, or answers differently."""
    content, called = real_or_sampled(scratch)
    place = Place(content, options.database or scratch / "store.db", scratch / "answers", scratch)
    say("ingest")
    ingest(place)
    with _ready(options, place, say) as (servers, bodies, asked):
        result = Result(
            machine=machine(),
            articles=f"{len(articles_below(content)):,} articles of {called}",
            rounds=options.rounds,
            seconds=options.seconds,
            questions=asked,
            servers=list(options.servers),
            turns=[],
            cold=[],
        )
        say("warm-up")
        warm(servers, bodies)
        result.turns.extend(play(servers, options.questions, bodies, options.rounds, options.seconds, say))
        again = options.again(result)
        result.turns.extend(play(servers, again, bodies, options.rounds, options.seconds, say))
    result.cold.extend(cold_starts(options.cold, bodies, place, options.starts, say))
    return result


def prepared(scratch: Path, questions: Sequence[str], *, copied: bool = False) -> tuple[Place, Bodies]:
    """The articles, ingested, and the requests to gqlnews; `copied`: the articles may be edited."""
    content, _ = real_or_sampled(scratch)
    if copied:
        content = Path(shutil.copytree(content, scratch / "content"))
    place = Place(content, scratch / "store.db", scratch / "answers", scratch)
    ingest(place)
    with start(UNCACHED, place) as gqlnews, Client(gqlnews.url) as client:
        return place, _files(draw(place.database, client, questions), [UNCACHED], scratch)


@contextmanager
def _ready(options: Options, place: Place, say: Say) -> Iterator[tuple[list[Server], Bodies, list[Asking]]]:
    """The servers, all of which gave the same answers; the files of requests; what is asked."""
    with start(UNCACHED, place) as gqlnews:
        with Client(gqlnews.url) as client:
            questions = draw(place.database, client, options.questions)
        say("answers of gqlnews")
        reference = {asked.name: answers(gqlnews, asked.bodies(ours=True)) for asked in questions}
        write_answers(place.answers, _pairs(questions, reference))
        with _others(options.servers, gqlnews, place) as servers:
            for server in servers:
                say(f"answers of {server.name}")
                for asked in questions:
                    bodies = asked.bodies(ours=is_ours(server.name))
                    require_alike(reference[asked.name], server, bodies)
            files = _files(questions, options.servers, place.logs)
            yield servers, files, [_asking(asked, reference) for asked in questions]


def ingest(place: Place) -> None:
    """The content folder into the database; quick where that holds it already."""
    command = [sys.executable, "-m", "gqlnews", "ingest", str(place.content), "--db", str(place.database)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)  # noqa: S603 - a command of ours


def machine() -> str:
    """Its size, and what runs on it."""
    cores = len(os.sched_getaffinity(0))
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    return f"{cores} cores ({platform.machine()}), {memory:.0f} GB, Python {platform.python_version()}"


@contextmanager
def _others(names: Sequence[str], gqlnews: Server, place: Place) -> Iterator[list[Server]]:
    """The servers of these names, in their order; the one that runs already is one of them."""
    with ExitStack() as stack:
        yield [gqlnews if name == gqlnews.name else stack.enter_context(start(name, place)) for name in names]


def _pairs(questions: Sequence[Question], reference: Reference) -> Iterator[tuple[bytes, Answer]]:
    for asked in questions:
        yield from zip(asked.bodies(ours=True), reference[asked.name], strict=True)


def _files(questions: Sequence[Question], servers: Sequence[str], folder: Path) -> Bodies:
    files: dict[tuple[str, str], Path] = {}
    for asked in questions:
        for ours in (True, False):
            file = folder / f"{asked.name}-{'ours' if ours else 'theirs'}.requests"
            file.write_bytes(b"\n".join(asked.bodies(ours=ours)) + b"\n")
            files |= {(server, asked.name): file for server in servers if is_ours(server) is ours}
    return files


def _asking(asked: Question, reference: Reference) -> Asking:
    size = fmean(len(answer.body) for answer in reference[asked.name])
    return Asking(asked.name, len(asked.ours), round(size))
