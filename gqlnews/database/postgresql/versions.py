"""Versions of a PostgreSQL store as a server sees them: they never go backwards.

A standby lags behind the primary, and two standbys lag differently. A server knows the newest versions that
it has polled or answered with, and uses no answer that is older. Of two epochs only the primary decides which
one is current: the other one may be that of a standby which lags.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto
from functools import cached_property, lru_cache

from gqlnews.database.protocol import RequiredVersion, SnapshotId

CACHED_VERSIONS = 16

FAR_AHEAD = 1 << 20
"""Distance from which a version was never reached: a failover skips as many numbers, so it loses fewer."""


@dataclass(frozen=True)
class StoreVersions:
    """The versions of one snapshot by audience, such as `b"8f0-12 8f1-15 8f1-15"`, as the store has them."""

    text: str

    @cached_property
    def versions(self) -> tuple[bytes, ...]:
        return tuple(self.text.encode().split())

    @cached_property
    def epochs(self) -> tuple[str, ...]:
        """The epochs by audience, each with its trailing hyphen."""
        return tuple("".join(version.rpartition("-")[:2]) for version in self.text.split())

    @cached_property
    def numbers(self) -> tuple[int, ...]:
        return tuple(int(version.rpartition("-")[2]) for version in self.text.split())

    def number_of(self, epoch: str) -> int | None:
        """Return the highest number in this epoch; None if it is not one of the store.

        Editors see more versions than others with the same epoch.
        """
        numbers = (own for mine, own in zip(self.epochs, self.numbers, strict=True) if mine == epoch)
        return max(numbers, default=None)

    def is_older_than(self, other: "StoreVersions") -> bool:
        return any(mine < theirs for mine, theirs in zip(self.numbers, other.numbers, strict=True))

    def is_newer_than(self, other: "StoreVersions") -> bool:
        return self.text != other.text and not self.is_older_than(other)


@lru_cache(CACHED_VERSIONS)
def parse_versions(text: str) -> StoreVersions:
    """Parse versions. Cached, because most answers have the same ones."""
    return StoreVersions(text)


class Verdict(Enum):
    """What to do with an answer: use it; wait for the standby, or ask the primary; or reject the request."""

    USE = auto()
    WAIT = auto()
    ASK_PRIMARY = auto()
    BEHIND = auto()


def judge(
    found: StoreVersions, known: StoreVersions | None, required: RequiredVersion | None, *, is_primary: bool
) -> Verdict:
    """Judge an answer by its versions.

    | answer of | older than known | another epoch | `since` not reached | `since` far ahead, other epoch |
    |---|---|---|---|---|
    | a standby | WAIT | WAIT | WAIT | ASK_PRIMARY |
    | the primary | BEHIND | USE | BEHIND | USE: the statement reports the error |
    """
    if known is not None and found.epochs != known.epochs:
        verdict = Verdict.USE if is_primary else Verdict.WAIT
    elif known is not None and found.is_older_than(known):
        verdict = Verdict.BEHIND if is_primary else Verdict.WAIT
    else:
        verdict = Verdict.USE
    if verdict is not Verdict.USE or required is None:
        return verdict
    return _judge_required(found, required, is_primary=is_primary)


def _judge_required(found: StoreVersions, required: RequiredVersion, *, is_primary: bool) -> Verdict:
    number = found.number_of(required.epoch)
    if number is not None and required.number <= number:
        return Verdict.USE
    if number is None or required.number - number >= FAR_AHEAD:
        return Verdict.USE if is_primary else Verdict.ASK_PRIMARY
    return Verdict.BEHIND if is_primary else Verdict.WAIT


@dataclass(slots=True)
class KnownVersions:
    """The newest versions that a server knows. `database` counts the epochs before."""

    current: StoreVersions | None = None
    database: int = 0
    _ids: tuple[SnapshotId, ...] = ()

    def observe(self, found: StoreVersions, known: StoreVersions | None, *, is_primary: bool) -> bool:
        """Take versions into account; return whether they are of another database than before.

        `known` are the newest versions from before the read. If they are of another epoch than those of now,
        the answer may be a late one of the store before.
        """
        if self.current is None:
            self._set(found)
        elif found.epochs != self.current.epochs:
            if is_primary and known is not None and known.epochs == self.current.epochs:
                self.database += 1
                self._set(found)
                return True
        elif found.is_newer_than(self.current):
            self._set(found)
        return False

    def _set(self, found: StoreVersions) -> None:
        self.current = found
        self._ids = tuple(SnapshotId(self.database, version) for version in found.versions)

    def ids_of(self, found: StoreVersions) -> tuple[SnapshotId, ...]:
        """Return the snapshot ids of these versions, by audience."""
        if self.current is not None and found.text == self.current.text:
            return self._ids
        return tuple(SnapshotId(self.database, version) for version in found.versions)

    def snapshot_ids(self) -> Sequence[SnapshotId]:
        return self._ids
