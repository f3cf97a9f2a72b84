"""The file `gqlnews.toml`: what a publisher says about the content folder.

`KEYS`, `PROVIDER_KEYS` and `FIELD_KEYS` declare every key, with its check, its description and an example;
docs/configuration.md is made of them. A file with any mistake counts as a whole as not written: its mistakes
are problems, and the configuration before remains in effect.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from gqlnews.content import mapping
from gqlnews.content.diagnostics import OffsetDiagnostic, ProblemCode, quote
from gqlnews.content.formats import parse_toml
from gqlnews.content.front_matter import to_plain
from gqlnews.content.models import ContentConfig
from gqlnews.content.presets.generators import PRESETS
from gqlnews.content.presets.permalinks import PLACEHOLDERS, unknown_placeholders
from gqlnews.content.presets.site import SiteOverrides, get_host
from gqlnews.content.urls import ABSOLUTE
from gqlnews.content.yaml_strict import FrontMatterSyntaxError
from gqlnews.custom_fields import MAX_FIELDS, CustomField, FieldType, upper_snake_case
from gqlnews.discovery.config_files import OWN_CONFIG
from gqlnews.reserved_names import RESERVED_NAMES

MAX_MISTAKES = 100  # that are reported


class InvalidValueError(Exception):
    """A value is not what its key allows; the message completes `"KEY" …`."""


class Key(NamedTuple):
    """A key of the file. `read` checks and converts its value; raises InvalidValueError."""

    name: str
    read: Callable[[Any], Any]
    description: str
    example: str


# Values.


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise InvalidValueError("must be a text")
    return value.strip()


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise InvalidValueError("must be true or false")
    return value


def _one_of(*choices: str) -> Callable[[Any], str]:
    allowed = tuple(map(str, choices))

    def read(value: Any) -> str:
        if value not in allowed:
            near = get_close_matches(str(value), allowed, 1)
            advice = f"write {near[0]!r}" if near else f"it is one of {', '.join(allowed)}"
            raise InvalidValueError(f"cannot be {_quoted(value)}: {advice}")
        return str(value)

    return read


def _quoted(value: Any) -> str:
    return quote(repr(value))


def _base_url(value: Any) -> str:
    if not _text(value).lower().startswith(ABSOLUTE) or get_host(_text(value)) is None:
        raise InvalidValueError("is not an http or https URL such as 'https://news.example'")
    return _text(value)


def _permalink(value: Any) -> str:
    if unknown := unknown_placeholders(_text(value)):
        known = ", ".join(f":{name}" for name in PLACEHOLDERS)
        raise InvalidValueError(f"contains {unknown[0]}, which is not one of {known}")
    return _text(value)


def _time_zone(value: Any) -> str:
    try:
        return ZoneInfo(_text(value)).key
    except (ValueError, OSError, KeyError) as error:  # ZoneInfoNotFoundError is a KeyError
        raise InvalidValueError("is not a time zone such as 'Europe/Berlin'") from error


_LANGUAGE = re.compile(r"[A-Za-z]{2,8}(?:-[A-Za-z0-9]{1,8})*")
_DOMAIN = re.compile(r"[a-z0-9-]+(?:\.[a-z0-9-]+)*", re.IGNORECASE)


def _language(value: Any) -> str:
    if not _LANGUAGE.fullmatch(_text(value)):
        raise InvalidValueError("is not a language tag such as 'en' or 'pt-BR'")
    return _text(value).lower()


def _domain(value: Any) -> str:
    if not _DOMAIN.fullmatch(_text(value)):
        raise InvalidValueError("is not a domain such as 'news.example'")
    return _text(value).lower()


def _path(value: Any) -> tuple[str, ...]:
    parts = tuple(_text(value).split("."))
    if not all(parts):
        raise InvalidValueError("is not a key such as 'sponsor' or 'params.sponsor'")
    return parts


def _key_list(value: Any) -> tuple[str, ...]:
    keys = value if isinstance(value, list) else [value]
    if not keys:
        raise InvalidValueError("must have a key")
    return tuple(".".join(_path(key)) for key in keys)


def _field_type(value: Any) -> tuple[FieldType, bool]:
    is_list = isinstance(value, list)
    items = value if is_list else [value]
    if len(items) != 1:
        raise InvalidValueError('of a list has one type, such as ["String"]')
    return FieldType(_one_of(*FieldType)(items[0])), is_list


KEYS = (
    Key(
        "preset",
        _one_of(*PRESETS),
        "The site generator whose conventions hold: one of the [presets](content.md#sites).",
        'preset = "hugo"',
    ),
    Key(
        "base-url",
        _base_url,
        "The base URL of the articles' addresses, and of relative URLs.",
        'base-url = "https://news.example"',
    ),
    Key(
        "permalink",
        _permalink,
        "The address of every article, with the [placeholders](content.md#sites) of Hugo and Jekyll.",
        'permalink = "/:year/:month/:slug/"',
    ),
    Key(
        "time-zone",
        _time_zone,
        "The time zone of dates without one, in mapped files and in custom fields.",
        'time-zone = "Europe/Berlin"',
    ),
    Key(
        "language",
        _language,
        "The language of mapped files that name none, and are in no folder of another language.",
        'language = "en"',
    ),
)
PROVIDER_KEYS = (
    Key("name", _text, "The name of the provider of the site's articles.", 'name = "The Example"'),
    Key("domain", _domain, "The domain of the provider.", 'domain = "news.example"'),
)
FIELD_KEYS = (
    Key(
        "type",
        _field_type,
        "The type of its values: `String` (the default), `Int`, `Float`, `Boolean`, `Date`, `DateTime`, "
        "`URL`, `JSON`, or a list of one of these.",
        'type = ["String"]',
    ),
    Key(
        "key",
        _path,
        "Its key in the front matter, `a.b` for the key `b` in the mapping `a`. By default the field's name.",
        'key = "params.sponsor"',
    ),
    Key(
        "description",
        _text,
        "What the schema says about it. By default the key.",
        'description = "Who paid for it."',
    ),
    Key("filter", _flag, "`ArticleFilter` has it too. Not for `JSON`.", "filter = true"),
    Key("order", _flag, "`ArticleOrderField` has it too. Not for lists and `JSON`.", "order = true"),
    Key("facet", _flag, "`facets` has it too. Not for `JSON`, `Float` and `DateTime`.", "facet = true"),
    Key(
        "visible-to",
        _one_of("everyone", "editors"),
        "For `everyone` (the default), or for [`editors`](#who-sees-a-field) only.",
        'visible-to = "editors"',
    ),
    Key(
        "required",
        _flag,
        "An article without a valid value is an error, and is not served.",
        "required = true",
    ),
)
_TABLES = ("provider", "keys", "fields")


# Reading.


@dataclass(slots=True)
class ConfigReader:
    """Reader of one file."""

    text: str
    mistakes: list[OffsetDiagnostic] = field(default_factory=list)

    def read(self) -> ContentConfig | None:
        """Return the configuration; None if there are mistakes."""
        try:
            tree, _ = parse_toml(self.text)
        except FrontMatterSyntaxError as error:
            message = error.diagnostic.message.replace("The front matter is", "The file is")
            self.mistakes.append(replace(error.diagnostic, message=message))
            return None
        values: dict[str, Any] = to_plain(tree)
        top = {key: value for key, value in values.items() if key not in _TABLES}
        plain = self._read_table(KEYS, top, (), others=_TABLES)
        provider = self._read_table(PROVIDER_KEYS, self._table(values, "provider"), ("provider",))
        keys = self._read_keys(self._table(values, "keys"))
        fields = tuple(self._read_fields(self._table(values, "fields")))
        if self.mistakes:
            return None
        overrides = SiteOverrides(
            preset=plain.get("preset"),
            permalink=plain.get("permalink"),
            provider_name=provider.get("name"),
            provider_domain=provider.get("domain"),
            time_zone=plain.get("time-zone"),
            language=plain.get("language"),
            keys=keys,
        )
        return ContentConfig(plain.get("base-url"), overrides, fields)

    def _table(self, values: Mapping[str, Any], name: str) -> Mapping[str, Any]:
        table = values.get(name, {})
        if isinstance(table, dict):
            return table
        self._report((name,), f"`{name}` must be a table: write `[{name}]` and its keys below it.")
        return {}

    def _read_table(
        self,
        keys: tuple[Key, ...],
        table: Mapping[str, Any],
        path: tuple[str, ...],
        others: tuple[str, ...] = (),
    ) -> dict[str, Any]:
        known = {key.name: key for key in keys}
        read: dict[str, Any] = {}
        for name, value in table.items():
            if name not in known:
                self._report_unknown((*path, name), (*known, *others))
                continue
            try:
                read[name] = known[name].read(value)
            except InvalidValueError as error:
                self._report((*path, name), f"`{name}` {error}.")
        return read

    def _read_keys(self, table: Mapping[str, Any]) -> tuple[tuple[str, tuple[str, ...]], ...]:
        names = (sources.field for sources in mapping.FIELDS if sources is not mapping.PUBLISHED)
        known = tuple(Key(name, _key_list, "", "") for name in names)
        return tuple(self._read_table(known, table, ("keys",)).items())

    # Fields.

    def _read_fields(self, table: Mapping[str, Any]) -> Iterator[CustomField]:
        if len(table) > MAX_FIELDS:
            self._report(
                ("fields",), f"There are {len(table)} fields, and {MAX_FIELDS} are allowed: remove some."
            )
            return
        taken: dict[str, str] = {}
        for name, value in table.items():
            path = ("fields", name)
            if not isinstance(value, dict):
                self._report(
                    path, f"`{name}` must be a table: write `[fields.{name}]` and its keys below it."
                )
                continue
            read = self._read_table(FIELD_KEYS, value, path)
            declared = _build_field(name, read)
            for problem in (*check_name(name, taken), *_check_uses(declared)):
                self._report(path, problem)
            taken.setdefault(declared.order_value, name)
            yield declared

    # Mistakes.

    def _report_unknown(self, path: tuple[str, ...], known: tuple[str, ...]) -> None:
        near = get_close_matches(path[-1], known, 1)
        advice = f"did you mean `{near[0]}`?" if near else f"known are {', '.join(known)}."
        self._report(path, f"`{'.'.join(path)}` is not a key of {OWN_CONFIG}: {advice}")

    def _report(self, path: tuple[str, ...], message: str) -> None:
        if len(self.mistakes) < MAX_MISTAKES:  # each one searches the file
            offset = _find_offset(self.text, path)
            self.mistakes.append(OffsetDiagnostic(offset, ProblemCode.BAD_CONFIG, message))


_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_NOT_ORDERED = frozenset({FieldType.JSON})
_NOT_COUNTED = frozenset({FieldType.JSON, FieldType.FLOAT, FieldType.DATE_TIME})


def _build_field(name: str, read: Mapping[str, Any]) -> CustomField:
    kind, is_list = read.get("type", (FieldType.STRING, False))
    return CustomField(
        name=name,
        type=kind,
        is_list=is_list,
        key=read.get("key", (name,)),
        description=read.get("description"),
        filter=read.get("filter", False),
        order=read.get("order", False),
        facet=read.get("facet", False),
        editor_only=read.get("visible-to") == "editors",
        required=read.get("required", False),
    )


def check_name(name: str, taken: Mapping[str, str]) -> Iterator[str]:
    """Yield why a field cannot have a name; `taken` are the names of others by their upper snake case."""
    if not _NAME.fullmatch(name) or name.startswith("__"):
        yield (
            f"`{name}` cannot be a field's name: use letters, digits and `_`, beginning with a letter, "
            "and give the key in the front matter as `key`."
        )
        return
    value = upper_snake_case(name)
    for type_name, names in RESERVED_NAMES.items():
        if (value if type_name == "ArticleOrderField" else name) in names:
            yield (
                f"`{name}` is a name of {type_name}: choose another, and give the key in the front "
                "matter as `key`."
            )
            return
    if value in taken:
        yield f"`{name}` and `{taken[value]}` would both be `{value}` in `ArticleOrderField`: rename one."


def _check_uses(declared: CustomField) -> Iterator[str]:
    kind = f"a list of `{declared.type}`" if declared.is_list else f"`{declared.type}`"
    if declared.filter and declared.type is FieldType.JSON:
        yield f"`{declared.name}` cannot have `filter`, because it is {kind}."
    if declared.order and (declared.is_list or declared.type in _NOT_ORDERED):
        yield f"`{declared.name}` cannot have `order`, because it is {kind}."
    if declared.facet and declared.type in _NOT_COUNTED:
        yield f"`{declared.name}` cannot have `facet`, because it is {kind}."


def _find_offset(text: str, path: tuple[str, ...]) -> int:
    """Return the offset of a key's line, or of the nearest table around it."""
    for depth in range(len(path), 0, -1):
        table, key = path[: depth - 1], path[depth - 1]
        header = re.search(rf"^[ \t]*\[{_toml_path(path[:depth])}\]", text, re.MULTILINE)
        if header:
            return header.end() - len(header[0].lstrip())
        start = 0
        if table:
            header = re.search(rf"^[ \t]*\[{_toml_path(table)}\]", text, re.MULTILINE)
            if header is None:
                continue
            start = header.end()
        end = re.compile(r"^[ \t]*\[", re.MULTILINE).search(text, start)
        line = re.compile(rf"^[ \t]*{_toml_path((key,))}[ \t]*[.=]", re.MULTILINE)
        if (found := line.search(text, start, end.start() if end else len(text))) is not None:
            return found.end() - len(found[0].lstrip())
    return 0


def _toml_path(path: tuple[str, ...]) -> str:
    """Return a pattern for a dotted key, each part with quotes or without."""
    return r"[ \t]*\.[ \t]*".join(rf"[ \t]*[\"']?{re.escape(part)}[\"']?[ \t]*" for part in path)
