"""`featuredContent` → a safe embed."""

import pytest

from gqlnews.content.embed import safe_embed

HOSTS = ("www.youtube.com", "player.vimeo.com")
VIDEO = '<iframe width="560" src="https://www.youtube.com/embed/x?a=1&amp;b=2" allowfullscreen=""></iframe>'


def test_a_video_of_an_allowed_host_stays() -> None:
    embed = safe_embed(f"<div>{VIDEO}</div>", HOSTS)
    assert embed is not None
    assert 'src="https://www.youtube.com/embed/x?a=1&amp;b=2"' in embed
    assert embed.count("iframe") == 2


@pytest.mark.parametrize(
    "source",
    [
        *(
            "http://www.youtube.com/embed/x",
            "//www.youtube.com/embed/x",
            "/embed/x",
            "https://evil.org/x",
            "",
        ),
        *(
            "https://www.youtube.com.evil.org/x",
            "https://evil.org/www.youtube.com",
            "https://www.youtube.com@evil.org/",
        ),
        *(
            "https://www.youtube.com:444/x",
            "https://www.youtube.com\\@evil.org/",
            "javascript:alert(1)",
            "https://[",
        ),
        *(
            "data:text/html,x",
            "https://a\u2100b/",
            "//[",
            "//a\u2100b/",
            "https:www.youtube.com/embed/x",
            "https://user@www.youtube.com/x",
        ),
    ],
)
def test_an_iframe_of_anything_else_goes(source: str) -> None:
    assert safe_embed(f'<iframe title="src=&quot;" src="{source}"></iframe>', HOSTS) is None
    assert safe_embed(f"<p>x</p><iframe src='{source}'>y</iframe>", HOSTS) == "<p>x</p>"


@pytest.mark.parametrize(
    ("written", "safe"),
    [
        ("<script>alert(1)</script>", None),
        ("<iframe srcdoc='<script>x</script>'></iframe>", None),
        ("<b onclick=x>y</b>", "<b>y</b>"),
        ("words", "words"),
        ("", None),
        ("  ", None),
    ],
)
def test_the_rest_is_sanitised(written: str, safe: str | None) -> None:
    assert safe_embed(written, HOSTS) == safe
