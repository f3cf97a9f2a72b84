"""`python -m benchmarks.throughput.stored`: run gqlnews over a database without its content folder.

The environment selects the database, as for any other ASGI server: docs/settings.md.
"""

from benchmarks.throughput.listening import serve
from gqlnews.app import from_environment

if __name__ == "__main__":
    serve(from_environment(), lifespan="on")
