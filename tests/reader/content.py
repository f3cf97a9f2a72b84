"""The folder that the tests serve: the example articles, an archive of several pages, and odd articles."""

import shutil
from pathlib import Path

EXAMPLES = Path(__file__).parents[2] / "examples" / "news"

ARCHIVE_SIZE = 45
"""Articles of the archive: with a page size of 20, the front page has four pages."""

ARTICLE = """\
---
title: "{title}"
publishedDateTime: {date}
webUrl: https://archive.example/{slug}
topics: [Archives]
provider: {{name: The Archive, domain: archive.example}}
---
{body}
"""

LONG_WORD = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft"

ODD = {
    # Everything that an article can do without, and a body that tries to load and to style.
    "odd/body": f"""\
---
title: The odd body
publishedDateTime: 2001-01-05T00:00:00Z
webUrl: https://odd.example/body
---
# The odd body

<iframe src="https://www.youtube.com/embed/abc" title="A film"></iframe>

| left | right |
|:-----|------:|
| a    | b     |

- [x] read
- [ ] written

![](https://images.example/missing.png)

[elsewhere](https://elsewhere.example/page), [below](#below)

```text
{LONG_WORD} {LONG_WORD}
```

# Below
""",
    # More authors than a page of their index.
    "odd/crowd": f"""\
---
title: A crowd
publishedDateTime: 2001-01-07T00:00:00Z
webUrl: https://odd.example/crowd
authors: {[f"Writer {number:03}" for number in range(120)]}
---
All of them.
""",
    # Markdown at each end of the passage that a search shows, and no URL by which a path would be a link.
    "odd/marks": """\
---
title: Marks
publishedDateTime: 2001-01-06T00:00:00Z
webUrl: /odd/marks
---
### A heading

The [quokka](https://quokka.example/quokka) is *small*, **round** and `brown`.

| Island | Count |
|--------|-------|
| Rottnest | many |

[elsewhere](https://elsewhere.example/), [nowhere](/blog/other)
""",
    "odd/rtl": """\
---
title: "نفق الميناء يفتح أبوابه"
excerpt: "عند السادسة صباحا أضيئت المصابيح."
language: ar
publishedDateTime: 2001-01-04T00:00:00Z
webUrl: https://odd.example/rtl
---
ركبنا مع خباز.

An English paragraph.
""",
    "odd/long": f"""\
---
title: "{LONG_WORD} {LONG_WORD} and a headline that goes on for longer than anybody would think it should"
excerpt: "{LONG_WORD}"
publishedDateTime: 2001-01-03T00:00:00Z
webUrl: https://odd.example/long
authors: ["{LONG_WORD}"]
topics: ["{LONG_WORD}"]
---
{LONG_WORD}
""",
    "odd/100% of it, “quoted” & more?": """\
---
title: An odd slug
publishedDateTime: 2001-01-02T00:00:00Z
webUrl: https://odd.example/slug
---
""",
}


def write_content(folder: Path) -> Path:
    """Write the folder and return it."""
    shutil.copytree(EXAMPLES, folder)
    for number in range(ARCHIVE_SIZE):
        write_article(
            folder, f"archive/{number:02}", f"From the archive: {number}", f"2010-01-{1 + number % 28:02}"
        )
    for slug, text in ODD.items():
        path = folder / f"{slug}.md"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, "utf-8")
    return folder


def write_article(folder: Path, slug: str, title: str, date: str, body: str = "A body.") -> None:
    """Save an article, as an editor would."""
    path = folder / f"{slug}.md"
    path.parent.mkdir(exist_ok=True)
    path.write_text(ARTICLE.format(title=title, date=date, slug=slug, body=body), "utf-8")
