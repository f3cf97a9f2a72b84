"""`python -m benchmarks.baseline FOLDER`: the seconds that python-frontmatter takes to load every article.

Only the loads are timed: neither the start of Python nor the walk of the folder.
"""

import sys
import time
from pathlib import Path

import frontmatter

from benchmarks.folders import articles_below


def main() -> None:
    paths = articles_below(Path(sys.argv[1]))
    start = time.perf_counter()
    for path in paths:
        frontmatter.load(str(path))
    print(time.perf_counter() - start)


if __name__ == "__main__":
    main()
