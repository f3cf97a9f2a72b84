"""What holds for the HTML of every body."""

import re
from html import unescape
from html.parser import HTMLParser
from urllib.parse import urlsplit

import nh3
from hypothesis import example, given
from hypothesis import strategies as st

from gqlnews.content.article_links import resolve_placeholders
from gqlnews.content.html import BodyLocation, RenderOptions, link_body, render
from gqlnews.content.models import ParseOptions
from gqlnews.content.sanitizer import sanitize_body

HOSTS = ParseOptions().iframe_hosts
BASE = "https://example.org/2021/launch/"
MARKDOWN = (
    *(
        "a",
        " b ",
        "*c*",
        "`d`",
        "\n",
        "\n\n",
        "# ",
        "## x {#own}\n",
        "- [x] ",
        "> ",
        "    ",
        "```py\n",
        "```\n",
    ),
    *("[^1]", "[^É]", "\n\n[^1]: note [^2]\n\n", "\n\n[^é]: other\n\n", "\n\n[^2]: last\n\n"),
    *(
        "[l](",
        "![i](",
        ")",
        "javascript:alert(1)",
        "data:x",
        "b.md#c",
        "../d?e=1&f",
        "//h/x",
        "#g",
        "\\",
        '"',
        "|",
    ),
    *("\n|a|b|\n|:-|-:|\n|c|d|\n", "&lt;script&gt;", "&#1;", "&amp;", "हि", "。"),
)
HTML = (
    *(
        "<script>",
        "</script>",
        "<style>",
        "<!--",
        "-->",
        "<b onclick=x>",
        "</b>",
        "<p id=q class=r style='x:y'>",
    ),
    *(
        "<a href='java&#10;script:x'>",
        "<a href='x' id='fn-1'>",
        "</a>",
        "<svg>",
        "<math>",
        "<textarea>",
        "<title>",
    ),
    *(
        "<iframe src='https://www.youtube.com/embed/x' onload=x>",
        "<iframe src='https://evil.org/'>",
        "</iframe>",
    ),
    *(
        "<iframe srcdoc='<script>x</script>'>",
        "<input type=text name=q>",
        "<input type=checkbox>",
        "<h2 id=z>",
    ),
    *("<div class='footnote-definition' id='1'>", "<sup class='footnote-reference'><a href='#1'>1</a></sup>"),
    *(
        "<q cite='javascript:x'>",
        "<td style='text-align: left'>",
        "<code class='language-x evil'>",
        "</code>",
    ),
)
TEMPLATES = (
    *(
        "{{< x >}}",
        "{{% y %}}",
        "{{<",
        ">}}",
        "{{ z }}",
        "{% if %}",
        "{% raw %}",
        "{% endraw %}",
        "{%",
        "%}",
        "}}",
    ),
    *(
        "{{< youtube abc >}}",
        '{{< figure src="javascript:x" caption="<b>*c*</b>" >}}',
        '{{< figure src="a.jpg" >}}',
    ),
    *(
        "{{< highlight go >}}",
        "{{< /highlight >}}",
        '{{< ref "other.md" >}}',
        "{{< youtube '\"><script>' >}}",
    ),
    *(
        "\n:::note\n",
        "\n:::\n",
        "\n::c\n---\na: b\n---\n",
        "\n::\n",
        ":k{a=b}",
        "{.c}",
        "<A b={1}>",
        "</A>",
        "{e}",
    ),
    *("\nimport a from 'b'\n", "{", "}", "<A {"),
)
bodies = st.lists(st.sampled_from(MARKDOWN + HTML + TEMPLATES), max_size=25).map("".join)
URL_ATTRIBUTES = {"href", "src", "cite"}


class Elements(HTMLParser):
    """Collects start tags with their attributes, in order."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, {name: value or "" for name, value in attrs}))


def finished(body: str, slug: str = "a", *, is_mdx: bool = False) -> str:
    html = render(body, RenderOptions(is_mdx, HOSTS)).html or ""
    linked, _ = link_body(html, BodyLocation(BASE, slug, "a.md"))
    return resolve_placeholders(linked, lambda slug: None)


def elements(body: str, slug: str = "a", *, is_mdx: bool = False) -> list[tuple[str, dict[str, str]]]:
    return Elements(finished(body, slug, is_mdx=is_mdx)).found


@given(bodies, st.booleans())
@example("<iframe src='https://evil.org/'>", False)
@example('{{< youtube "\\"><script>" >}}', False)
def test_nothing_unsafe_survives(body: str, is_mdx: bool) -> None:
    for tag, attributes in elements(body, is_mdx=is_mdx):
        assert tag in nh3.ALLOWED_TAGS | {"iframe", "input"}
        assert not any(name.startswith("on") for name in attributes)
        assert attributes.keys().isdisjoint({"name", "srcdoc", "value", "target"})
        assert re.fullmatch("(text-align: (left|center|right))?", attributes.get("style", ""))
        assert re.fullmatch(r"(language-[\w+#.-]+|footnote-[a-z-]+)?", attributes.get("class", ""))
        for name in URL_ATTRIBUTES & attributes.keys():
            url = re.sub(r"[\x00-\x20\x7f-\xa0]", "", attributes[name])
            assert re.match(r"(https?|mailto|tel):|#|$", url, re.IGNORECASE), url
        if tag == "iframe":
            assert urlsplit(attributes["src"]).netloc in HOSTS
        if tag == "input":
            assert attributes.keys() <= {"type", "checked", "disabled"}
            assert attributes["type"] == "checkbox"
            assert "disabled" in attributes


@given(bodies)
def test_ids_are_unique_and_footnotes_lead_to_them(body: str) -> None:
    found = elements(body)
    ids = [attributes["id"] for _, attributes in found if "id" in attributes]
    assert len(ids) == len(set(ids))
    targets = {attributes.get("href", "") for tag, attributes in found if tag == "a"}
    assert {url[1:] for url in targets if re.match("#fn(ref)?-", url)} <= set(ids)
    for element_id in ids:
        if element_id.startswith("fnref-"):
            assert f"#{element_id}" in targets


@given(bodies)
def test_two_articles_share_no_footnote_ids(body: str) -> None:
    one, other = (
        {
            attributes["id"]
            for _, attributes in elements(body, slug)
            if attributes.get("id", "").startswith("fn")
        }
        for slug in ("2021/a", "2021/b")
    )
    assert one.isdisjoint(other)


@given(bodies, st.booleans())
def test_sanitizing_again_changes_nothing_but_ids(body: str, is_mdx: bool) -> None:
    html = finished(body, is_mdx=is_mdx)
    links = re.compile(r'<a href="#fn[^"]*"[^>]*>')
    without_ids = links.sub("<a>", re.sub(r'(<(?:h[1-6]|div|a)[^<>]*?) id="[^"]*"', r"\1", html))
    again = links.sub("<a>", sanitize_body(without_ids, HOSTS))
    assert again.replace(' rel="noopener noreferrer"', "") == without_ids.replace(
        ' rel="noopener noreferrer"', ""
    )


@given(
    st.lists(st.sampled_from(("word", "*x*", "# h", "- i", "> q", "|a|\n|-|", "é", "1.")), max_size=6),
    st.sampled_from(
        (
            ("{{< SECRET >}}", ""),
            ("{{% SECRET %}}", ""),
            ("{{ SECRET }}", ""),
            ("{% SECRET a %}", ""),
            (":::SECRET\n\nshown\n\n:::", "shown"),
            ('::SECRET{a="SECRET"}\n---\nb: SECRET\n---\nshown\n::', "shown"),
        )
    ),
)
def test_templates_are_only_in_the_body_as_written(paragraphs: list[str], template: tuple[str, str]) -> None:
    written, shown = template
    body = "\n\n".join([*paragraphs, "before", written, "after", *paragraphs])
    rendered = render(body)
    assert rendered.body == body
    assert rendered.prose is not None
    assert rendered.prose.split() == body.replace(written, shown).split()
    assert "SECRET" not in unescape(rendered.html or "")
    assert rendered.words == len(rendered.prose.split())


@given(st.text(st.sampled_from("`{}%<>:[]() \nabç-"), max_size=40))
def test_code_remains_as_written(code: str) -> None:
    fenced = f"before\n\n~~~~~~\n{code}\n~~~~~~\n\nafter {{{{ x }}}}"
    html = render(fenced).html or ""
    shown = re.search("<pre><code>(.*?)</code></pre>", html, re.DOTALL)
    assert shown is not None
    assert unescape(shown[1]) == f"{code}\n"
