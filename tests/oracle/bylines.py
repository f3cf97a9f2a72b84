"""Values of `authors` in front matter, in every shape, for small content folders."""

from __future__ import annotations

import random

from .yaml_text import Plain, Value

NAMES: tuple[tuple[Value, ...], ...] = (  # names in a row have the same slug
    ("Ann Lee", "ann lee", "Ann-Lee", "ANN LEE", " Ann Lee "),
    ("José Núñez", "Jose Nunez", "Jos&eacute; N&uacute;&ntilde;ez", "José  Núñez"),
    ("李明", "&#26446;明"),
    ("Bits & Bytes", "Bits &amp; Bytes"),
    ("Mx. C++", "mx c++"),
    ("Smith, Jones and Co",),
    ("😀",),
    ("2024", Plain("2024")),
    (Plain("Only Plain"), "Only plain"),
)
UNPUBLISHED = "Nobody Yet"  # only in unpublished articles
SLUGS = ("ann-lee", "Ann_Lee", "jose-nunez", "the-editor", "李明")
URLS = (
    *("https://people.example/ann?a=1&amp;b=2", "/people/ann", "ann", "mailto:ann@people.example"),
    *("javascript:alert(1)", "", None),
)
IMAGES: tuple[Value, ...] = (
    "https://img.example/ann.jpg",
    "/img/ann.png?a&amp;b",
    "ann.jpg",
    "data:text/html,x",
    None,
    {"url": "https://img.example/ann.webp", "width": 64, "title": "Ann &amp; Co", "alt": " a face "},
    {"width": 64},
)
WITHOUT_NAME: tuple[Value, ...] = (None, "", " \t", {"bio": "Without a name."}, {"name": ""})
BIOS = ("Writes about words.", "Two\nlines", "日本語 😀", None)


def byline(dice: random.Random) -> Value:
    """Return a name, a mapping, or a list of these, in which some are repeated, blank or null."""
    count = dice.choice((1, 1, 2, 2, 3, 5, 0))
    items = [one_author(dice) for _ in range(count)]
    if dice.random() < 0.2:
        items += items[:1]
    if dice.random() < 0.1:
        items.insert(0, dice.choice(WITHOUT_NAME))
    return items[0] if len(items) == 1 and dice.random() < 0.5 else items


def one_author(dice: random.Random) -> Value:
    name = dice.choice(dice.choice((*NAMES[:3], *NAMES)))
    if dice.random() < 0.6:
        return name
    choices: dict[str, Value] = {
        "slug": dice.choice(SLUGS),
        "url": dice.choice(URLS),
        "image": dice.choice(IMAGES),
        "bio": dice.choice(BIOS),
    }
    return {"name": name, **{key: value for key, value in choices.items() if dice.random() < 0.4}}
