"""The scripts of a source file: the whole file, or its `<script>` blocks and the front matter of Astro."""

import re
from collections.abc import Iterator
from typing import NamedTuple

SCRIPT_SUFFIXES = frozenset({".ts", ".mts", ".cts", ".tsx", ".js", ".jsx", ".mjs", ".cjs"})
COMPONENT_SUFFIXES = frozenset({".vue", ".svelte", ".astro"})
_TYPESCRIPT_SUFFIXES = frozenset({".ts", ".mts", ".cts"})

_OPENING = re.compile(r"<!--|<script(?=[\s>])", re.IGNORECASE)
_ATTRIBUTES = re.compile(r"""(?:"[^"]*"|'[^']*'|[^"'>])*>""")
_CLOSING = re.compile(r"</script\s*>", re.IGNORECASE)
_LANGUAGE = re.compile(r"""\blang\s*=\s*["']?(\w+)""", re.IGNORECASE)
_ASTRO_FENCE = re.compile(r"\s*---")
_ASTRO_END = re.compile(r"^[ \t]*---", re.MULTILINE)


class Script(NamedTuple):
    """A script from `start` to `end` of a file. `is_typescript`: TypeScript without JSX."""

    start: int
    end: int
    is_typescript: bool


def find_scripts(suffix: str, text: str) -> Iterator[Script]:
    """Yield the scripts of a file with this suffix, in lower case."""
    if suffix in SCRIPT_SUFFIXES:
        yield Script(0, len(text), suffix in _TYPESCRIPT_SUFFIXES)
        return
    position = 0
    if suffix == ".astro" and (fence := _ASTRO_FENCE.match(text)):
        end = _ASTRO_END.search(text, fence.end())
        if end is not None:
            yield Script(fence.end(), end.start(), True)
            position = end.end()
    yield from _find_blocks(text, position, is_astro=suffix == ".astro")


def _find_blocks(text: str, position: int, *, is_astro: bool) -> Iterator[Script]:
    """Yield the `<script>` blocks outside of comments."""
    while opening := _OPENING.search(text, position):
        if opening[0] == "<!--":
            end = text.find("-->", opening.end())
            if end < 0:
                return
            position = end
            continue
        attributes = _ATTRIBUTES.match(text, opening.end())
        closing = _CLOSING.search(text, attributes.end()) if attributes else None
        if attributes is None or closing is None:
            return
        language = _LANGUAGE.search(attributes[0])
        is_typescript = language[1].lower() == "ts" if language else is_astro
        yield Script(attributes.end(), closing.start(), is_typescript)
        position = closing.end()
