"""Nodes of plain values: the nodes of the strict parser, or none at all."""

import gc
from typing import Any

import pytest
import yaml

from gqlnews.content.front_matter import to_plain
from gqlnews.content.models import ParseOptions
from gqlnews.content.parse_file import parse_article
from gqlnews.content.plain_nodes import PlainTree, SourceUnknown
from gqlnews.content.yaml_positions import OffsetUnknown
from gqlnews.content.yaml_strict import Mapping, Node, Scalar, Sequence, parse_tree
from tests.content.sites import site

FRONT = """
title: A title
weight: 5
draft: false
summary:
image:
  src: a.png
  width: 640
tags:
- AI
- 'Big News'
"""


def tree_of(front: str) -> tuple[PlainTree, Mapping]:
    values: dict[str, Any] = yaml.safe_load(front)
    tree = PlainTree(front, values)
    return tree, tree.root()


def same(node: Node, other: Node) -> bool:
    """Return whether two nodes are equal, apart from quotes and offsets."""
    match node, other:
        case Mapping(), Mapping():
            return list(node.items) == list(other.items) and all(
                same(below, other.items[key]) for key, below in node.items.items()
            )
        case Sequence(), Sequence():
            return len(node.items) == len(other.items) and all(map(same, node.items, other.items))
        case Scalar(), Scalar():
            return node.text == other.text
        case _:
            return False


def test_the_nodes_are_those_of_the_strict_parser() -> None:
    _, root = tree_of(FRONT)
    strict, _ = parse_tree(FRONT)
    assert strict is not None
    assert same(root, strict)
    assert to_plain(root) == to_plain(strict)


def test_the_offset_of_a_node_is_found_when_it_is_needed() -> None:
    tree, root = tree_of(FRONT)
    tags = root.items["tags"]
    assert isinstance(tags, Sequence)
    strict, _ = parse_tree(FRONT)
    assert isinstance(strict, Mapping)
    for key in ("title", "weight", "draft", "image", "tags"):
        assert tree.find_offset(root.items[key].offset) == strict.items[key].offset
    assert FRONT.startswith("'Big News'", tree.find_offset(tags.items[1].offset))
    with pytest.raises(OffsetUnknown):
        tree.find_offset(root.items["summary"].offset)


def test_items_are_converted_once() -> None:
    _, root = tree_of(FRONT)
    assert root.items["image"] is root.items["image"]


@pytest.mark.parametrize(
    "lines",
    [
        *("a: 1.5", "a: 'no'", "1: a", "a: True", "a:  True # note", "a: 99999999999999999999"),
        "a:\n  b: true\nc: A True Story",
    ],
)
def test_a_value_whose_source_may_differ_is_refused(lines: str) -> None:
    _, root = tree_of(f"\n{lines}\n")
    with pytest.raises(SourceUnknown):
        to_plain(root)


@pytest.mark.parametrize("item", ["15", "true", "1.5"])
def test_a_number_in_a_list_is_refused_when_the_list_is_read(item: str) -> None:
    _, root = tree_of(f"\na:\n- {item}\n")
    items = root.items["a"]
    with pytest.raises(SourceUnknown):
        _ = items.items if isinstance(items, Sequence) else None


def test_parsing_leaves_no_reference_cycles() -> None:
    """Parser processes run without a garbage collector."""
    data = f"---{FRONT}date: 2021-04-15\nlink: https://a.org/?a&amp;b\n---\n".encode()
    options = ParseOptions(sites=(site("hugo", {}, roots=("",)),), now_ns=0)
    parse_article("a.md", data, options)
    gc.collect()
    gc.disable()
    try:
        article, problems = parse_article("a.md", data, options)
        assert article is not None
        assert [problem.code for problem in problems] == ["escaped-url"]
        assert gc.collect() == 0
    finally:
        gc.enable()
