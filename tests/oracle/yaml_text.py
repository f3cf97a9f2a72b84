"""Content files as text: front matter in block style with quoted strings, and a body."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any, TypeAlias

Value: TypeAlias = "str | int | bool | Plain | list[Value] | dict[str, Value] | None"


@dataclass(frozen=True)
class Plain:
    """An unquoted scalar."""

    text: str


def file_bytes(dice: random.Random, keys: dict[str, Value], body: str | None) -> bytes:
    text = f"---\n{block(keys, 0)}---\n{body or ''}"
    if dice.random() < 0.1:
        text = text.replace("\n", "\r\n") if body is None else text
    mark = b"\xef\xbb\xbf" if dice.random() < 0.1 else b""
    return mark + text.encode()


def block(keys: dict[str, Value], indent: int) -> str:
    """Format a mapping in block style."""
    blanks = " " * indent
    return "".join(f"{blanks}{quoted_key(key)}:{below(value, indent + 2)}" for key, value in keys.items())


def below(value: Any, indent: int) -> str:
    """Format a key's value with its line end."""
    if isinstance(value, dict) and value:
        return f"\n{block(value, indent)}"
    if isinstance(value, list) and value:
        return "\n" + "".join(f"{' ' * indent}-{item(one, indent + 2)}" for one in value)
    return f" {flow(value)}\n"


def item(value: Any, indent: int) -> str:
    """Format a list item: a mapping begins on the line of its dash."""
    if isinstance(value, dict) and value:
        return " " + block(value, indent).lstrip(" ")
    return f" {flow(value)}\n"


def flow(value: Any) -> str:
    if isinstance(value, Plain):
        return value.text
    if isinstance(value, str):
        return quoted(value)
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    return "[]" if value == [] else "{}" if value == {} else str(value)


def quoted_key(key: str) -> str:
    return key if key.isascii() else quoted(key)


def quoted(text: str) -> str:
    """Format a double-quoted scalar; whatever YAML 1.1 and 1.2 read differently is escaped."""
    return '"' + "".join(escaped(letter) for letter in text) + '"'


def escaped(letter: str) -> str:
    if letter in '"\\':
        return "\\" + letter
    if letter.isprintable() or letter == "\u200d":
        return letter
    return f"\\x{ord(letter):02x}" if ord(letter) < 256 else f"\\u{ord(letter):04x}"
