"""Files of ordinary sites: front matter in YAML, TOML and JSON, bodies, names, and configuration files."""

import json
from collections.abc import Mapping
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from gqlnews.content import mapping
from gqlnews.discovery.config_files import CONFIG_NAMES
from tests.fuzz.values import changed

KEYS = sorted(
    {
        *(key for sources in mapping.FIELDS for key in sources.keys),
        *mapping.EXPIRY_KEYS,
        *mapping.PUBLISHER_KEYS,
        *mapping.NATIVE_KEYS,
        *(
            "slug",
            "layout",
            "aliases",
            "params",
            "extra",
            "taxonomies.tags",
            "Title",
            "DATE",
            "",
            "a.b.c",
            "é",
        ),
    }
)
TEXTS = (
    *("2021-04-15", "2021-04-15 13:00:00 +0530", "15/04/2021", "04/05/2021", "April 15, 2021", "9999-12-31"),
    *(
        "0001-01-01T00:00:00+14:00",
        "2021-02-30",
        "2021-04-15T25:00:00",
        "1618491600",
        "99999999999999",
        "now",
    ),
    *(
        "A title",
        "A &amp; B",
        "&#0;&#xD800;&#x110000;",
        " \u2028 ",
        "C++",
        "#",
        "Ann, Bob and C. D. & Eve",
        "and,&,",
    ),
    *(
        "/a/b/",
        "../../../x",
        "https://x.example/%zz",
        "//[::1",
        "javascript:alert(1)",
        "image.png",
        "a b.png?x#y",
    ),
    *("{{ page.title }}", "{% raw %}", "{{< ref >}}", ":year/:month", "true", "draft", "de_DE", "x" * 3_000),
)
PATTERNS = (
    *(
        "/:year/:month/:day/:slug/",
        ":filename",
        "/:slug[",
        ":sections[1:]/:title",
        ":sections[last]",
        ":" * 60,
    ),
    *("/:categories/:title:output_ext", "pretty", ":contentbasename", "date", "{slug}.html", "../:slug", "%"),
)
CONFIG_KEYS = (
    *(
        "baseURL",
        "base_url",
        "url",
        "baseurl",
        "title",
        "contentDir",
        "source",
        "collections_dir",
        "timezone",
    ),
    *(
        "permalink",
        "permalinks",
        "languages",
        "defaultContentLanguage",
        "default_language",
        "uglyURLs",
        "future",
    ),
    *(
        "collections",
        "defaults",
        "buildFuture",
        "disableLanguages",
        "frontmatter",
        "taxonomies",
        "site",
        "lang",
    ),
    *("disablePathToLower", "defaultContentLanguageInSubdir", "apps", "generate_feed", "markup", "plugins"),
)
CODE = (
    "export default defineConfig({ site: 'https://x.example', base: '/b' })",
    "SITEURL = 'https://x.example'\nTIMEZONE = 'Europe/Berlin'\nARTICLE_URL = '{date:%Y}/{slug}.html'",
    "module.exports = { url: `https://${x}.example`, baseUrl: '/' }",
)
BODIES = (
    *("", "# H\n\nText\n\n<!--more-->\n\nMore", "{{< youtube abc >}}", "{{% figure src=a.png", "{{<" * 300),
    *("import A from './a'\n\nexport const b = 1\n\n<A {...b} />", "<" * 500, "{" * 500, "<A b={`${c}`}>"),
    *(
        "[^1]\n\n[^1]: note",
        "[^1]" * 50,
        "![](a.png){.c #d}",
        "| a |\n|:-:|\n| b |",
        "- [ ] a",
        "```js {1,3}\na",
    ),
    *(
        "{% highlight ruby %}\na\n{% endhighlight %}",
        "{% include a.html %}" * 40,
        ":::note\na\n:::",
        "> " * 200,
    ),
    *(
        "[a](b.md)",
        "[a](/b/#c)",
        "{% post_url 2021-04-15-a %}",
        '{{< relref "a.md" >}}',
        "\0",
        "<iframe>" * 40,
    ),
)
NAMES = (
    *(
        "post.md",
        "2021-04-15-post.md",
        "2021-13-99-x.md",
        "index.md",
        "_index.md",
        "a/index.markdown",
        "post.fr.md",
    ),
    *(
        "_posts/2021-04-15-post.md",
        "a/_drafts/x.md",
        "content/post.mdx",
        "content/en/post.md",
        "blog/2021/04/15/x.md",
    ),
    *(
        "content/posts/post.md",
        "src/content/blog/x.mdx",
        "pages/1.x.md",
        "content/é ü.md",
        "content/README.md",
    ),
)

_texts = st.sampled_from((*TEXTS, *PATTERNS)) | st.text(max_size=12)
_values: SearchStrategy[Any] = st.recursive(
    _texts | st.booleans() | st.integers(-(2**40), 2**70) | st.none() | st.floats(allow_nan=False),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_texts, inner, max_size=3),
    max_leaves=5,
)
_edits = st.lists(st.tuples(st.integers(0, 400), st.binary(max_size=4)), max_size=3)


def _nested(flat: Mapping[str, Any]) -> dict[str, Any]:
    """Put the value of `a.b` into the mapping `a`."""
    made: dict[str, Any] = {}
    for key, value in flat.items():
        *tables, last = key.split(".")
        place = made
        for table in tables:
            below = place.setdefault(table, {})
            place = below if isinstance(below, dict) else place
        place[last] = value
    return made


def _to_toml(value: Any) -> str:
    """Write a value as TOML does, except for null, which TOML does not have."""
    if isinstance(value, dict):
        return (
            "{ " + ", ".join(f"{json.dumps(key)} = {_to_toml(below)}" for key, below in value.items()) + " }"
        )
    if isinstance(value, list):
        return f"[{', '.join(map(_to_toml, value))}]"
    return json.dumps(value)


def _as_yaml(keys: Mapping[str, Any]) -> str:
    return "".join(f"{json.dumps(key)}: {json.dumps(value)}\n" for key, value in keys.items())


def _as_toml(keys: Mapping[str, Any]) -> str:
    return "".join(f"{json.dumps(key)} = {_to_toml(value)}\n" for key, value in keys.items())


def _as_json(keys: Mapping[str, Any]) -> str:
    return json.dumps(keys, indent=2) + "\n"


def _as_header_lines(keys: Mapping[str, Any]) -> str:
    """Write Pelican's header, `Title: A`."""
    return "".join(f"{key}: {value}\n" for key, value in keys.items()) + "\n"


_FORMATS = {
    "yaml": lambda keys: f"---\n{_as_yaml(keys)}---\n",
    "toml": lambda keys: f"+++\n{_as_toml(keys)}+++\n",
    "json": _as_json,
    "header": _as_header_lines,
}
_keys = st.dictionaries(st.sampled_from(KEYS), _values, max_size=8).map(
    lambda keys: _nested({"title": "A title", "date": "2021-04-15", **keys})
)
articles: SearchStrategy[bytes] = st.builds(
    lambda form, keys, body, edits: changed(
        f"{_FORMATS[form](keys)}{body}".encode(errors="surrogatepass"), edits
    ),
    st.sampled_from(sorted(_FORMATS)),
    _keys,
    st.sampled_from(BODIES) | st.text(max_size=60),
    st.just([]) | _edits,
)

_settings = st.dictionaries(st.sampled_from(CONFIG_KEYS), _values, max_size=6).map(
    lambda keys: {"title": "A site", "baseURL": "https://x.example/b/", **keys}
)
_WRITERS = {"toml": _as_toml, "yaml": _as_yaml, "yml": _as_yaml, "json": _as_json}


def _config_file(place: str, name: str) -> SearchStrategy[tuple[str, bytes]]:
    """Path and bytes of a configuration file."""
    write = _WRITERS.get(name.rpartition(".")[2])
    text = st.sampled_from(CODE) if write is None else _settings.map(write)
    encoded = text.map(lambda text: text.encode(errors="surrogatepass"))
    return st.tuples(st.just(place + name), st.builds(changed, encoded, st.just([]) | _edits))


_CONFIG_NAMES = sorted({name for names in CONFIG_NAMES.values() for name in names})
_config_files = st.tuples(
    st.sampled_from(["", "", "", "site/", "content/", "config/_default/"]), st.sampled_from(_CONFIG_NAMES)
).flatmap(lambda chosen: _config_file(*chosen))
sites: SearchStrategy[dict[str, bytes]] = st.builds(
    lambda config, files: {**dict(config), **files},
    st.lists(_config_files, max_size=3),
    st.dictionaries(st.sampled_from(NAMES), articles, min_size=1, max_size=3),
)
"""The files of a small site, by path."""
