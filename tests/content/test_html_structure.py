"""Long HTML is simplified, so that it can be checked before it is sanitized."""

import pytest

from gqlnews.content.html import RenderOptions, render
from gqlnews.content.html_structure import simplify
from gqlnews.content.models import ParseOptions

PARAGRAPHS = "A *paragraph* with `code`.\n\n" * 130
OPTIONS = RenderOptions(iframe_hosts=ParseOptions().iframe_hosts)
VIDEO = '<iframe src="https://www.youtube.com/embed/x">fallback</iframe>'
LONG = "<p>x</p>" * 300


@pytest.mark.parametrize(
    ("element", "shown"),
    [
        (VIDEO, '<iframe src="https://www.youtube.com/embed/x"></iframe>'),
        ('<IFRAME src="https://evil.org/x"></IFRAME>', ""),
        ("<iframe srcdoc='<b>x</b>'>y", "y"),
        ("<iframe srcdoc='<b>x</b>' src='https://www.youtube.com/embed/x'></iframe>", ""),
        ("<!-- <script> --><b>y</b><!-- </script> -->", "<b>y</b>"),
        ("<script>alert('</b>')\n\n</script>", ""),
        ("<style>p > b { color: red }</style>", ""),
        ("<svg><path d='x'/><title>t</title></svg>", ""),
        ("<select><option>x</option></select>", ""),
        ("<noscript><img src='x'></noscript>", ""),
        ("</script></svg>", ""),
        ("<svg>x", "x"),
    ],
)
def test_a_long_body_stays_html(element: str, shown: str) -> None:
    rendered = render(f"{PARAGRAPHS}before\n\n{element}\n\nafter\n\n{PARAGRAPHS}", OPTIONS)
    assert not rendered.degraded_to_text
    assert rendered.html is not None
    assert rendered.html.count("<em>paragraph</em>") == 260
    middle = rendered.html.partition("<p>before</p>")[2].partition("<p>after</p>")[0]
    assert middle.strip().removeprefix("<p>").removesuffix("</p>").strip() == shown


def test_several_special_elements_are_removed() -> None:
    html = f"{LONG}<!-- <svg> --><script>a</script><svg>b<svg>c</svg>{LONG}<iframe>d</iframe><svg>{LONG}"
    assert simplify(html) == f"{LONG}<!-- <svg> -->{LONG}<iframe></iframe>{LONG}"


def test_short_or_simple_html_is_unchanged() -> None:
    for html in ("<script>x</script>", LONG, f"{LONG}<iframe></iframe>"):
        assert simplify(html) == html


@pytest.mark.parametrize(
    "html", ["<" * 60_000, f"{LONG}<script>x</script><a title='", "<div>" * 3_000, f"{LONG}<script '>"]
)
def test_other_html_is_too_complex(html: str) -> None:
    assert simplify(html) is None
