"""Compare the program's responses with the oracle's."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from .document import Operation
from .engine import Oracle
from .lessons import lessons
from .markers import Marker, Registry
from .matching import matches
from .probe import Ask, Probe
from .values import ORDERS, OrderBy
from .world import Audience, World

SHOWN = 10  # differences that are printed
REJECTION_CODES = frozenset(
    {"BAD_PAGE", "BAD_CURSOR", "BAD_DATE", "BAD_DURATION", "BAD_VERSION", "VERSION_TOO_OLD"}
    | {"TOO_MANY_INTERVALS", "TOO_DEEP", "TOO_WIDE", "FORBIDDEN"}
)


def check(ask: Ask, oracle: Oracle, world: World, operation: Operation) -> None:
    """Raise AssertionError, with the path of every difference, if the response is not the oracle's."""
    probe = Probe(ask, world)
    expected = oracle.execute(world, *operation, similar=probe.similar)
    actual = ask(operation.document, operation.variables, operation.name, world.audience)
    if exceeds_similar_limit(operation, actual):
        return
    found = list(differences(expected, actual, oracle.registry))
    if found:  # time has passed: a date may have left the requested range
        expected = oracle.execute(world, *operation, similar=probe.similar)
        found = list(differences(expected, actual, oracle.registry))
    found += probe.faults
    if found:
        raise AssertionError(report(found, operation, world.audience))


def exceeds_similar_limit(operation: Operation, actual: Mapping[str, Any]) -> bool:
    """Whether the program's limit on `similar`, which is tested elsewhere, rejected the request."""
    errors = [error_line(error) for error in actual.get("errors") or ()]
    return "data" not in actual and "similar" in operation.document and errors[0].endswith("TOO_WIDE")


def learn_cursors(ask: Ask, oracle: Oracle, world: World, orders: Sequence[OrderBy] = ORDERS) -> None:
    """Query pages of every list in these orders, check them, and register their cursors."""
    for operation in lessons(oracle.schema, world, orders):
        check(ask, oracle, world, operation)


def differences(expected: Mapping[str, Any], actual: Mapping[str, Any], registry: Registry) -> Iterator[str]:
    """Yield the differences between two responses, one per line."""
    if "undetermined" in expected:
        return
    if any(not [*differences(other, actual, registry)] for other in expected.get("or", ())):
        return
    if ("data" in expected) != ("data" in actual):
        yield f"data: {presence(expected, 'data')}, but is {presence(actual, 'data')}: {short(actual)}"
    elif "data" in expected:
        yield from compare(expected["data"], actual["data"], registry, "data")
    wanted, given = error_lines(expected), error_lines(actual)
    if wanted != given:
        yield f"errors: should be {wanted}, but are {given}: {short(actual.get('errors'))}"


def presence(answer: Mapping[str, Any], key: str) -> str:
    return "there" if key in answer else "absent"


def error_lines(answer: Mapping[str, Any]) -> list[str]:
    return sorted(error_line(error) for error in answer.get("errors") or [])


def error_line(error: Mapping[str, Any]) -> str:
    """Return what the contract fixes of an error: its path, and its code if the request was rejected."""
    code = error.get("extensions", {}).get("code", "")
    refused = code if code in REJECTION_CODES else ""
    return f"{'.'.join(map(str, error.get('path') or ()))} {refused}".strip()


def compare(expected: Any, actual: Any, registry: Registry, path: str = "") -> Iterator[str]:
    """Yield the differences between two values, including key order; cursors must map one to one."""
    if isinstance(expected, Marker):
        if not matches(expected, actual, registry):
            yield f"{path}: should be {expected}, but is {short(actual)}"
    elif isinstance(expected, dict) and isinstance(actual, dict):
        if list(expected) != list(actual):
            yield f"{path}: should have the keys {list(expected)}, but has {list(actual)}"
        for key in expected.keys() & actual.keys():
            yield from compare(expected[key], actual[key], registry, f"{path}.{key}")
    elif isinstance(expected, list) and isinstance(actual, list):
        if len(expected) != len(actual):
            yield f"{path}: should have {len(expected)} elements, but has {len(actual)}"
        for position, (one, other) in enumerate(zip(expected, actual, strict=False)):
            yield from compare(one, other, registry, f"{path}[{position}]")
    elif type(expected) is not type(actual) or expected != actual:
        yield f"{path}: should be {short(expected)}, but is {short(actual)}"


def short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, default=repr)
    return text if len(text) <= 300 else f"{text[:300]}…"


def report(found: list[str], operation: Operation, audience: Audience) -> str:
    lines = [f"{len(found)} differences, for {audience}:", *found[:SHOWN], "", operation.document]
    lines.append(f"variables: {short(operation.variables)}, operation: {operation.name}")
    return "\n".join(lines)
