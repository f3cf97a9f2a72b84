"""State of mapping one file: lookup of keys, where values come from, and problems."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

from gqlnews.content.diagnostics import NO_OFFSET, FieldPath, OffsetDiagnostic, ProblemCode
from gqlnews.content.formats import TreeBuilder
from gqlnews.content.map_values import is_empty, scalar_text
from gqlnews.content.mapping import FieldSources
from gqlnews.content.presets.jekyll import default_values
from gqlnews.content.presets.site import ContentSite, Place
from gqlnews.content.yaml_strict import Mapping, Node

_CASE_INSENSITIVE = frozenset({"hugo", "pelican"})


@dataclass(slots=True)
class Mapper:
    """State of mapping one file; `ignores_case`: its generator ignores the case of keys."""

    site: ContentSite
    place: Place
    tree: Mapping
    keys: dict[str, str]
    zone: ZoneInfo
    ignores_case: bool
    diagnostics: list[OffsetDiagnostic]
    origins: dict[FieldPath, Node] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)

    def find(self, *keys: str) -> Iterator[tuple[str, Node]]:
        """Yield each key that is not empty, with its value."""
        for key in keys:
            first, dot, rest = key.partition(".")
            written = self.keys.get(first.lower() if self.ignores_case else first)
            if written is None:
                continue
            node: Node | None = self.tree.items[written]
            for step in rest.split(".") if dot else ():
                node = self._item(node, step) if isinstance(node, Mapping) else None
            if node is not None and not is_empty(node):
                yield key, node

    def find_node(self, path: tuple[str, ...]) -> Node | None:
        """Return the value at a path; None if it is missing or empty."""
        return next((node for _, node in self.find(".".join(path))), None)

    def _item(self, mapping: Mapping, key: str) -> Node | None:
        found = mapping.items.get(key)
        if found is None and self.ignores_case:
            found = next((node for each, node in mapping.items.items() if each.lower() == key.lower()), None)
        return found

    def use(self, key: str, node: Node, *path: str | int) -> None:
        """Record that the value at a path of the article comes from the node of a key."""
        self.used.add(self.keys[self.fold(key.partition(".")[0])])
        if path:
            self.origins[path] = node

    def find_field(self, sources: FieldSources) -> Iterator[tuple[str, Node]]:
        """Yield the keys of a field that are not empty, with their values."""
        own = dict(self.site.keys).get(sources.field) if self.site.keys else None
        return self.find(*(own or sources.keys))

    def find_text(self, sources: FieldSources) -> str | None:
        """Return the first text of a field."""
        for key, node in self.find_field(sources):
            if (text := scalar_text(node)) is not None:
                self.use(key, node, sources.field)
                return text
        return None

    def report(self, node: Node, code: ProblemCode, message: str) -> None:
        self.diagnostics.append(OffsetDiagnostic(node.offset, code, message))

    def fold(self, key: str) -> str:
        return key.lower() if self.ignores_case else key


def build_mapper(
    site: ContentSite, place: Place, extension: str, tree: Mapping, diagnostics: list[OffsetDiagnostic]
) -> Mapper:
    if site.defaults:
        builder = TreeBuilder(NO_OFFSET)
        defaults = default_values(site, place, extension)
        tree = Mapping(
            tree.offset,
            {key: builder.build(value) for key, value in defaults.items()}
            | {key: node for key, node in tree.items.items() if not is_empty(node) or key not in defaults},
        )
    ignores_case = site.preset in _CASE_INSENSITIVE
    mapper = Mapper(site, place, tree, {}, ZoneInfo(site.time_zone), ignores_case, diagnostics)
    mapper.keys = {mapper.fold(key): key for key in tree.items}
    return mapper
