"""Small content folders, valid but unusual: the same folder for the same seed."""

from __future__ import annotations

import os
import random
from pathlib import Path

from .bylines import UNPUBLISHED, byline
from .fields import FALSE
from .yaml_text import Plain, Value, file_bytes

TITLES = (
    "Plain words",
    "He said \"no\" and 'yes'",
    "back\\slash \\n \\u0041 \\\\",
    "line\u2028separator\u2029and\u0085next",
    "control \u0001\u0007\u001b\u007f end",
    "emoji 😀 and 👩‍👩‍👧 family",
    "tab\tand\nnew line\r\nand return",
    "combining e\u0301 and é, \ufeff too",
    "</script><b>&amp; &lt;",
    "日本語 العربية ελληνικά",
    "{ query } $v1 @skip ' ; -- %s ? :name",
    " blanks around ",
    "&nbsp;Fish &amp;amp; chips&#8217; R&D &copy &nosuch;",
)
PLAIN_TITLES = ("2024", "1.10", "on", "12:30:45", "No", "0x1F", "1e3", "2020-01-02", "true")
EXCERPTS = (
    *("", "Short.", "Two\nlines of it", "“Curly” — and … \u00a0 blank", None),
    *("&ldquo;Quoted&rdquo; &lt;b&gt; &#x263A;", "\u3000 \n"),
)
DATES = (
    "2020-05-05T05:05:05Z",
    "2020-05-05T05:05:05.0Z",
    "2020-05-05T07:05:05+02:00",
    "2020-05-05 05:05:05",
    "2020-05-05T05:05:05.000000001Z",
    "2020-05-05T05:05:05.5Z",
    "2020-05-05T05:05:05.123456789Z",
    "2020-05-05T05:05:04.999999999Z",
    "2020-05-05T05:05",
    "2020-05-05",
    "2020-05-04T22:00:00-02:00",
    "1969-12-31T23:59:59.75Z",
    "2101-02-03T04:05:06Z",
)
MODIFIED_DATES: tuple[Value, ...] = (
    *DATES,
    *map(Plain, ("2020-05-05", "2021-01-02T03:04:05.60Z", "2021-01-02 03:04")),
    *("2020-02-30", "soon", "0001-01-01T00:00:00+01:00", "", None),
    ["2020-05-05"],
    {"on": "2020-05-05"},
)
LANGUAGES: tuple[Value, ...] = (
    *("en", "en", "EN", "de", "en-GB", "en_GB", "zh_Hans_CN", " De-AT ", "", " \t", None),
    *map(Plain, ("en", "no", "NO", "on")),
)
FOLDERS = ("", "", "", "2020/", "2020/05/", "Ä b/", "a.b/", "world/", "world/asia-pacific/", "world/a/b_c/")
HIDDEN = "hidden/deep/"  # only unpublished articles
TRANSLATION_KEYS: tuple[Value, ...] = ("launch", "launch", "party", "Ünï ☃", Plain("2024"), "2024", "", None)
WEB_URLS = (
    "https://news.example",
    "https://news.example/",
    "https://news.example?a=/b",
    "https://news.example/?a=/b#/c",
    "HTTPS://news.example:8080/x//y/",
    "//news.example/ü#top",
)
DOMAINS = {
    "one.example": ("One",),
    "many.example": ("Many", "The Many", "Many on Two"),
    "ünï.example": ('Ünï "quoted"',),
    "listed.example": ("Only Listed",),
    "nameless.example": (None,),
}
TOPICS = (
    ("Computer Vision", "computer vision", "Computer-Vision"),
    ("AI",),
    ("日本",),
    ("C++ & C#",),
    ("C++", "c++"),
    ("Économie", "economie", "E\u0301conomie &amp;"),
    ("हिन्दी समाचार",),
    ("😀",),
)
URL_KEYS = frozenset(
    {"webUrl", "originalUrl", "sourceUrl", "ampWebUrl", "ampUrl", "cdnAmpWebUrl", "cdnAmpUrl"}
)
BODIES = (
    None,
    "One line.\n",
    "\n\n# Heading\n\nText with `code` and *stress*.\n\n## Heading\n\n- a\n- b\n\n",
    "---\n\nA rule first, and a rule last.\n\n---\n",
    "人工智能、改变 the world。" * 60 + "\n\nสวัสดี\n",
    "word " * 240 + "over",
    "word " * 239 + "exact",
    "    indented code\n\n😀 <script>alert(1)</script> [link](https://x.example/)\n",
)
MODIFIED = (1_577_836_800, 1_577_836_801, 1_600_000_000, 1_700_000_000)  # whole seconds, for any file system


def write_folder(path: Path, seed: int, articles: int) -> Path:
    """Write `articles` articles to the new folder `path`, and return it."""
    dice = random.Random(seed)  # noqa: S311 - a repeatable folder, no secret
    written = [article(dice, number) for number in range(articles)]
    urls = [[value for key, value in keys.items() if key in URL_KEYS] for keys in written]
    for number, keys in enumerate(written):
        if dice.random() < 0.8:
            keys["related"] = [entry(dice, number, urls) for _ in range(dice.choice((0, 1, 2, 3, 5, 12)))]
        file = path / (slug_of(dice, number, keys) + dice.choice((".md", ".md", ".markdown")))
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(file_bytes(dice, keys, dice.choice(BODIES)))
        modified = MODIFIED[number % len(MODIFIED)]
        os.utime(file, (modified, modified))
    write_passed_over(path)
    return path


def slug_of(dice: random.Random, number: int, keys: dict[str, Value]) -> str:
    """Return a unique slug; some are nested or have spaces, dots or non-ASCII letters."""
    folder = dice.choice(FOLDERS)
    if is_hidden(keys) and dice.random() < 0.2:
        folder = HIDDEN
    return f"{folder}{dice.choice(('story', 'Story', 'news.v1', 'ñandú', 'x y', '😀'))}-{number}"


def article(dice: random.Random, number: int) -> dict[str, Value]:
    """Return front matter without `related`. Numbers 0 and 1 are published, the oldest and the newest."""
    keys: dict[str, Value] = {"title": title(dice)}
    keys["publishedDateTime"] = {0: "1950-01-01T00:00:00Z", 1: "2150-01-01T00:00:00.250Z"}.get(
        number, dice.choice(DATES)
    )
    keys |= some_urls(dice, url_number(dice, number))
    keys |= optional(dice)
    if number < 2:
        keys["published"] = True
    elif dice.random() < 0.7:
        keys["published"] = Plain(dice.choice(("true", "false", "no", "Off", "YES", "FALSE", "on")))
    if is_hidden(keys) and dice.random() < 0.2:
        keys["authors"] = [UNPUBLISHED, "Ann Lee"]
    return keys


def is_hidden(keys: dict[str, Value]) -> bool:
    return keys.get("published") in {Plain(text) for text in FALSE}


def title(dice: random.Random) -> Value:
    if dice.random() < 0.2:
        return Plain(dice.choice(PLAIN_TITLES))
    return f"{dice.choice(TITLES)}{dice.choice(('', ' again'))}"


def url_number(dice: random.Random, number: int) -> int:
    """Return the number in an article's URLs: its own, or that of one of the first articles."""
    return dice.randrange(min(number, 4)) if number and dice.random() < 0.35 else number


def url(kind: str, number: int) -> str:
    return f"https://news.example/{kind}/{number}?a=1&b=é"


def some_urls(dice: random.Random, number: int) -> dict[str, Value]:
    """Return URLs under new keys, old keys or both; some are HTML-escaped."""
    kind = dice.randrange(5)
    page, original = url("page", number), url("original", number)
    urls: dict[str, Value] = {}
    if kind in {0, 1, 4}:
        urls["webUrl"] = page
    if kind in {1, 2}:
        urls["originalUrl"] = original
    if kind in {3, 4}:
        urls["sourceUrl"] = original.replace("&", "&amp;")
    if dice.random() < 0.3:
        urls[dice.choice(("ampWebUrl", "ampUrl"))] = url("amp", number)
    if dice.random() < 0.3:
        urls[dice.choice(("cdnAmpWebUrl", "cdnAmpUrl"))] = url("cdn", number).replace("&", "&amp;")
    if dice.random() < 0.1:
        urls["webUrl"] = f"/relative/{number}"
    elif dice.random() < 0.1:
        urls["webUrl"] = dice.choice(WEB_URLS)
    if dice.random() < 0.1:
        urls["ampWebUrl"] = dice.choice(("amp", "../amp?b=c", "java\tscript:alert(1)", "data:text/html,x"))
    return urls


def optional(dice: random.Random) -> dict[str, Value]:
    """Return optional keys of an article."""
    choices: dict[str, Value] = {
        "excerpt": dice.choice(EXCERPTS),
        "language": dice.choice(LANGUAGES),
        "modifiedDateTime": dice.choice(MODIFIED_DATES),
        "category": dice.choice(("news", "Néws & more", None)),
        "type": dice.choice(("article", "video", Plain("on"))),
        "quality": dice.choice((0, -1, 36, 2147483647, "36", None)),
        "heat": dice.choice((-1, 0, 1, 2, 50, 99, 99, -2147483648)),
        "provider": provider(dice, own=True),
        "authors": byline(dice),
        "translationKey": dice.choice(TRANSLATION_KEYS),
        "topics": [dice.choice(names) for names in dice.sample(TOPICS, dice.randrange(4))],
        "images": some_images(dice),
        "secured": "AAECAwQFBgcICQoLDA0ODw==;AAECAwQFBgcICQoLDA0ODw==",
        "featuredContent": '<iframe src="https://www.youtube.com/embed/x"></iframe>',
        "extraKey": {"deep": ["x", 1, True, None, {"ä": "2020-01-01"}], "z": "last", "a": "first"},
        "slug": "not the slug",
    }
    return {key: value for key, value in choices.items() if dice.random() < 0.6}


def provider(dice: random.Random, *, own: bool) -> Value:
    """Return a provider of a file or an entry. `many.example` has the most names in files."""
    domain = dice.choice([one for one in (*DOMAINS, "many.example") if not own or one != "listed.example"])
    name = dice.choice(DOMAINS[domain])
    found: dict[str, Value] = {"domain": domain}
    if name is not None:
        found["name"] = name
    if own and dice.random() < 0.4:
        found["images"] = some_images(dice)
    return found


def some_images(dice: random.Random) -> list[Value]:
    return [image(dice, number) for number in range(dice.choice((0, 1, 1, 2, 9)))]


def image(dice: random.Random, number: int) -> Value:
    choices: dict[str, Value] = {
        "width": dice.choice((0, 640, "1200")),
        "height": dice.choice((0, 480, None)),
        "title": dice.choice(TITLES),
        "attribution": "Reuters & Söhne",
        "alt": dice.choice(TITLES),
        "caption": dice.choice(EXCERPTS),
        "isCached": Plain(dice.choice(("true", "false", "yes", "No"))),
    }
    chosen = {key: value for key, value in choices.items() if dice.random() < 0.6}
    url = f"https://img.example/{number}-{dice.randrange(50)}.jpg?x=1&amp;y=2"
    if dice.random() < 0.2:
        url = dice.choice(
            ("cover.jpg", "/img/1.jpg?a&#38;b", "//img.example/2.jpg", " JavaScript:x", "ftp://x/y")
        )
    return {"url": url, **chosen}


def target_of(dice: random.Random, number: int, articles: int) -> int:
    """Choose the article itself, one of its group, or any: within groups, mutual links are frequent."""
    kind = dice.random()
    if kind < 0.15:
        return number
    return min(number // 6 * 6 + dice.randrange(6), articles - 1) if kind < 0.5 else dice.randrange(articles)


def entry(dice: random.Random, number: int, urls: list[list[Value]]) -> Value:
    """Return a related entry: it links to any article, to itself, or to nowhere; a few are invalid."""
    found: dict[str, Value] = {"title": title(dice)}
    target = dice.choice(urls[target_of(dice, number, len(urls))])
    lost = f"https://elsewhere.example/{dice.randrange(20)}"
    found[dice.choice(("webUrl", "webUrl", "originalUrl", "sourceUrl"))] = (
        lost if dice.random() < 0.15 else target
    )
    if dice.random() < 0.2:
        found["ampUrl"] = lost
    choices: dict[str, Value] = {
        "excerpt": dice.choice(EXCERPTS),
        "publishedDateTime": dice.choice(DATES),
        "type": "video",
        "quality": dice.choice((1, 54)),
        "provider": provider(dice, own=False),
        "images": some_images(dice),
    }
    found |= {key: value for key, value in choices.items() if dice.random() < 0.6}
    if dice.random() < 0.05:  # an invalid entry, which is left out
        found |= dice.choice(({"title": None}, {"quality": "high"}, {"publishedDateTime": "2020-02-30"}))
    return found


def write_passed_over(path: Path) -> None:
    """Write files that are not articles, and some with errors."""
    sound = b'---\ntitle: "Hidden"\npublishedDateTime: 2020-01-01\nwebUrl: "https://hidden.example/"\n---\n'
    files = {
        ".hidden.md": sound,
        ".hidden/inside.md": sound,
        "page.html": b"<p>no article</p>",
        "shout.MD": sound,
        "broken.md": sound.replace(b"2020-01-01", b"2020-02-30"),
        "no-title.md": sound.replace(b'title: "Hidden"', b"title:"),
    }
    for name, content in files.items():
        file = path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
