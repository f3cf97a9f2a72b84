"""Handmade invalid files: bytes → the problem codes, and the position of the first problem.

The lines of `NEEDED` are lines 2 to 4 of a file, so a case's own lines begin at line 5.
"""

from collections.abc import Iterator
from typing import NamedTuple

MEBIBYTE = 1_048_576
NEEDED = "title: A title\npublishedDateTime: 2021-04-15T13:00:00Z\nwebUrl: https://a.org/1\n"
ENTRY = "title: An entry\n    webUrl: https://b.org/1\n"
NOT_WHOLE = (
    *("36.5", "36.0", "1e3", "0x1F", "0o17", "0777", "1_000", "2147483648", "-2147483649", "9" * 400, "many"),
    *("yes", "12:30", ".inf", "[36]", "{a: 36}", "'36.5'", "''", "'x'", "+", "\u0663\u0666"),
)
NOT_DATES = (
    *("2024-02-30", "2023-02-29", "2021-13-01", "2021-00-10", "2021-04-31T00:00:00Z", "0000-01-01"),
    *("2021-04-15T24:00:00Z", "2021-04-15T13:60:00Z", "2021-04-15T13:00:60Z", "2016-12-31T23:59:60Z"),
    *(
        "2021-04-15T13:00:00.1234567891Z",
        "2021-04-15T13:00:00.Z",
        "2021-04-15T13Z",
        "2021-04-15Z",
        "20210415",
    ),
    *("10000-01-01", "2021-4-15", "15.04.2021", "04/15/2021", "yesterday", "1618491600", "2021", "12:30:45"),
    *("2021-04-15T13:00:00+24:00", "2021-04-15T13:00:00+05", "2021-04-15T13:00:00+0530", "2021-04-15  13:00"),
    *("0001-01-01T00:00:00+00:01", "9999-12-31T23:59:59-00:01", "2021-04-15T13:00:00 Z", "''", "yes"),
)


class Bad(NamedTuple):
    """An invalid file. `line` and `column` belong to the first problem; None means the whole file."""

    name: str
    data: bytes
    codes: tuple[str, ...]
    line: int | None
    column: int | None


def fenced(front: str, body: str = "") -> bytes:
    return f"---\n{front}---\n{body}".encode()


def added(name: str, lines: str, *codes: str, line: int = 5, column: int = 1, body: str = "") -> Bad:
    """A valid file with some invalid lines added."""
    return Bad(name, fenced(NEEDED + lines + "\n", body), codes, line, column)


def instead(name: str, front: str, *codes: str, line: int = 1, column: int = 1) -> Bad:
    """A file with an entirely different front matter."""
    return Bad(name, fenced(front), codes, line, column)


def raw(name: str, data: bytes, *codes: str, line: int | None = 1, column: int | None = 1) -> Bad:
    return Bad(name, data, codes, line, column)


def bad_files() -> Iterator[Bad]:
    """Yield all invalid files. Names are unique."""
    yield from encodings()
    yield from fences()
    yield from needed_keys()
    yield from broken_yaml()
    yield from refused_yaml()
    yield from wrong_types()
    yield from dates()
    yield from warnings()
    yield from related_entries()
    yield from sizes()
    yield from bodies()


def encodings() -> Iterator[Bad]:
    good = fenced(NEEDED).decode()
    yield raw(
        "latin-1", good.replace("A title", "Caf\u00e9").encode("latin-1"), "not-utf-8", line=2, column=11
    )
    yield raw(
        "cp1252-quotes",
        good.replace("A title", "\u201cA\u201d").encode("cp1252"),
        "not-utf-8",
        line=2,
        column=8,
    )
    yield raw("shift-jis", good.replace("A title", "日本").encode("shift-jis"), "not-utf-8", line=2, column=8)
    yield raw("gb18030", good.replace("A title", "新闻").encode("gb18030"), "not-utf-8", line=2, column=8)
    for name in ("utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-be"):
        column = 2 if name == "utf-16-le" else 1
        yield raw(name, good.encode(name), "not-utf-8", column=column)
    yield raw("surrogate", good.encode().replace(b"A title", b"\xed\xa0\x80"), "not-utf-8", line=2, column=8)
    yield raw("overlong", good.encode().replace(b"A title", b"\xc0\xaf"), "not-utf-8", line=2, column=8)
    yield raw("cut-off-letter", good.encode() + "é".encode()[:1], "not-utf-8", line=6)
    yield raw("beyond-unicode", good.encode() + b"\xf4\x90\x80\x80", "not-utf-8", line=6)
    yield raw("nul-in-front", good.replace("A title", "A\0").encode(), "not-utf-8", line=2, column=9)
    yield raw("nul-in-body", good.encode() + b"a\0b", "not-utf-8", line=6, column=2)
    yield raw("nuls", b"\0" * 1000, "not-utf-8")
    yield raw("jpeg", b"\xff\xd8\xff\xe0\x00\x10JFIF\x00" + bytes(range(256)) * 40, "not-utf-8")
    yield raw("gzip", b"\x1f\x8b\x08\x00" + bytes(range(256)), "not-utf-8", column=2)
    mark = b"\xef\xbb\xbf"
    yield raw("byte-after-mark", mark + b"a\xff", "not-utf-8", column=2)
    yield raw("nul-after-mark", mark + b"a\0", "not-utf-8", column=2)
    accented = good.replace("A title", "Caf\u00e9").encode("latin-1")
    yield raw("latin-1-after-mark", mark + accented, "not-utf-8", line=2, column=11)
    yield raw("two-marks", b"\xef\xbb\xbf\xef\xbb\xbf" + good.encode(), "no-front-matter")


def fences() -> Iterator[Bad]:
    for name, text in {
        "empty": "",
        "blank": "\n\n",
        "only-body": "# A title\n\nWords.\n",
        "html-page": "<!doctype html>\n<title>x</title>\n",
        "fence-indented": f" ---\n{NEEDED}---\n",
        "fence-short": f"--\n{NEEDED}--\n",
        "fence-with-words": f"--- yaml\n{NEEDED}---\n",
        "toml-never-closed": '+++\ntitle = "A"\n',
        "never-closed": f"---\n{NEEDED}",
        "only-fence": "---",
        "only-fence-and-end": "---\n",
        "never-closed-cr": "---\rtitle: A\r",
        "closed-indented": f"---\n{NEEDED} ---\n",
        "closed-by-dots": f"---\n{NEEDED}...\n",
        "cut-off": f"---\n{NEEDED}related:\n  - title: A",
        "closed-by-equals": f"---\n{NEEDED}===\n",
        "one-endless-line": "---" + "x" * 500_000,
        "dashes": "-" * 500_000 + "x",
    }.items():
        yield raw(name, text.encode(), "no-front-matter")


def needed_keys() -> Iterator[Bad]:
    lines = NEEDED.splitlines(keepends=True)
    yield instead("only-url", lines[2], "missing-key", "missing-key")
    yield instead("no-title", lines[1] + lines[2], "missing-key")
    yield instead("no-date", lines[0] + lines[2], "missing-key")
    yield instead("no-url", lines[0] + lines[1], "missing-key")
    for name, value in {"empty": "", "null": "null", "tilde": "~", "quotes": "''", "blanks": '"  "'}.items():
        yield instead(f"title-{name}", f"title: {value}\n{lines[1]}{lines[2]}", "missing-key")
    yield instead("date-null", f"{lines[0]}publishedDateTime:\n{lines[2]}", "missing-key")
    yield instead("url-empty", f"{lines[0]}{lines[1]}webUrl: ''\noriginalUrl: ~\n", "missing-key")
    yield instead("only-amp-url", f"{lines[0]}{lines[1]}ampUrl: https://a.org/1\n", "missing-key")


def broken_yaml() -> Iterator[Bad]:
    for name, lines, line, column in (
        ("colon-in-text", "excerpt: one: two", 5, 13),
        ("unclosed-double", 'excerpt: "one', 5, 10),
        ("unclosed-single", "excerpt: 'one", 5, 10),
        ("words-after-quotes", 'excerpt: "one" two', 5, 16),
        ("at-sign", "excerpt: @one", 5, 10),
        ("backtick", "excerpt: `one`", 5, 10),
        ("percent", "excerpt: %one", 5, 10),
        ("unknown-escape", 'excerpt: "\\q"', 5, 11),
        ("escape-cut-off", 'excerpt: "\\x4"', 5, 13),
        ("escaped-surrogate", 'excerpt: "\\ud800"', 5, 13),
        ("tab-indent", "provider:\n\tdomain: a.org", 6, 1),
        ("indent-too-deep", "excerpt: one\n  category: two", 6, 11),
        ("indent-too-shallow", "provider:\n    name: A\n  domain: a.org", 7, 3),
        ("list-after-value", "topics: AI\n- ML", 6, 1),
        ("list-beside-keys", "- one", 5, 1),
        ("no-colon", "one two", 6, 1),
        ("no-blank-after-colon", "excerpt:one", 6, 1),
        ("flow-unclosed", "topics: [AI", 6, 1),
        ("flow-map-unclosed", "provider: {name: A", 6, 1),
        ("flow-closed-twice", "topics: [AI]]", 5, 13),
        ("flow-mixed", "topics: [AI}", 5, 12),
        ("document-end", "...\nmore: x", 6, 1),
        ("directive", "%YAML 1.1", 6, 1),
        ("document-start", "--- more", 5, 1),
        ("control", "excerpt: a\x01b", 5, 11),
        ("escape-character", "excerpt: \x1b[31mred", 5, 10),
        ("delete", "excerpt: \x7f", 5, 10),
        ("not-a-character", "excerpt: \ufffe", 5, 10),
        ("tag-unknown", "excerpt: !secret x", 5, 10),
        ("tag-python", "excerpt: !!python/object/apply:os.system [id]", 5, 10),
        ("tag-binary", "excerpt: !!binary aGVsbG8=", 5, 10),
        ("tag-set", "topics: !!set {AI}", 5, 9),
        ("tag-for-another-kind", "topics: !!map [AI]", 5, 9),
        ("tag-bad-handle", "excerpt: !x!y z", 5, 10),
        ("key-list", "? [a, b]\n: c", 5, 3),
        ("key-list-of-lists", "? [[a]]\n: c", 5, 3),
        ("tab-after-dash", "topics:\n  -\t AI", 6, 4),
        ("key-mapping", "{a: b}: c", 5, 1),
        ("anchor-on-alias", "excerpt: &a *b", 5, 13),
        ("anchor-without-name", "excerpt: & x", 5, 11),
        ("block-header", "excerpt: |x\n  a", 5, 11),
        ("merge-conflict", "<<<<<<< HEAD\ntype: a", 6, 1),
        ("deep-flow", "author: " + "[" * 10_000 + "]" * 10_000, 5, 1008),  # libyaml's own limit
        ("deep-flow-unclosed", "author: " + "[" * 1_000_000, 5, 1008),
        ("deep-flow-mappings", "author: " + "{a: " * 10_000, 5, 261),
        ("deep-dashes", "author:\n  " + "- " * 10_000 + "x", 6, 129),
        ("deep-question-marks", "author:\n  " + "? " * 10_000 + "x", 6, 129),
        ("deep-mixed", "author:\n  " + "- ? " * 10_000 + "x", 6, 129),
    ):
        yield added(name, lines, "broken-yaml", line=line, column=column)
    yield added("template", "excerpt: {{ page.title }}", "wrong-type", "broken-yaml", column=10)
    deep = "".join(f"{' ' * level}a:\n" for level in range(1, 1_400))
    yield added("deep-lines", f"author:\n{deep}", "broken-yaml", line=69, column=65)


def refused_yaml() -> Iterator[Bad]:
    yield added("duplicate-title", "title: B", "duplicate-key")
    yield added("duplicate-quoted", '"title": B', "duplicate-key")
    yield added("duplicate-unknown", "a: 1\na: 2", "duplicate-key", line=6)
    yield added(
        "duplicate-deep",
        "provider:\n  name: A\n  domain: a.org\n  name: B",
        "duplicate-key",
        line=8,
        column=3,
    )
    yield added("duplicate-flow", "provider: {domain: a.org, domain: b.org}", "duplicate-key", column=27)
    yield added("duplicate-number", 'author: {1: a, "1": b}', "duplicate-key", column=16)
    yield added("duplicate-thrice", "a: 1\na: 2\na: 3", "duplicate-key", "duplicate-key", line=6)
    yield added(
        "duplicate-in-related", f"related:\n  - {ENTRY}    title: x", "duplicate-key", line=8, column=5
    )
    yield added("alias", "author: &a x\neditor: *a", "alias", line=6, column=9)
    yield added("alias-of-nothing", "author: *a", "alias", column=9)
    yield added("alias-in-list", "topics:\n- &a AI\n- *a", "alias", line=7, column=3)
    yield added("alias-in-related", "related:\n- &a {title: x, webUrl: b}\n- *a", "alias", line=7, column=3)
    yield added("alias-as-key", "author: &a x\n*a : y", "alias", line=6)
    yield added("alias-of-itself", "author: &a [*a]", "alias", column=13)
    yield added("merge", "base: &b {x: 1}\n<<: *b", "alias", "alias", line=6)
    yield added("merge-in-place", "<<: {excerpt: x}", "alias")
    yield added("merge-in-provider", "provider:\n  domain: a.org\n  <<: {name: A}", "alias", line=7, column=3)
    yield instead("alias-title", NEEDED.replace("A title", "*a"), "alias", line=2, column=8)
    laughs = "".join(f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 9)}]\n" for n in range(1, 9))
    yield added("billion-laughs", f"l0: &l0 lol\n{laughs}", *["alias"] * 72, line=6, column=10)


def wrong_types() -> Iterator[Bad]:
    for key in ("excerpt", "category", "type", "ampWebUrl", "cdnAmpUrl", "featuredContent", "secured"):
        column = len(key) + 3
        yield added(f"{key}-list", f"{key}: [a, b]", "wrong-type", column=column)
        yield added(f"{key}-mapping", f"{key}: {{a: b}}", "wrong-type", column=column)
        yield added(f"{key}-block", f"{key}:\n  - a", "wrong-type", line=6, column=3)
        yield added(f"{key}-nul", f'{key}: "a\\0"', "wrong-type", column=column)
    for number, value in enumerate(NOT_WHOLE):
        for key in ("quality", "heat"):
            yield added(f"{key}-{number}", f"{key}: {value}", "wrong-type", column=len(key) + 3)
    for number, value in enumerate(
        ("1", "0", "y", "n", "maybe", "''", "tRue", "[true]", "{a: b}", "oN", "2021-04-15")
    ):
        yield added(f"published-{number}", f"published: {value}", "wrong-type", column=12)
    for key in ("topics", "images", "related"):
        for name, value in {"word": "AI", "text": '"AI, ML"', "mapping": "{a: b}", "number": "3"}.items():
            yield added(f"{key}-{name}", f"{key}: {value}", "wrong-type", column=len(key) + 3)
    yield added("topics-of-lists", "topics:\n- [AI]\n- {a: b}", "wrong-type", "wrong-type", line=6, column=3)
    yield added("provider-word", "provider: Nextgov", "wrong-type", column=11)
    yield added("provider-list", "provider:\n- domain: a.org", "wrong-type", line=6)
    yield added("provider-name-list", "provider: {domain: a.org, name: [A]}", "wrong-type", column=33)
    yield added("images-of-words", "images:\n- https://a.org/1.jpg", "wrong-type", line=6, column=3)
    yield added("image-width", "images:\n- url: /1.jpg\n  width: wide", "wrong-type", line=7, column=10)
    yield added("image-cached", "images:\n- url: /1.jpg\n  isCached: 1", "wrong-type", line=7, column=13)
    yield instead("front-list", "- title: A\n", "wrong-type", line=2)
    yield instead("front-words", "Just words.\n", "wrong-type", line=2)
    yield instead("front-quoted", '""\n', "wrong-type", line=2)
    yield instead("title-list", NEEDED.replace("A title", "[A]"), "wrong-type", line=2, column=8)
    yield instead("url-list", NEEDED.replace("https://a.org/1", "[a]"), "wrong-type", line=4, column=9)
    yield added("two-wrong", "quality: x\nheat: y\npublished: z", *["wrong-type"] * 3, column=10)


def dates() -> Iterator[Bad]:
    for number, value in enumerate(NOT_DATES):
        front = NEEDED.replace("2021-04-15T13:00:00Z", value)
        yield instead(f"date-{number}", front, "bad-date", line=3, column=20)
    yield instead("date-list", NEEDED.replace("2021-04-15T13:00:00Z", "[a]"), "wrong-type", line=3, column=20)


def warnings() -> Iterator[Bad]:
    """Files with warnings only, whose articles are served."""
    yield added("quality-quoted", 'quality: "36"', "repaired-type", column=10)
    yield added("heat-quoted", "heat: '-1'", "repaired-type", column=7)
    yield added("published-quoted", 'published: "no"', "repaired-type", column=12)
    yield added("published-tagged", "published: !!str no", "repaired-type", column=12)
    yield added("width-quoted", 'images:\n- url: /1.jpg\n  width: "50"', "repaired-type", line=7, column=10)
    yield added("escaped-amp-url", "ampUrl: https://a.org/?a=1&amp;b=2", "escaped-url", column=9)
    yield added("escaped-image", "images:\n  - url: /?a&amp;b", "escaped-url", line=6, column=10)
    yield added("escaped-twice", "ampUrl: https://a.org/?a&amp;amp;b", "escaped-url", column=9)
    yield added("image-without-url", "images:\n  - width: 5", "left-out", line=6, column=5)
    yield added("image-url-empty", "images:\n  - url: ''", "left-out", line=6, column=5)
    yield added("image-empty-mapping", "images: [{}]", "left-out", column=10)
    yield added("provider-without-domain", "provider:\n  name: A", "left-out", line=6, column=3)
    yield added("provider-empty", "provider: {}", "left-out", column=11)
    yield added("topic-blank", "topics: [AI, '']", "left-out", column=14)
    for number, value in enumerate(
        ("x", "a;b c", ";", "Zm9v", "Zm9v;", "Zm9v;YmE=;YQ==", '"Zm9v;\\n"', "===;===")
    ):
        yield added(f"secured-{number}", f"secured: {value}", "bad-secured", column=10)
    yield added("embed-wild", "featuredContent: '" + "<div>" * 60_000 + "'", "left-out", column=18)


def related_entries() -> Iterator[Bad]:
    for name, lines, code, line, column in (
        ("null", "  - ~\n", "left-out", 6, 5),
        ("word", "  - https://b.org/1\n", "left-out", 6, 5),
        ("list", "  - [a]\n", "left-out", 6, 5),
        ("no-title", "  - webUrl: https://b.org/1\n", "left-out", 6, 5),
        ("title-null", "  - title: ~\n    webUrl: https://b.org/1\n", "left-out", 6, 5),
        ("no-url", "  - title: A\n    ampUrl: https://b.org/1\n", "left-out", 6, 5),
        ("bad-date", f"  - {ENTRY}    publishedDateTime: 2024-02-30\n", "left-out", 8, 24),
        ("bad-quality", f"  - {ENTRY}    quality: 36.5\n", "left-out", 8, 14),
        ("bad-title", "  - title: [A]\n    webUrl: https://b.org/1\n", "left-out", 6, 12),
        ("bad-width", f"  - {ENTRY}    images: [{{url: /1.jpg, width: x}}]\n", "left-out", 8, 35),
        ("bad-provider", f"  - {ENTRY}    provider: B\n", "left-out", 8, 15),
        ("image-without-url", f"  - {ENTRY}    images: [{{width: 5}}]\n", "left-out", 8, 14),
        ("provider-without-domain", f"  - {ENTRY}    provider: {{name: B}}\n", "left-out", 8, 15),
        ("quality-quoted", f"  - {ENTRY}    quality: '5'\n", "repaired-type", 8, 14),
        ("escaped", "  - title: A\n    webUrl: https://b.org/?a&amp;b\n", "escaped-url", 7, 13),
        ("self", "  - title: A\n    sourceUrl: https://a.org/1\n", "self-related", 7, 16),
        ("twice", f"  - {ENTRY}  - {ENTRY}", "related-twice", 9, 13),
        ("self-after-broken", "  - ~\n  - title: A\n    webUrl: https://a.org/1\n", "self-related", 6, 5),
    ):
        codes = ("left-out", code) if name == "self-after-broken" else (code,)
        yield added(f"related-entry-{name}", f"related:\n{lines}", *codes, line=line, column=column)


def sizes() -> Iterator[Bad]:
    whole = {"line": None, "column": None}
    good = fenced(NEEDED)
    yield raw("one-byte-too-large", good + b"a" * (MEBIBYTE + 1 - len(good)), "too-large", **whole)
    yield raw("ten-times-too-large", good + b"a b\n" * (MEBIBYTE * 10 // 4), "too-large", **whole)
    yield added("many-items", "author: [" + "1," * 400_000 + "]", "too-large", column=199_996)
    yield added("many-keys", "".join(f"k{n}: 1\n" for n in range(80_000)), "too-large", line=50_002, column=1)
    yield added("endless-plain", "excerpt: " + "a" * 900_000 + ": b", "broken-yaml", column=900_010)
    yield added("endless-key", "a" * 900_000 + ": b", "broken-yaml", column=900_001)
    yield added(
        "endless-lines", "excerpt: a\n" + " b\n" * 300_000 + " c: d", "broken-yaml", line=300_006, column=3
    )
    yield added("endless-quote", 'excerpt: "' + "\n" * 900_000, "broken-yaml", line=5, column=10)
    yield added("endless-anchors", "author: [" + "&a b, " * 40_000 + "@]", "broken-yaml", column=240_010)
    yield added("endless-tag", "excerpt: !" + "a" * 900_000 + " b", "broken-yaml", column=10)


def bodies() -> Iterator[Bad]:
    for name, body in {
        "quotes": "> " * 500_000,
        "lists": "> - " * 250_000,
        "numbers": "1. " * 300_000,
        "lists-by-line": ("- " * 500 + "a\n") * 900,
        "div": "<div>" * 200_000,
        "bold": "<b>" * 300_000,
        "formatting": "<a><b><i><u>" * 80_000,
        "repeated-bold": "<p>" + "<b title=x>" * 3_000 + "<p>x" * 3_000,
        "attributes": "<a " + "".join(f"b{n}=c " for n in range(100_000)) + ">x",
        "hidden-ends": "<div><!-- </div> -->" * 40_000,
        "ampersands": "&" * 1_000_000,
        "headings": "# a\n" * 250_000,
        "footnotes": "[^1]" * 250_000 + "\n\n[^1]: x",
        "references": "[a]: u\n\n" + "[a] " * 250_000,
        "table": "a|" * 200_000 + "\n" + "-|" * 200_000 + "\n" + "b|" * 100_000,
    }.items():
        yield added(f"body-{name}", "type: video", "left-out", line=7, body=body)
