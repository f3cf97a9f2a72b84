"""A module that ends each worker process that imports it."""

import os
import sys

from gqlnews.content.models import ParseResult

if "gqlnews.ingest.pool_worker" in " ".join(sys.orig_argv):
    os._exit(9)


def identity(outcome: ParseResult) -> ParseResult:
    return outcome
