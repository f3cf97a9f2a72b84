"""Generated configuration files: up to six own fields of every type, with every option."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

TYPES = ("String", "Int", "Float", "Boolean", "Date", "DateTime", "URL", "JSON")
NAMES = ("sponsor", "viewCount", "opensAt", "meta2", "HTTPPage", "_label", "x", "under_score", "nextStep")
KEYS = ("params.sponsor", "params.deep.rating", "params.deep", "params", "label", "sponsor", "Ünï key")
BUILT_IN = ("quality", "category", "provider.domain", "topics", "title")
ZONES = (None, "Europe/Berlin", "America/New_York", "Asia/Kolkata")
TITLES = (None, "The Example", 'Ünï "News" 2')
BASES = (None, "https://base.example/x/")
ALLOWED: dict[str, Callable[[str, bool], bool]] = {
    "filter": lambda kind, is_list: kind != "JSON",
    "order": lambda kind, is_list: kind != "JSON" and not is_list,
    "facet": lambda kind, is_list: kind not in {"JSON", "Float", "DateTime"},
}

Table = dict[str, Any]


@st.composite
def tables(draw: st.DrawFn) -> Table:
    """The table of one field."""
    kind, is_list = draw(st.sampled_from(TYPES)), draw(st.integers(0, 9)) >= 7
    table: Table = {"type": [kind] if is_list else kind}
    if draw(st.booleans()):
        table["key"] = draw(st.sampled_from(KEYS + KEYS + BUILT_IN))
    for option, is_allowed in ALLOWED.items():
        if is_allowed(kind, is_list) and draw(st.integers(0, 9)) < 8:
            table[option] = True
    if draw(st.integers(0, 9)) >= 7:
        table["visible-to"] = draw(st.sampled_from(("editors", "editors", "everyone")))
    if draw(st.integers(0, 19)) == 19:
        table["required"] = True
    return table


def configurations() -> SearchStrategy[str]:
    """Texts of `gqlnews.toml`, some with a title of the site, which is the provider's name."""
    named = st.tuples(st.sampled_from(NAMES), tables())
    fields = st.lists(named, max_size=6, unique_by=lambda pair: pair[0])
    return st.builds(
        config_text, st.sampled_from(ZONES), st.sampled_from(BASES), st.sampled_from(TITLES), fields
    )


def config_text(
    zone: str | None, base_url: str | None, title: str | None, fields: Sequence[tuple[str, Table]]
) -> str:
    top = {"time-zone": zone, "base-url": base_url}
    lines = [f"{key} = {json.dumps(value)}" for key, value in top.items() if value is not None]
    if title is not None:
        name = json.dumps(title, ensure_ascii=False)
        lines.append(f'provider = {{ name = {name}, domain = "site.example" }}')
    for name, table in fields:
        lines += ["", f"[fields.{name}]"]
        lines += [f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in table.items()]
    return "\n".join(lines) + "\n"
