"""`python -m benchmarks.baseline FOLDER`: time python-frontmatter loading every article.

Prints seconds. Only the loads are timed, not Python's start or the folder scan.
"""

import sys
import time
from pathlib import Path

import frontmatter

from benchmarks.folders import article_paths


def main() -> None:
    paths = article_paths(Path(sys.argv[1]))
    start = time.perf_counter()
    for path in paths:
        frontmatter.load(str(path))
    print(time.perf_counter() - start)


if __name__ == "__main__":
    main()
