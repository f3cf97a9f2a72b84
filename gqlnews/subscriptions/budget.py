"""Per-client budget of statement time for one page of changes.

The budget counts CPU time of the thread that runs the statements, so that a busy machine does not end
subscriptions. The cost of a subscription that several clients share is split equally between them.
"""

from collections import defaultdict
from collections.abc import Collection
from math import inf

from gqlnews.errors import Code, ResourceLimitError

CLIENT_SECONDS = 0.25  # per client
PAGE_SECONDS = 0.4  # for all clients together; past it, each client gets MIN_SECONDS
MIN_SECONDS = 0.05
CATCH_UP_SECONDS = 0.125  # for a replayed page of one subscription, which is evaluated on one side only

OVER_BUDGET = (
    "Your address's subscriptions take more statement time for these changes than one client may use, so "
    "this one has ended: resume it with `since`, with fewer beside it, or simpler filters and selections."
)


class OverBudgetError(ResourceLimitError):
    """Raised to end a subscription whose client has used up its statement time."""

    def __init__(self) -> None:
        super().__init__(Code.TIMED_OUT, OVER_BUDGET)


class Budget:
    """Remaining statement time for one page of changes; unlimited if `limited` is false."""

    def __init__(self, *, limited: bool = True) -> None:
        self._limited = limited
        self._spent: defaultdict[str, float] = defaultdict(float)
        self._total = 0.0

    def left(self, clients: Collection[str]) -> float:
        """Return the seconds left for a subscription of these clients; <= 0 only if all are over budget."""
        if not self._limited:
            return inf
        shares = len(clients) * max(map(self._left, clients))
        return min(shares, max(PAGE_SECONDS - self._total, MIN_SECONDS))

    def charge(self, clients: Collection[str], seconds: float) -> None:
        self._total += seconds
        for client in clients:
            self._spent[client] += seconds / len(clients)

    def _left(self, client: str) -> float:
        spent = self._spent.get(client, 0.0)
        return min(CLIENT_SECONDS - spent, max(PAGE_SECONDS - self._total, MIN_SECONDS - spent))
