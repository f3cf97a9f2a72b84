"""Positions in front matter of block style."""

from typing import Any

import pytest
import yaml

from gqlnews.content.diagnostics import FieldPath
from gqlnews.content.yaml_positions import OffsetUnknown, find_offset

FRONT = """
title: A
# note
provider:

  name: "N"
  images:
    - width: 5
      url: /1.jpg
topics:
- AI
- 'ML'
related:
  - title: B
    webUrl: /b
    images:
    - url: /2.jpg
  -   webUrl: /c
"""


@pytest.mark.parametrize(
    ("place", "begins"),
    [
        (("title",), "A\n"),
        (("provider",), "name:"),
        (("provider", "name"), '"N"'),
        (("provider", "images"), "- width"),
        (("provider", "images", 0), "width: 5"),
        (("provider", "images", 0, "url"), "/1.jpg"),
        (("topics", 0), "AI"),
        (("topics", 1), "'ML'"),
        (("related", 0, "webUrl"), "/b"),
        (("related", 0, "images", 0, "url"), "/2.jpg"),
        (("related", 1), "webUrl: /c"),
        (("related", 1, "webUrl"), "/c"),
    ],
)
def test_the_offset_of_a_value_is_found(place: FieldPath, begins: str) -> None:
    assert FRONT[find_offset(FRONT, yaml.safe_load(FRONT), place) :].startswith(begins)


@pytest.mark.parametrize(
    ("front", "place"),
    [
        ("\ntopics: [AI]\n", ("topics", 0)),
        ("\nprovider: {name: A}\n", ("provider", "name")),
        ("\n'title': A\n", ("title",)),
        ("\ntitle:\n  A\n", ("title",)),
        ("\ntitle: &a A\n", ("title",)),
        ("\ntitle: !!str A\n", ("title",)),
        ('\ntitle: "\\x41"\n', ("title",)),
        ("\ntitle: |\n  A\n", ("title",)),
        ("\ntopics:\n- 'A\n- B'\n", ("topics", 0)),
        ("\nexcerpt: 'x\ntitle: y'\ntitle: A\n", ("title",)),
        ("\n{title: A}\n", ("title",)),
        ("\ntopics:\n-\n  A\n- B\n", ("topics", 1)),
        ("\nrelated:\n- {title: A}\n", ("related", 0, "title")),
    ],
)
def test_the_offset_in_any_other_style_is_unknown(front: str, place: FieldPath) -> None:
    values: dict[str, Any] = yaml.safe_load(front)
    with pytest.raises(OffsetUnknown):
        find_offset(front, values, place)
