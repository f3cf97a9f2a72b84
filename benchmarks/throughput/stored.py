"""`python -m benchmarks.throughput.stored`: gqlnews over a database that is there, whose folder need not be.

The environment says which, as for every other ASGI server: docs/settings.md.
"""

from benchmarks.throughput.listening import serve
from gqlnews.app import from_environment

if __name__ == "__main__":
    serve(from_environment(), lifespan="on")
