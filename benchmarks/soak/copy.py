"""A subscriber's copy of the articles that it may see, built from events, and the faults in them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

MAX_FAULTS = 5  # recorded per copy


@dataclass
class Copy:
    """Titles by slug, as of `version`. For a `strict` copy, which missed nothing, event kinds must fit it."""

    strict: bool = False
    version: str | None = None
    titles: dict[str, str] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)

    def begin(self, titles: Mapping[str, str], version: str) -> None:
        self.titles, self.version = dict(titles), version

    def apply(self, change: Mapping[str, Any]) -> None:
        """Apply one event. Its version must be later than all earlier ones."""
        slug, kind, version, article = (change[name] for name in ("slug", "kind", "version", "article"))
        if self.version is not None and number(version) <= number(self.version):
            self._add_fault(f"{kind} {slug} of {version} came after {self.version}")
        if self.strict and (slug in self.titles) == (kind == "ADDED"):
            self._add_fault(
                f"{kind} {slug} of {version}, which it has{'' if slug in self.titles else ' not'}"
            )
        if (kind == "REMOVED") != (article is None):
            self._add_fault(f"{kind} {slug} of {version} with {article}")
        apply_change(self.titles, change)
        self.version = version

    def _add_fault(self, fault: str) -> None:
        if len(self.faults) < MAX_FAULTS:
            self.faults.append(fault)


def apply_change(titles: dict[str, str], change: Mapping[str, Any]) -> None:
    if change["article"] is None:
        titles.pop(change["slug"], None)
    else:
        titles[change["slug"]] = change["article"]["title"]


def number(version: str) -> int:
    return int(version.split("-")[1])
