"""Write the text of a `gqlnews.toml` for a content folder, by looking at the folder.

1. Read every article without its body. What the sites of all articles have in common is written as it is.
2. The unknown keys that enough articles have are written as fields, commented out. Prose begins with `##`, so
   that a file without the first `# ` of each line is valid too.
"""

import json
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from gqlnews.content.article_keys import ArticleKeys, read_article_keys
from gqlnews.content.guess_fields import FieldGuesser, GuessedField
from gqlnews.content.models import ParseOptions, SourceFile
from gqlnews.content.parse_file import read_file
from gqlnews.content.presets.site import DEFAULT_ZONE, ContentSite, get_host
from gqlnews.content.safe_open import OpenFolder
from gqlnews.custom_fields import CustomField
from gqlnews.discovery.content_config import KEYS, PROVIDER_KEYS, InvalidValueError, Key, check_name
from gqlnews.discovery.scan import scan_folder
from gqlnews.discovery.sites import find_sites
from gqlnews.errors import raise_if_exhausted

_HEADER = """\
## What gqlnews serves of this folder, and how. Written by `gqlnews init` from {articles}.
## A change takes effect at once, also in a running server. Every key is optional.
"""
_FIELDS_HEADER = """\
## Keys of the front matter that can be fields of `Article`. To add one, remove the `# ` of its lines.
"""
_USES = ("filter", "order", "facet")


class SuggestedConfig(NamedTuple):
    """A configuration for a folder.

    `values` are the keys as TOML that were found, `fields` those that are suggested, and `articles` the
    number of articles.
    """

    values: dict[str, str]
    fields: list[GuessedField]
    articles: int

    def text(self) -> str:
        """Return the text of the file."""
        parts = [_HEADER.format(articles=self.article_count)]
        if self.values:
            parts.append("".join(f"{key} = {value}\n" for key, value in self.values.items()))
        if self.fields:
            parts.append(_FIELDS_HEADER)
        parts += ["".join(f"{line}\n" for line in self._field_lines(guessed)) for guessed in self.fields]
        return "\n".join(parts)

    def _field_lines(self, guessed: GuessedField) -> Iterator[str]:
        declared = guessed.field
        yield f"## In {guessed.articles:,} of {self.articles:,} ({self.share(guessed)})."
        yield f"# [fields.{declared.name}]"
        yield f"# type = {type_text(declared)}"
        if declared.key != (declared.name,):
            yield f"# key = {_to_toml('.'.join(declared.key))}"
        yield from (f"# {use} = true" for use in _USES if getattr(declared, use))

    @property
    def article_count(self) -> str:
        return "1 article" if self.articles == 1 else f"{self.articles:,} articles"

    def share(self, guessed: GuessedField) -> str:
        """Return how many of the articles have a field."""
        return f"{100 * guessed.articles / self.articles:.0f} %"


def type_text(declared: CustomField) -> str:
    """Return the type of a field in TOML."""
    return f'["{declared.type}"]' if declared.is_list else f'"{declared.type}"'


def suggest_config(folder: OpenFolder, progress: Callable[[int, int], None]) -> SuggestedConfig:
    """Look at a content folder. Raises ContentFolderError or ExhaustedError.

    Calls `progress` with the number of files read, and the total to read.
    """
    options = ParseOptions(sites=find_sites(folder, ParseOptions()).sites)
    guesser = FieldGuesser()
    found_sites: dict[str, ContentSite] = {}
    has_permalink = True
    found = [file for file in scan_folder(folder) if isinstance(file, SourceFile)]
    files = sorted(found, key=lambda file: file.path)
    for done, file in enumerate(files):
        progress(done, len(files))
        keys = _read_keys(folder, file, options)
        if keys is not None:
            guesser.add(keys)
            found_sites[keys.site.inside] = keys.site
            has_permalink = has_permalink and keys.same_address
    sites = list(found_sites.values()) or [site for site in options.sites if site.config]
    values = dict(_find_values(sites, has_permalink=has_permalink))
    return SuggestedConfig(values, guesser.guess(_is_free), guesser.articles)


def _read_keys(folder: OpenFolder, file: SourceFile, options: ParseOptions) -> ArticleKeys | None:
    try:
        _, data = read_file(folder, file)
    except OSError as error:  # `gqlnews check` reports it
        raise_if_exhausted(error)
        return None
    return None if data is None else read_article_keys(file.path, data, options)


def _is_free(name: str, taken: dict[str, str]) -> bool:
    return not any(check_name(name, taken))


# What the sites say.


def _find_values(sites: list[ContentSite], *, has_permalink: bool) -> Iterator[tuple[str, str]]:
    """Yield the keys and their values in TOML, if they are the same for all sites and valid."""
    found: dict[str, Callable[[ContentSite], str | None]] = {
        "preset": lambda site: site.preset if site.config else None,
        "base-url": lambda site: site.base_url,
        "permalink": lambda site: _only_pattern(site) if has_permalink else None,
        "time-zone": lambda site: None if site.time_zone == DEFAULT_ZONE else site.time_zone,
    }
    for key in KEYS:
        value = _common_value(map(found[key.name], sites)) if key.name in found else None
        if value is not None and _is_valid(key, value):
            yield key.name, _to_toml(value)
    provider = {"name": lambda site: site.title, "domain": lambda site: get_host(site.base_url)}
    pairs = []
    for key in PROVIDER_KEYS:
        value = _common_value(map(provider[key.name], sites))
        if value is not None and _is_valid(key, value):
            pairs.append(f"{key.name} = {_to_toml(value)}")
    if pairs:
        yield "provider", f"{{ {', '.join(pairs)} }}"


def _only_pattern(site: ContentSite) -> str | None:
    return site.permalinks[0][1] if len(site.permalinks) == 1 else None


def _common_value(values: Iterable[str | None]) -> str | None:
    distinct = set(values)
    return distinct.pop() if len(distinct) == 1 else None


def _is_valid(key: Key, value: str) -> bool:
    try:
        key.read(value)
    except InvalidValueError:
        return False
    return value.isprintable()


def _to_toml(text: str) -> str:
    """Return a string of TOML, whose escapes are those of JSON."""
    return json.dumps(text, ensure_ascii=False)
