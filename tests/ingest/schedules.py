"""Random schedules of articles that appear and expire, and what subscribers must see of them.

A second of a schedule is a number from 0 on. The clock is a number of seconds too.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from hypothesis import strategies as st

from gqlnews.timestamps import from_epoch_ns
from tests.ingest.folder import Folder, text_of

BASE_NS = 4_000_000_000_000_000_000  # in 2096: later than the times of all files, so that none is recent
LAST = 20

Change = tuple[str, str]
"""Kind and slug of an event."""


@dataclass(frozen=True)
class Window:
    """Seconds from and until which an article is visible; None is no limit."""

    begin: float | None
    end: float | None

    def is_visible(self, now: float) -> bool:
        return (self.begin is None or self.begin <= now) and (self.end is None or now < self.end)

    def instants(self) -> list[float]:
        """Return when the visibility changes."""
        limits = [each for each in (self.begin, self.end) if each is not None]
        return [each for each in sorted(limits) if self.is_visible(each) != self.is_visible(each - 0.25)]


@dataclass(frozen=True)
class Run:
    """A run of the process that follows the folder.

    It starts `pause` seconds after the end of the last one, and ingests at once, then `wakes` times when
    something is due. Each of these ingests comes `delay` seconds late. The last one is killed after
    `killed_at` steps, if it has that many; 0 if it completes. A step is 50 of SQLite's virtual machine.
    """

    pause: float
    wakes: int
    delay: float
    killed_at: int


Schedule = Mapping[str, Window]

_instants = st.none() | st.integers(0, 2 * LAST).map(lambda half: half / 2)
_windows = st.builds(Window, _instants, _instants) | st.builds(
    lambda begin, half: Window(float(begin), begin + half / 2), st.integers(0, LAST), st.integers(1, 6)
)
_names = [f"post/{letter}" for letter in "dbface"]  # files are not found in the order of their instants
schedules: st.SearchStrategy[Schedule] = st.fixed_dictionaries(dict.fromkeys(_names, _windows))
runs = st.lists(
    st.builds(
        Run,
        pause=st.sampled_from([0.25, 1.0, 3.0, 8.0]),
        wakes=st.integers(0, 3),
        delay=st.sampled_from([0.0, 0.0, 0.25, 2.0]),
        killed_at=st.sampled_from([3, 10, 20, 40, 60, 90, 130, 0]),
    ),
    min_size=3,
    max_size=6,
)


def clock(seconds: float) -> Callable[[], int]:
    """Return a clock that stands still."""
    return lambda: BASE_NS + int(seconds * 1_000_000_000)


def sort_key(seconds: float) -> str:
    return from_epoch_ns(clock(seconds)()).key


def write(folder: Folder, schedule: Schedule) -> None:
    """Write a site of Hugo with these articles, which share topics and link to each other."""
    folder.write("hugo.toml", 'baseURL = "https://example.org/"\n')
    folder.write("content/post/always.md", text_of({"title": "Always", "date": "2021-04-15"}))
    for slug, window in schedule.items():
        keys: dict[str, object] = {
            "title": slug,
            "date": "2021-04-15",
            "tags": ["x", slug],
            "authors": [slug],
        }
        keys["related"] = [{"title": other, "webUrl": f"https://example.org/{other}/"} for other in schedule]
        if window.begin is not None:
            keys["publishDate"] = sort_key(window.begin) + "Z"
        if window.end is not None:
            keys["expiryDate"] = sort_key(window.end) + "Z"
        folder.write(f"content/{slug}.md", text_of(keys) + "[always](always.md)\n")


def visible(schedule: Schedule, now: float) -> set[str]:
    return {slug for slug, window in schedule.items() if window.is_visible(now)}


def next_instant(schedule: Schedule, now: float) -> float | None:
    instants = [each for window in schedule.values() for each in window.instants()]
    return min((each for each in instants if each > now), default=None)


def changes(schedule: Schedule, before: float, now: float) -> list[Change]:
    """Return what a subscriber must see of an ingest, if the one before it was at `before`."""
    was, is_now = visible(schedule, before), visible(schedule, now)

    def instant(slug: str) -> float:
        return max(each for each in schedule[slug].instants() if each <= now)

    return [
        ("ADDED" if slug in is_now else "REMOVED", slug)
        for slug in sorted(was ^ is_now, key=lambda slug: (instant(slug), slug))
    ]
