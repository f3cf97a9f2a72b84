"""Functions that a worker process calls for each parsed file, and that fail for one of them."""

import os
import signal
import threading

from gqlnews.content.models import Outcome

HARMFUL = "13.md"


def killing(outcome: Outcome) -> Outcome:
    if outcome.source.path == HARMFUL and outcome.article is not None:
        os.kill(os.getpid(), signal.SIGKILL)
    return outcome


def killing_always(outcome: Outcome) -> Outcome:
    if outcome.article is not None:
        os.kill(os.getpid(), signal.SIGKILL)
    return outcome


def hanging(outcome: Outcome) -> Outcome:
    if outcome.source.path == HARMFUL and outcome.article is not None:
        threading.Event().wait()
    return outcome


def failing(outcome: Outcome) -> Outcome:
    if outcome.source.path == HARMFUL and outcome.article is not None:
        raise ValueError("it fails")
    return outcome
