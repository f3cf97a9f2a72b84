"""Write the tables of docs/configuration.md from the declared keys: `python -m tests.configuration_docs`."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from gqlnews.content import mapping
from gqlnews.discovery.content_config import FIELD_KEYS, KEYS, PROVIDER_KEYS, Key
from tests.settings_docs import rewrite, to_table

FILE = Path(__file__).parent.parent / "docs" / "configuration.md"


def update(text: str) -> str:
    """Return the document with its generated sections rewritten."""
    return rewrite(text, sections())


def sections() -> Mapping[str, str]:
    names = [f"`{sources.field}`" for sources in mapping.FIELDS if sources is not mapping.PUBLISHED]
    return {
        "keys": _describe(KEYS),
        "provider keys": _describe(PROVIDER_KEYS),
        "fields of keys": f"{', '.join(names[:-1])} and {names[-1]}.",
        "field keys": _describe(FIELD_KEYS),
    }


def _describe(keys: Iterable[Key]) -> str:
    rows = [(f"`{key.name}`", key.description, f"`{key.example}`") for key in keys]
    return to_table(("key", "meaning", "example"), rows)


if __name__ == "__main__":
    FILE.write_text(update(FILE.read_text("utf-8")), "utf-8")
