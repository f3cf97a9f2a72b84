"""The additions of the contract that a schema does not have yet.

Generated requests use what the exported schema has. With the additions, the oracle is tested before the
program has them.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from graphql import parse, print_ast

ADDITIONS = Path(__file__).with_name("additions.graphql")
PARTS = ("fields", "arguments", "values")


def with_additions(sdl: str) -> str:
    """Return the SDL with the types, fields, arguments and enum values that it lacks."""
    document, additions = parse(sdl), parse(ADDITIONS.read_text(encoding="utf-8"))
    return print_ast(replace(document, definitions=merged(document.definitions, additions.definitions)))


def merged(nodes: tuple[Any, ...], additions: tuple[Any, ...]) -> tuple[Any, ...]:
    """Merge nodes by their names, at every depth."""
    added = {one.name.value: one for one in additions}
    known = {name_of(one) for one in nodes}
    return (
        *(merged_node(one, added[name_of(one)]) if name_of(one) in added else one for one in nodes),
        *(one for name, one in added.items() if name not in known),
    )


def name_of(node: Any) -> str:
    return node.name.value if getattr(node, "name", None) else ""


def merged_node(node: Any, addition: Any) -> Any:
    parts = [part for part in PARTS if getattr(addition, part, None)]
    return replace(
        node, **{part: merged(getattr(node, part) or (), getattr(addition, part)) for part in parts}
    )
