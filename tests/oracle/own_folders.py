"""Small folders of native and mapped files in YAML, TOML and JSON, with own fields in many spellings."""

from __future__ import annotations

import json
import os
import random
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from . import folders
from .fields import KNOWN
from .own_fields import CONFIG, Declared, OwnField, read_declared
from .yaml_text import Plain, Value, block, flow, quoted_key

TEXTS: tuple[Any, ...] = (
    *("gold", "silver", "Gold", "éclair", "eclair", "Fish &amp; chips&#8217;", " blanks ", "", "😀", "a\nb"),
    *(Plain("plain words"), Plain("2024"), Plain("1.10"), Plain("on"), Plain("12:30:45"), 5, True, "gold"),
)
DATES: tuple[Any, ...] = (
    *folders.DATES,
    *map(Plain, folders.DATES),
    *("2020-10-25T02:30:00", "2020-03-29T02:30", Plain("2020-05-05"), "2020-05-06", "2020-02-30", "soon"),
)
SPELLINGS: dict[str, tuple[Any, ...]] = {
    "String": TEXTS,
    "Int": (
        *(0, -1, 7, 7, 36, 2147483647, -2147483648, "36", "+5", Plain("+5"), Plain("007"), 2147483648),
        *(1.5, "many", Plain("0x1F"), Plain("1_000"), "", True),
    ),
    "Float": (
        *(0.5, -1.5, 2, 2.0, 1e-7, 1e300, 123456789.125, "2.5", Plain("1e3"), Plain(".5"), Plain("1.")),
        *(Plain(".inf"), Plain("-.INF"), Plain(".nan"), "NaN", "inf", "Infinity", Plain("1e400"), "much"),
    ),
    "Boolean": (
        *(True, False, *map(Plain, ("yes", "No", "on", "OFF", "TRUE", "y", "maybe")), "true", "yes", "off"),
        *(1, 0, "maybe", ""),
    ),
    "Date": DATES,
    "DateTime": DATES,
    "URL": (
        *("https://a.example/x?a=1&amp;b=2", "/rel/1", "rel#x", "//b.example/c", "mailto:x@y.example"),
        *("javascript:alert(1)", " JavaScript:x", "data:text/html,x", "ftp://x/y", " ", "", 5),
    ),
    "JSON": (
        *({"a": [1, {"b": None}], "ä": "&amp;"}, [1, "x", [True]], "text", 1, 1.5, True, "", {}, []),
        *(Plain("2020-01-01"), Plain("yes"), {"deep": {"rating": 5}}),
    ),
}
BYLINES: tuple[Value, ...] = (
    "Ann Lee",
    ["Ann Lee", "José Núñez"],
    ["Jose Nunez"],
    ["Only Mapped", "ann lee"],
)
EVERY = tuple(value for each in SPELLINGS.values() for value in each)
DATE = re.compile(r"\d{4}-\d\d-\d\d(?:T\d\d:\d\d:\d\d(?:Z|[+-]\d\d:\d\d)?)?")  # as TOML


def write_own_folder(path: Path, config: str, seed: int, articles: int = 24) -> Declared:
    """Write the configuration and `articles` files to the new folder `path`; return what it declares."""
    path.mkdir(parents=True)
    (path / CONFIG).write_text(config, encoding="utf-8")
    declared = read_declared(path)
    dice = random.Random(seed)  # noqa: S311 - a repeatable folder, no secret
    native = [folders.article(dice, number) for number in range(articles)]
    urls = [[value for key, value in keys.items() if key in folders.URL_KEYS] for keys in native]
    for number, keys in enumerate(native):
        kind = dice.choice(("native", "native", "yaml", "toml", "json"))
        if kind != "native":
            keys = plain_keys(dice, number)  # noqa: PLW2901
        elif dice.random() < 0.3:
            keys["related"] = [folders.entry(dice, number, urls) for _ in range(dice.randrange(4))]
        for field in declared.fields:
            add_value(dice, keys, field)
        file = path / f"{dice.choice(('', 'in/'))}story-{number}.md"
        file.parent.mkdir(exist_ok=True)
        file.write_text(file_text(kind, keys, dice.choice((None, "Some words.\n"))), encoding="utf-8")
        modified = folders.MODIFIED[number % len(folders.MODIFIED)]
        os.utime(file, (modified, modified))
    return declared


def plain_keys(dice: random.Random, number: int) -> dict[str, Value]:
    """Return keys of a file that means the same as a native and as a mapped one."""
    date_key = dice.choice(("date", "publishedDateTime"))
    keys: dict[str, Value] = {
        "title": f"Plain {number % 5}",
        date_key: f"2021-0{number % 9 + 1}-15T13:00:00Z",
        "webUrl": f"https://news.example/plain/{number}",
        "excerpt": "Short.",
        "provider": {"domain": "one.example", "name": "One"},
        "type": dice.choice(("article", "video")),
        "quality": dice.randrange(50),
        "published": dice.random() < 0.7,
        "other": [1, "x"],
        "authors": dice.choice(BYLINES),
        "translationKey": dice.choice(folders.TRANSLATION_KEYS),
    }
    if date_key == "publishedDateTime":  # a mapped file has other keys for them
        keys["language"] = dice.choice(folders.LANGUAGES)
        keys["modifiedDateTime"] = dice.choice(folders.MODIFIED_DATES)
    return keys | {"topics": ["AI"]} if dice.random() < 0.5 else keys


def add_value(dice: random.Random, keys: dict[str, Value], field: OwnField) -> None:
    """Add a value for the field, except to keys of gqlnews and below values that are no mapping."""
    if field.key[0] in KNOWN or dice.random() < 0.15:
        return
    table: Any = keys
    for part in field.key[:-1]:
        table = table.setdefault(part, {})
        if not isinstance(table, dict):
            return
    table.setdefault(field.key[-1], new_value(dice, field))


def new_value(dice: random.Random, field: OwnField) -> Value:
    def one() -> Value:
        found: Value = dice.choice(EVERY if dice.random() < 0.1 else SPELLINGS[field.type])
        return found

    several = dice.random() < (0.75 if field.is_list else 0.05)
    if several:
        items = [one() for _ in range(dice.choice((0, 1, 2, 3, 5)))]
        return [*items, None, *items[:1]] if dice.random() < 0.2 else items
    return None if dice.random() < 0.05 else one()


# Formats.


def file_text(kind: str, keys: dict[str, Value], body: str | None) -> str:
    if kind == "json":
        return f"{json.dumps(json_value(keys), ensure_ascii=False, indent=1)}\n{body or ''}"
    if kind == "toml":
        lines = [f"{json.dumps(key, ensure_ascii=False)} = {toml(value)}" for key, value in keys.items()]
        lines = [line for line in lines if not line.endswith(" = ")]
        return "\n".join(["+++", *lines, "+++", body or ""])
    if kind == "yaml":
        lines = [f"{quoted_key(key)}: {yaml_flow(value)}" for key, value in keys.items()]
        return "\n".join(["---", *lines, "---", body or ""])
    return f"---\n{block(keys, 0)}---\n{body or ''}"


def json_value(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: json_value(item) for key, item in value.items()}
    if isinstance(value, list):
        return [json_value(item) for item in value]
    return value.text if isinstance(value, Plain) else value


def yaml_flow(value: Any) -> str:
    """Format a value in flow style."""
    if isinstance(value, dict):
        return enclosed("{}", [f"{quoted_key(key)}: {yaml_flow(item)}" for key, item in value.items()])
    if isinstance(value, list):
        return enclosed("[]", [yaml_flow(item) for item in value])
    return flow(value)


def toml(value: Any) -> str:
    """Format a value; nothing for null, which TOML does not have."""
    if isinstance(value, dict):
        pairs = ((json.dumps(key, ensure_ascii=False), toml(item)) for key, item in value.items())
        return enclosed("{}", [f"{key} = {text}" for key, text in pairs if text])
    if isinstance(value, list):
        return enclosed("[]", [text for text in map(toml, value) if text])
    if isinstance(value, Plain):
        is_date = DATE.fullmatch(value.text)
        return value.text if is_date else json.dumps(value.text)
    return "" if value is None else json.dumps(value, ensure_ascii=False)


def enclosed(brackets: str, items: Sequence[str]) -> str:
    return f"{brackets[0]}{', '.join(items)}{brackets[1]}"
