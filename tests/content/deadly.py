"""Functions that a worker process calls for each parsed file, and that fail for one of them."""

import os
import signal
import threading

from gqlnews.content.models import ParseResult

HARMFUL = "13.md"


def killing(outcome: ParseResult) -> ParseResult:
    if outcome.source.path == HARMFUL and outcome.article is not None:
        os.kill(os.getpid(), signal.SIGKILL)
    return outcome


def killing_always(outcome: ParseResult) -> ParseResult:
    if outcome.article is not None:
        os.kill(os.getpid(), signal.SIGKILL)
    return outcome


def hanging(outcome: ParseResult) -> ParseResult:
    if outcome.source.path == HARMFUL and outcome.article is not None:
        threading.Event().wait()
    return outcome


def failing(outcome: ParseResult) -> ParseResult:
    if outcome.source.path == HARMFUL and outcome.article is not None:
        raise ValueError("it fails")
    return outcome
