"""Statement time of one page of changes, limited for each client.

Time is processor time of the thread that runs the statements, so a busy machine ends no subscription. What
several clients subscribe to alike is charged to each in equal shares.
"""

from collections import defaultdict
from collections.abc import Collection
from math import inf

from gqlnews.errors import Code, LimitError

CLIENT_SECONDS = 0.25  # of one client
PAGE_SECONDS = 0.4  # of all clients; beyond it, a client gets LEAST_SECONDS
LEAST_SECONDS = 0.05
CATCH_UP_SECONDS = 0.125  # of one subscription; changes it has missed are judged on one side only

OVER_BUDGET = (
    "Your address's subscriptions take more statement time for these changes than one client may use, so "
    "this one has ended: resume it with `since`, with fewer beside it, or simpler filters and selections."
)


class OverBudgetError(LimitError):
    """The client's subscriptions take too much statement time; this one has ended."""

    def __init__(self) -> None:
        super().__init__(Code.TIMED_OUT, OVER_BUDGET)


class Budget:
    """What one page of changes may still take. Not `limited`: without an end."""

    def __init__(self, *, limited: bool = True) -> None:
        self._limited = limited
        self._spent: defaultdict[str, float] = defaultdict(float)
        self._total = 0.0

    def left(self, clients: Collection[str]) -> float:
        """Seconds that a subscription of these clients may take; 0 or less only where all are over budget."""
        if not self._limited:
            return inf
        shares = len(clients) * max(map(self._left, clients))
        return min(shares, max(PAGE_SECONDS - self._total, LEAST_SECONDS))

    def charge(self, clients: Collection[str], seconds: float) -> None:
        self._total += seconds
        for client in clients:
            self._spent[client] += seconds / len(clients)

    def _left(self, client: str) -> float:
        spent = self._spent.get(client, 0.0)
        return min(CLIENT_SECONDS - spent, max(PAGE_SECONDS - self._total, LEAST_SECONDS - spent))
