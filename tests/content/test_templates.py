"""Template syntax → the prose that is searched and counted. The gallery shows the HTML."""

import time

import pytest

from gqlnews.content.html import RenderOptions, render
from gqlnews.content.templates import remove_templates
from tests.content.test_bad_files import ATTEMPTS, MOST_TIMES

LENGTH = 300_000


def prose(text: str, *, is_mdx: bool = False) -> str:
    return " ".join(remove_templates(text, is_mdx=is_mdx).prose.split())


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ('a {{< x "}" >}} b', "a b"),
        ("a {{< x\n  y >}} b", "a b"),
        ("a {{< x\n\ny >}} b", "a {{< x y >}} b"),
        ("a {{< x {{< y >}} b", "a {{< x b"),
        ("a {{< " + "x" * 5_000 + " >}} b", "a {{< " + "x" * 5_000 + " >}} b"),
        ("a {{ x b", "a {{ x b"),
        ("{{</* x */>}} {{%/* y */%}}", "{{< x >}} {{% y %}}"),
        ("{{/* x */}}", ""),
        ("{% raw %}{{ x }}{% endraw %} {{ y }}", "{{ x }}"),
        ("{% verbatim %}{% x %}{% endverbatim %}", "{% x %}"),
        ("{% raw %}{{ x }} {% raw %}{{ y }}", ""),
        ("{%- comment -%}x {{ y }}{%- endcomment -%}z", "z"),
        ("{{ link }} {{ ref }} {{ youtube }}", ""),
        ('<{{ x }}> {{ figure(src="a", caption="c *d*") }}', "c *d*"),
        ('{{< figure src="a" title="t" caption="c" attr="r" >}}', "t c r"),
        ("{{< youtube abc >}} {{< vimeo 1 >}}", ""),
        ("{% highlight ruby %}\nputs {{ x }}\n{% endhighlight %}", "```ruby puts {{ x }} ```"),
        ("{{< highlight go >}}```{{< /highlight >}}", "````go ``` ````"),
        ("{% highlight ruby %} x", "x"),
        ("50 {%22a%22} {%", "50 {%22a%22} {%"),
        ("`{{ x }}` ``{% y %}`` {{ z }}", "`{{ x }}` ``{% y %}``"),
        ("é `ü {{ x }}` {{ y }} `{{ z }}`", "é `ü {{ x }}` `{{ z }}`"),
        ("    {{ x }}\n\n{{ y }}", "{{ x }}"),
        ("<pre>{{ x }}</pre> <pre>{{ y }}", "<pre>{{ x }}</pre> <pre>"),
        ("<code>{{ x }}</code> <code> <code>{{ y }}", "<code>{{ x }}</code> <code> <code>"),
    ],
)
def test_shortcodes_and_liquid_are_removed(text: str, shown: str) -> None:
    assert prose(text) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (":::note\nx\n:::\n:::", "x :::"),
        ("::: tip Title\nx\n:::", "x"),
        ("::: {.note}\nx\n:::", "x"),
        ("::note{a=b}\nx\n::\n::", "x ::"),
        ("::note more\nx", "::note more x"),
        (":: note\nx", ":: note x"),
        (":::! note\nx", ":::! note x"),
        ("::{.a}\nx", "::{.a} x"),
        ("::a\n---\nb: c\n---\nx\n::", "x"),
        ("::a\n---\nb: c\n", "--- b: c"),
        ("#slot\n::a\n#slot\nx\n::", "#slot x"),
        ("::a\n\n    {{ x }}\n\n::\n\n    {{ y }}", "{{ y }}"),
        ("    ::a\n\ny", "::a y"),
        ("a :b{} :b{c=d} :b[e]{.f} :b{.g}[h] i", "a e h i"),
        ("a :b{c: d} e:f{g} http://h:{i} [j]{k} l{.m}", "a :b{c: d} e:f{g} http://h:{i} [j]{k} l{.m}"),
        ('[a]{.b} ![c](d){width=1 .e} (f){:g="h"}', "[a] ![c](d) (f)"),
    ],
)
def test_directives_are_removed(text: str, shown: str) -> None:
    assert prose(text) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("import a from 'b'\n\nx", "x"),
        ("import a from 'b'", ""),
        ("import 'a'\nexport * from 'b'\nexport const c = [\n\n1]\n\nx", "x"),
        ("export const a = (\n\nx", "x"),
        ("import goods\n\nexporting", "import goods exporting"),
        ("<A/>x<B c='>' d={e > f} g={`}`}>y</B><></>", "xy"),
        ("<a.b>x</a.b> <p class='c' d={e}>f</p> <br id={g}/>", "x <p class='c'>f</p> <br/>"),
        ("a < b <A {c <A >", "a < b <A {c"),
        ("<A }>x", "<A }>x"),
        ("<A {" + "x" * 20_000, "<A {" + "x" * 20_000),
        ("{a}{/* b */}{c({d: `}`})}{'}'}x", "x"),
        ("{a", "{a"),
        ("# x {#y}", "# x {#y}"),
        ("<A>\n```\n{b}\nimport c from 'd'\n```\n</A> {e}", "``` {b} import c from 'd' ```"),
        ("~~~\n{a}", "~~~ {a}"),
        ("    {a} x", "x"),
        ("`{a}` {b}", "`{a}`"),
        ("<YouTube id='abc'/> <Figure src='a' caption='c'/>", "c"),
    ],
)
def test_jsx_is_removed_from_mdx(text: str, shown: str) -> None:
    assert prose(text, is_mdx=True) == shown


@pytest.mark.parametrize("text", ["<A b={c}>d</A>", "import a from 'b'", "x {y} z"])
def test_jsx_is_text_in_other_files(text: str) -> None:
    assert prose(text) == text


def test_after_ten_thousand_constructs_the_rest_is_text() -> None:
    assert prose("{{ x }} " * 10_002) == "{{ x }} {{ x }}"


def test_a_text_of_very_many_elements_keeps_its_templates() -> None:
    text = "{{ x }} " + "*a* " * 70_000
    assert remove_templates(text) == (text, text)


ORDINARY = "Some *words*, a [link](/x) and {{< icon >}} a shortcode" + " among many others" * 10 + ".\n\n"
MARKDOWN_UNITS = (
    *(
        "{{< ",
        "{{< a >}}",
        "{{x ",
        "{%",
        "{% raw %}",
        "{% highlight a %}",
        "{{< youtube a >}}",
        "{{< figure a >}}",
    ),
    *("::a\n", "::a\n---\n", ":a{b}", ":a[", ":a[b]{", ":::a[][", "#a\n", "<pre>", "]{.a", "é `a` {{ b }} "),
)
MDX_UNITS = (
    *("<A ", "<A {", "{", "{}", "{'", "import a from b\n", "import {\n", '<A b="', "~~~\n```\n"),
    *("export const a = (\n", "<a b={c}>"),
)


@pytest.mark.parametrize(
    ("unit", "is_mdx"), [(unit, False) for unit in MARKDOWN_UNITS] + [(unit, True) for unit in MDX_UNITS]
)
def test_no_template_syntax_is_slow(unit: str, is_mdx: bool) -> None:
    """Compared with a long body with ordinary template syntax, measured again if it seems slow."""
    text, ordinary = (each * (LENGTH // len(each)) for each in (unit, ORDINARY))
    assert any(
        render_seconds(text, is_mdx=is_mdx) < MOST_TIMES * render_seconds(ordinary, is_mdx=False)
        for _ in range(ATTEMPTS)
    )


def render_seconds(text: str, *, is_mdx: bool) -> float:
    started = time.thread_time()
    render(text, RenderOptions(is_mdx=is_mdx))
    return time.thread_time() - started
