"""Write articles as YAML and Markdown with fixed templates, so that no general emitter is needed.

Text is written as JSON strings. Without control characters, which the sample never contains, these are valid
YAML double-quoted scalars.
"""

from json import JSONEncoder

from gqlnews.sample.clock import instant_of
from gqlnews.sample.pieces import Piece

_quote = JSONEncoder(ensure_ascii=False).encode
_ATTRIBUTED = 20
"""One article in this many has an image with an attribution."""


def entry_text(piece: Piece) -> str:
    """Format one item of `related`."""
    return (
        f"  - title: {_quote(piece.title)}\n"
        f"    excerpt: {_quote(piece.excerpt)}\n"
        f"    publishedDateTime: {instant_of(piece.minute)}\n"
        f"    webUrl: {_quote(piece.url)}\n"
        f"{_amp(piece, '    ')}"
        f"    type: {'video' if piece.is_video else 'article'}\n"
        f"    provider:\n"
        f"      name: {_quote(piece.provider_name)}\n"
        f"      domain: {piece.provider.domain}\n"
        f"    quality: {piece.quality}\n"
        f"{_listed_image(piece)}\n"
    )


def article_text(piece: Piece, related: list[str], secured: str, body: str) -> str:
    """Format a whole file; `related` are items from `entry_text`, `body` is Markdown or empty."""
    listed = "related:\n" + "".join(related) if related else ""
    return (
        f"---\n"
        f"category: news\n"
        f"title: {_quote(piece.title)}\n"
        f"excerpt: {_quote(piece.excerpt)}\n"
        f"publishedDateTime: {instant_of(piece.minute)}\n"
        f"originalUrl: {_quote(piece.url)}\n"
        f"webUrl: {_quote(piece.url)}\n"
        f"{_amp(piece, '')}"
        f"type: {'video' if piece.is_video else 'article'}\n"
        f"quality: {piece.quality}\n"
        f"heat: {piece.heat}\n"
        f"published: {'true' if piece.published else 'false'}\n"
        f"\n"
        f"provider:\n"
        f"  name: {_quote(piece.provider_name)}\n"
        f"  domain: {piece.provider.domain}\n"
        f"{_badge(piece)}"
        f"\n"
        f"topics:\n"
        f"{_topics(piece)}"
        f"\n"
        f"{_own_image(piece)}"
        f"{listed}"
        f"{_video(piece)}"
        f'secured: "{secured}"\n'
        f"---\n\n"
        f"{body}"
    )


def _topics(piece: Piece) -> str:
    return "".join([f"  - {topic}\n" for topic in piece.topics])


def _amp(piece: Piece, indent: str) -> str:
    if not piece.has_amp:
        return ""
    page = piece.url.partition("?")[0]
    host = piece.provider.domain.replace(".", "-")
    cached = f"https://{host}.amp.example/c/s/{page.removeprefix('https://')}/amp"
    return f'{indent}ampWebUrl: "{page}/amp"\n{indent}cdnAmpWebUrl: "{cached}"\n'


def _listed_image(piece: Piece) -> str:
    if piece.image is None:
        return ""
    return (
        f"    images:\n"
        f'      - url: "{piece.image}"\n'
        f"        width: {piece.width}\n"
        f"        height: {piece.height}\n"
        f"        isCached: true\n"
    )


def _own_image(piece: Piece) -> str:
    if piece.image is None:
        return ""
    whose = f"    attribution: {_quote(piece.provider_name)}\n" if piece.number % _ATTRIBUTED == 0 else ""
    return (
        f"images:\n"
        f'  - url: "{piece.image}"\n'
        f"    width: {piece.width}\n"
        f"    height: {piece.height}\n"
        f"    title: {_quote(piece.title)}\n"
        f"{whose}"
        f"    isCached: true\n"
        f"\n"
    )


def _badge(piece: Piece) -> str:
    if piece.provider.badge is None:
        return ""
    return f'  images:\n    - url: "{piece.provider.badge}"\n      width: 50\n      height: 50\n'


def _video(piece: Piece) -> str:
    if not piece.is_video:
        return ""
    source = f"https://www.youtube.com/embed/sample{piece.number:07}"
    return f'''featuredContent: '<iframe width="560" height="315" src="{source}"></iframe>'\n\n'''
