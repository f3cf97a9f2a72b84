"""A module that ends each worker process which imports it."""

import os
import sys

from gqlnews.content.records import Outcome

if sys.argv[0] == "-c":
    os._exit(9)


def made(outcome: Outcome) -> Outcome:
    return outcome
