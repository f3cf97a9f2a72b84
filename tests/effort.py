"""How many random examples a test tries: all under the profile `fuzz`, a quarter otherwise.

`make fuzz` runs every test with the marker `generated`. The decorator `examples` sets it; tests that call
`number` set it themselves.
"""

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import pytest
from hypothesis import Phase, settings

Test = TypeVar("Test", bound=Callable[..., None])

WITHOUT_SHRINKING = (Phase.explicit, Phase.reuse, Phase.generate)
"""For tests with an ingest per example, where shrinking takes too long."""


def number(full: int, quick: int | None = None) -> int:
    """Return `full` under the profile `fuzz`, otherwise `quick`, which is a quarter by default."""
    if settings.get_current_profile_name() == "fuzz":
        return full
    return -(-full // 4) if quick is None else quick


def examples(
    full: int, quick: int | None = None, phases: Iterable[Phase] | None = None
) -> Callable[[Test], Test]:
    """Decorate a property test: it tries `full` examples in `make fuzz`, and `quick` in `make test`."""
    others: dict[str, Any] = {} if phases is None else {"phases": tuple(phases)}

    def decorate(test: Test) -> Test:
        marked: Test = pytest.mark.generated(test)
        limited: Test = settings(max_examples=number(full, quick), **others)(marked)
        return limited

    return decorate
