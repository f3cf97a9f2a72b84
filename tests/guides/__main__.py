"""Run every block of the guides: `python -m tests.guides [GUIDE …]`."""

import shutil
import sys
import tempfile
import time
from pathlib import Path

from tests.guides.blocks import guides
from tests.guides.browser import CHROMIUM
from tests.guides.run import NODE, build_wheel, run_guide
from tests.guides.terminal import GuideError

PROGRAMS = {  # → the package of Debian
    CHROMIUM: "chromium",
    "caddy": "caddy",
    "curl": "curl",
    "nginx": "nginx-light",
    "npm": "npm",
    "openssl": "openssl",
}


def main(names: list[str]) -> int:
    """Return 1 if a block of a guide fails."""
    if missing := [program for program in PROGRAMS if shutil.which(program) is None]:
        packages = " ".join(PROGRAMS[program] for program in missing)
        print(f"Missing: {', '.join(missing)}. On Debian: apt-get install {packages}")
        return 1
    if not (NODE / "node").exists():
        print(f"{NODE}/node is missing: run `make guides`")
        return 1
    failures: list[str] = []
    with tempfile.TemporaryDirectory() as wheels:
        build_wheel(Path(wheels))
        for guide in names or guides():
            start = time.monotonic()
            print(guide, flush=True)
            try:
                run_guide(guide, Path(wheels))
            except GuideError as error:
                failures.append(str(error))
                print(error, flush=True)
            print(f"  {time.monotonic() - start:.0f} s", flush=True)
    print(f"{len(failures)} failed" if failures else "All guides hold")
    return 1 if failures else 0


sys.exit(main(sys.argv[1:]))
