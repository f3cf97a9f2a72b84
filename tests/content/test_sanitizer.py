"""`featuredContent` → a safe embed."""

import pytest

from gqlnews.content.models import ParseOptions
from gqlnews.content.sanitizer import sanitize_embed

HOSTS = ("www.youtube.com", "player.vimeo.com")
PLAYER = "https://www.youtube.com/embed/x"
VIDEO = '<iframe width="560" src="https://www.youtube.com/embed/x?a=1&amp;b=2" allowfullscreen=""></iframe>'


def test_a_video_of_an_allowed_host_is_kept() -> None:
    embed = sanitize_embed(f"<div>{VIDEO}</div>", HOSTS)
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
def test_any_other_iframe_is_removed(source: str) -> None:
    assert sanitize_embed(f'<iframe title="src=&quot;" src="{source}"></iframe>', HOSTS) is None
    assert sanitize_embed(f"<p>x</p><iframe src='{source}'>y</iframe>", HOSTS) == "<p>x</p>"


PLAYERS = ParseOptions().iframe_hosts


@pytest.mark.parametrize(
    "source",
    [
        "https://www.youtube.com/embed/dQw4w9WgXcQ",
        "https://youtube.com/embed/a-b_c/",
        "https://www.youtube.com/embed/videoseries?list=PL1&amp;start=2#t=3",
        "https://www.youtube.com/embed?listType=playlist&amp;list=PL1",
        "https://www.youtube.com/embed/?list=PL1",
        "https://www.youtube.com/embed/abc&amp;rel=0",
        "https://www.youtube-nocookie.com/embed/abc?autoplay=0",
        "https://WWW.YouTube.com/embed/abc",
        "HTTPS://player.vimeo.com/video/1234?h=5f&amp;dnt=1",
        " https://player.vimeo.com/video/1234 ",
    ],
)
def test_a_player_of_a_default_host_is_unchanged(source: str) -> None:
    embed = f'<iframe src="{source}"></iframe>'
    assert sanitize_embed(embed, PLAYERS) == embed


@pytest.mark.parametrize(
    "source",
    [
        "https://youtube.com/redirect?q=https://evil.org",
        "https://www.youtube.com/redirect?q=https://evil.org",
        "https://www.youtube.com/logout?continue=//evil.org",
        "https://www.youtube.com",
        "https://www.youtube.com/",
        "https://www.youtube.com/watch?v=x",
        "https://www.youtube.com/embedded/x",
        "https://www.youtube.com/EMBED/x",
        "https://www.youtube.com//embed/x",
        "https://www.youtube.com/?/embed/x",
        "https://www.youtube.com/#/embed/x",
        "https://www.youtube.com/embed/../redirect?q=x",
        "https://www.youtube.com/embed/x/../../redirect?q=x",
        "https://www.youtube.com/embed/..",
        "https://www.youtube.com/embed/.%2e/redirect?q=x",
        "https://www.youtube.com/embed/%2e%2e/redirect?q=x",
        "https://www.youtube.com/embed%2f..%2fredirect?q=x",
        "https://www.youtube.com/embed/%252e%252e%252fredirect",
        "https://www.youtube.com/embed/..\\redirect?q=x",
        "https://www.youtube.com/embed\\x",
        "https://www.youtube.com\\embed/x",
        "https:\\\\www.youtube.com/embed/x",
        "https:///www.youtube.com/embed/x",
        "https://www.youtube.com./embed/x",
        "https://www.youtube.com:443/embed/x",
        "https://www.youtube.com:/embed/x",
        "https://user@www.youtube.com/embed/x",
        "https://youtube.com@evil.org/embed/x",
        "https://youtube.com%40evil.org/embed/x",
        "https://\uff57ww.youtube.com/embed/x",
        "https://www.youtube\u3002com/embed/x",
        "https:\t//www.youtube.com/embed/x",
        "https://www.youtube.com/em&#10;bed/x",
        "&#1;https://www.youtube.com/embed/x",
        "\u00a0https://www.youtube.com/embed/x",
        "//www.youtube.com/embed/x",
        "https://www.youtube-nocookie.com/redirect?q=x",
        "https://player.vimeo.com/",
        "https://player.vimeo.com/external/1.mp4",
        "https://player.vimeo.com/video/",
        "https://player.vimeo.com/video/../logout",
        "https://player.vimeo.com/embed/1",
    ],
)
def test_other_paths_of_a_default_host_are_removed(source: str) -> None:
    assert sanitize_embed(f'<iframe src="{source}"></iframe>', PLAYERS) is None


@pytest.mark.parametrize("host", ["m.youtube.com", "youtube-nocookie.com", "youtube.com"])
def test_a_configured_video_host_is_limited_to_its_player(host: str) -> None:
    hosts = (host, "video.example")
    assert sanitize_embed(f'<iframe src="https://{host}/redirect?q=x"></iframe>', hosts) is None
    assert sanitize_embed(f'<iframe src="https://{host}/embed/x"></iframe>', hosts) is not None


@pytest.mark.parametrize("path", ["", "/", "/a/b.html?c=d#e", "/a b", "/redirect?q=x", "/../%2e%2e/x"])
def test_every_path_of_another_configured_host_is_allowed(path: str) -> None:
    embed = f'<iframe src="https://video.example{path}"></iframe>'
    assert sanitize_embed(embed, ("video.example",)) == embed


@pytest.mark.parametrize("path", ["\\@evil.org/", "@evil.org/", ":8443/", "./", ".evil.org/", "/a&#9;b"])
def test_a_configured_host_allows_no_similar_host(path: str) -> None:
    assert sanitize_embed(f'<iframe src="https://video.example{path}"></iframe>', ("video.example",)) is None


@pytest.mark.parametrize(
    ("written", "safe"),
    [
        ("", ""),
        *(
            (text, text)
            for text in ("autoplay; encrypted-media; fullscreen; picture-in-picture", " autoplay;fullscreen;")
        ),
        ("camera; microphone", None),
        ("camera", None),
        ("camera *; autoplay", "autoplay"),
        (
            "accelerometer; autoplay; clipboard-write; encrypted-media; gyroscope; picture-in-picture",
            "autoplay; encrypted-media; picture-in-picture",
        ),
        ("geolocation; payment; usb; display-capture; clipboard-read; midi; web-share", None),
        ("autoplay *; fullscreen 'src'", "autoplay; fullscreen"),
        ("autoplay https://evil.org; fullscreen 'none'; encrypted-media 'self'", None),
        ("autoplay camera", None),
        ("autoplay, camera", None),
        ("camera&#59; autoplay", "autoplay"),
        ("camera&amp;#59; autoplay", "autoplay"),
        ("autoplay;\tCAMERA;\nmicrophone", "autoplay"),
        ("*", None),
        ("fullscreen; *", "fullscreen"),
    ],
)
def test_only_features_that_a_player_needs_are_allowed(written: str, safe: str | None) -> None:
    attribute = "" if safe is None else f' allow="{safe}"'
    embed = sanitize_embed(f'<iframe src="{PLAYER}" allow="{written}"></iframe>', HOSTS)
    assert embed == f'<iframe src="{PLAYER}"{attribute}></iframe>'


@pytest.mark.parametrize(
    ("written", "stays"),
    [
        *(
            (f'{name}="{value}"', True)
            for name in ("width", "height")
            for value in ("560", "100%", "56.25px")
        ),
        *(
            (f'{name}="{value}"', False)
            for name in ("width", "height")
            for value in ("", "1e9", "-1", "99999", "auto", "1;x", "calc(1px)", "\u0661")
        ),
        ('frameborder="0"', True),
        ('frameborder="no"', True),
        ('frameborder="9"', False),
        ('loading="lazy"', True),
        ('loading="eager"', True),
        ('loading="x"', False),
        ('referrerpolicy="no-referrer"', True),
        ('referrerpolicy="strict-origin-when-cross-origin"', True),
        ('referrerpolicy="unsafe-url"', False),
        ('referrerpolicy="no-referrer-when-downgrade"', False),
        ('referrerpolicy="x"', False),
        ('allowfullscreen=""', True),
        ('title="A &quot;video&quot;"', True),
        ('sandbox="allow-scripts allow-same-origin"', True),
        ('sandbox=""', True),
        ('srcdoc="x"', False),
        ('name="top"', False),
        ('id="x"', False),
        ('class="x"', False),
        ('style="position:fixed"', False),
        ('onload="x"', False),
        ('csp="x"', False),
        ('credentialless=""', False),
        ('allowpaymentrequest=""', False),
        ('allowtransparency="true"', False),
        ('src="https://evil.org/"', False),
    ],
)
def test_an_attribute_is_kept_only_with_a_harmless_value(written: str, stays: bool) -> None:
    embed = sanitize_embed(f'<iframe src="{PLAYER}" {written}></iframe>', HOSTS)
    assert embed == f'<iframe src="{PLAYER}"{f" {written}" if stays else ""}></iframe>'


@pytest.mark.parametrize(
    ("written", "safe"),
    [
        (f'<a title="<iframe>">x</a>{VIDEO}<b title=" onclick=x ">y</b>', None),
        (f'<svg><iframe src="{PLAYER}"><img src=x onerror=y></iframe></svg>', '<img src="x">'),
        (f'<iframe src="{PLAYER}"><script>x</script></iframe>', f'<iframe src="{PLAYER}"></iframe>'),
        (f"&lt;iframe src={PLAYER}&gt;", f"&lt;iframe src={PLAYER}&gt;"),
    ],
)
def test_markup_around_an_iframe_cannot_inject_markup(written: str, safe: str | None) -> None:
    title = '<a title="&lt;iframe&gt;" rel="noopener noreferrer">x</a>'
    assert sanitize_embed(written, HOSTS) == (safe or f'{title}{VIDEO}<b title=" onclick=x ">y</b>')


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
def test_other_html_is_sanitized(written: str, safe: str | None) -> None:
    assert sanitize_embed(written, HOSTS) == safe
