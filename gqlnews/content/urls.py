"""URLs and character references of front matter and bodies."""

import re
from collections.abc import Callable
from html import escape, unescape
from html.entities import html5
from urllib.parse import urljoin

ABSOLUTE = ("https://", "http://")
SAFE_SCHEMES = frozenset({"http", "https", "mailto", "tel"})

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")
_IGNORED = re.compile(r"[\x00-\x20\x7f-\xa0\s]+")
_REFERENCE = re.compile(r"&(?:(#[0-9]{1,7}|#[xX][0-9A-Fa-f]{1,6})|([A-Za-z][A-Za-z0-9]{1,31}));")


def decode_references(text: str) -> str:
    """Decode HTML character references such as `&amp;` and `&#39;` once; each must end with `;`."""
    return _REFERENCE.sub(_decode_reference, text) if "&" in text else text


def reference_message(key: str, text: str) -> str:
    """Return the message of a problem with a text that has a character reference."""
    references = (each for each in _REFERENCE.finditer(text) if _decode_reference(each) != each[0])
    reference = next(references)
    character = _decode_reference(reference)
    return f"`{key}` contains `{reference[0]}`, which is served as `{character}`: write `{character}`."


def _decode_reference(reference: re.Match[str]) -> str:
    numeric, name = reference.groups()
    return unescape(reference[0]) if numeric else html5.get(f"{name};", reference[0])


def is_unsafe_url(url: str) -> bool:
    """Return whether a URL has another scheme than http, https, mailto and tel.

    Blanks and control characters are not compared, because browsers ignore some of them.
    """
    scheme = _SCHEME.match(_IGNORED.sub("", url))
    return scheme is not None and scheme[1].lower() not in SAFE_SCHEMES


def unsafe_url_message(url: str) -> str:
    """Return the message of a problem with an unsafe URL."""
    return f"`{url:.40}` is left out: only http, https, mailto, tel and relative URLs are allowed."


def is_relative(url: str) -> bool:
    """Return whether a URL has neither a scheme nor a host."""
    return not url.startswith((*ABSOLUTE, "//")) and _SCHEME.match(url) is None


def resolve_url(url: str, base_url: str | None) -> str:
    """Resolve a relative URL against `base_url`, if there is one."""
    if base_url is None or _SCHEME.match(url):
        return url
    try:
        return urljoin(base_url, url)
    except ValueError:  # not a URL at all, such as `//[`
        return url


# URLs in HTML.


_URL_ATTRIBUTE = re.compile(
    r"""\b(?:href|src|cite)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))""", re.IGNORECASE
)
_OTHER_SCHEME = re.compile(r"""=[\s"']*(?!https?:|mailto:|tel:|text-align:|[#/.])[^"'<>]{0,40}[:&]""")
_MARKUP = re.compile(r"<[a-z][^\"'<>]*+(?:(?:\"[^\"<>]*\"|'[^'<>]*')[^\"'<>]*+)*>", re.IGNORECASE)

_LINK = re.compile(r'(<(?:a|img|blockquote|q|del|ins)(?: [a-z]+="[^"]*")*?)( (?:href|src|cite)=")([^"]*)"')


def find_unsafe_urls(html: str) -> list[str]:
    """Return the distinct unsafe URLs in the attributes of HTML that is not sanitized."""
    if not _OTHER_SCHEME.search(html):
        return []
    attributes = (each for tag in _MARKUP.finditer(html) for each in _URL_ATTRIBUTE.finditer(tag[0]))
    urls = (unescape(each[1] or each[2] or each[3] or "") for each in attributes)
    return [url for url in dict.fromkeys(urls) if is_unsafe_url(url)]


def rewrite_urls(
    html: str,
    rewrite_link: Callable[[str], str],
    rewrite_image: Callable[[str], str],
    rewrite_source: Callable[[str], str],
) -> str:
    """Rewrite the URLs of links, except `#anchor`, of images and of sources (`cite`), in sanitized HTML."""

    rewrites = {' href="': rewrite_link, ' src="': rewrite_image, ' cite="': rewrite_source}

    def replace(link: re.Match[str]) -> str:
        tag, attribute, value = link.groups()
        if value.startswith(ABSOLUTE):
            return link[0]
        url = unescape(value)
        if is_unsafe_url(url):  # the sanitizer does not check `cite`
            return tag
        rewrite = rewrites[attribute]
        rewritten = url if not url or url[0] == "#" else rewrite(url)
        return link[0] if rewritten == url else f'{tag}{attribute}{escape(rewritten)}"'

    return _LINK.sub(replace, html)
