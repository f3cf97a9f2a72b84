"""One run: ingest, start the servers, check that their responses are equal, and measure.

1. Ingest the articles into one database file, which all servers read.
2. Get the reference responses and the cursors from gqlnews without caches.
3. Start the other servers; each must return the same responses.
4. Run the rounds.
5. Stop all servers; start some of them cold several times under full load (cold.py).
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
from benchmarks.throughput.client import Answer, Client
from benchmarks.throughput.cold import cold_starts
from benchmarks.throughput.limit import write_answers
from benchmarks.throughput.process import Server
from benchmarks.throughput.questions import Question, draw
from benchmarks.throughput.result import QueryInfo, Result
from benchmarks.throughput.rounds import Bodies, run_rounds, warm
from benchmarks.throughput.same_answers import answers, require_same_answers
from benchmarks.throughput.servers import UNCACHED, Place, is_ours, start

Reference = Mapping[str, Sequence[Answer]]
"""Question → the response of gqlnews to each of its requests."""

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Options:
    """Names of servers and questions, and the length of a turn in seconds.

    `again` is called after the rounds and returns the questions that need as many rounds again. Then
    the servers in `cold` are started cold, `starts` times each.
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
    """Run everything. Raises SystemExit if a server fails or its responses differ."""
    content, called = real_or_sampled(scratch)
    place = Place(content, options.database or scratch / "store.db", scratch / "answers", scratch)
    say("ingest")
    ingest(place)
    with _ready(options, place, say) as (servers, bodies, queries):
        result = Result(
            machine=machine(),
            articles=f"{len(articles_below(content)):,} articles of {called}",
            rounds=options.rounds,
            seconds=options.seconds,
            questions=queries,
            servers=list(options.servers),
            turns=[],
            cold=[],
        )
        say("warm-up")
        warm(servers, bodies)
        result.turns.extend(
            run_rounds(servers, options.questions, bodies, options.rounds, options.seconds, say)
        )
        again = options.again(result)
        result.turns.extend(run_rounds(servers, again, bodies, options.rounds, options.seconds, say))
    result.cold.extend(cold_starts(options.cold, bodies, place, options.starts, say))
    return result


def prepared(scratch: Path, questions: Sequence[str], *, copied: bool = False) -> tuple[Place, Bodies]:
    """Ingest the articles and write the requests to gqlnews. With `copied`, the articles may be edited."""
    content, _ = real_or_sampled(scratch)
    if copied:
        content = Path(shutil.copytree(content, scratch / "content"))
    place = Place(content, scratch / "store.db", scratch / "answers", scratch)
    ingest(place)
    with start(UNCACHED, place) as gqlnews, Client(gqlnews.url) as client:
        return place, _files(draw(place.database, client, questions), [UNCACHED], scratch)


@contextmanager
def _ready(
    options: Options, place: Place, say: Say
) -> Iterator[tuple[list[Server], Bodies, list[QueryInfo]]]:
    """Start the servers and check their responses; yield servers, request files, and questions."""
    with start(UNCACHED, place) as gqlnews:
        with Client(gqlnews.url) as client:
            questions = draw(place.database, client, options.questions)
        say("answers of gqlnews")
        reference = {question.name: answers(gqlnews, question.bodies(ours=True)) for question in questions}
        write_answers(place.answers, _pairs(questions, reference))
        with _others(options.servers, gqlnews, place) as servers:
            for server in servers:
                say(f"answers of {server.name}")
                for question in questions:
                    bodies = question.bodies(ours=is_ours(server.name))
                    require_same_answers(reference[question.name], server, bodies)
            files = _files(questions, options.servers, place.logs)
            yield servers, files, [_query_info(question, reference) for question in questions]


def ingest(place: Place) -> None:
    """Ingest the content folder into the database. This is quick if the database is up to date."""
    command = [sys.executable, "-m", "gqlnews", "ingest", str(place.content), "--db", str(place.database)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)  # noqa: S603 - a command of ours


def machine() -> str:
    """Describe the machine's size and its Python version."""
    cores = len(os.sched_getaffinity(0))
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    return f"{cores} cores ({platform.machine()}), {memory:.0f} GB, Python {platform.python_version()}"


@contextmanager
def _others(names: Sequence[str], gqlnews: Server, place: Place) -> Iterator[list[Server]]:
    """Start the servers with these names and yield them in order, including the one that already runs."""
    with ExitStack() as stack:
        yield [gqlnews if name == gqlnews.name else stack.enter_context(start(name, place)) for name in names]


def _pairs(questions: Sequence[Question], reference: Reference) -> Iterator[tuple[bytes, Answer]]:
    for question in questions:
        yield from zip(question.bodies(ours=True), reference[question.name], strict=True)


def _files(questions: Sequence[Question], servers: Sequence[str], folder: Path) -> Bodies:
    files: dict[tuple[str, str], Path] = {}
    for question in questions:
        for ours in (True, False):
            file = folder / f"{question.name}-{'ours' if ours else 'theirs'}.requests"
            file.write_bytes(b"\n".join(question.bodies(ours=ours)) + b"\n")
            files |= {(server, question.name): file for server in servers if is_ours(server) is ours}
    return files


def _query_info(question: Question, reference: Reference) -> QueryInfo:
    size = fmean(len(answer.body) for answer in reference[question.name])
    return QueryInfo(question.name, len(question.ours), round(size))
