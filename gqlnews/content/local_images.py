"""Find the images of an article that lie in the content folder.

1. A relative URL may stand for several files: one beside the article's file, and one for each folder that the
   site generator publishes at the root of the site. The first of them that is an image counts.
2. Its header is read. If it is an image, the article gets its type and, where the file of the article says
   nothing else, its width and height. The URL becomes that of the server's media endpoint, unless the site
   has a base URL, from where its images are loaded then.
3. The paths that were tried are a result too: if one of these files changes, the article is parsed again.
"""

import posixpath
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple, TypeVar
from urllib.parse import quote, unquote, urlsplit

import msgspec

from gqlnews.content.image_files import NO_FILE, FileStatus, open_regular_file, status_of
from gqlnews.content.image_header import ImageHeader, read_image_header
from gqlnews.content.images import JSON_ENCODER, StoredImage
from gqlnews.content.models import ImageFile, ParsedArticle, ParsedCoverage
from gqlnews.content.presets.generators import PRESETS
from gqlnews.content.presets.site import ContentSite, get_host
from gqlnews.content.safe_open import OpenFolder
from gqlnews.content.urls import is_relative

MEDIA_PREFIX = "/media/"
MAX_IMAGES = 500  # of one article; further ones are not looked up

_IMAGES = msgspec.json.Decoder(list[StoredImage])

CoverageT = TypeVar("CoverageT", bound=ParsedCoverage)


class FoundImage(NamedTuple):
    """Image in the content folder, by its path relative to that; `url` is the one to serve."""

    path: str
    header: ImageHeader
    url: str


class ImageFinder:
    """Finder of the images of one article. `files` are the files that it has tried, by path.

    `path` is that of the article's file in the content folder.
    """

    def __init__(self, folder: OpenFolder, path: str, site: ContentSite, base_url: str | None) -> None:
        self.files: dict[str, ImageFile] = {}
        self._folder, self._site = folder, site
        self._parent = posixpath.dirname(path)
        self._has_host = get_host(base_url) is not None
        self._found: dict[str, FoundImage | None] = {}

    def find(self, written: str, url: str) -> FoundImage | None:
        """Return the image of a relative URL; `url` is what it resolves to. Raises ExhaustedError."""
        if written not in self._found:
            self._found[written] = self._look_up(written, url)
        return self._found[written]

    def _look_up(self, written: str, url: str) -> FoundImage | None:
        if not is_relative(written) or len(self._found) >= MAX_IMAGES:
            return None
        for path in dict.fromkeys(self._candidates(written, url)):
            status, header = _inspect(self._folder, path)
            self.files[path] = ImageFile(path, header is not None, *status)
            if header is not None:
                served = url if self._has_host else MEDIA_PREFIX + quote(path)
                return FoundImage(path, header, served)
        return None

    def _candidates(self, written: str, url: str) -> Iterator[str]:
        """Yield the paths in the content folder that the URL may stand for, the best first."""
        try:
            own, address = unquote(urlsplit(written).path), unquote(urlsplit(url).path)
        except ValueError:  # not a URL at all, such as `//[`
            return
        paths = [*self._published_paths(own if own.startswith("/") else address)]
        if own and not own.startswith("/"):
            paths = [posixpath.join(self._parent, own), *paths]
        for path in map(posixpath.normpath, paths):
            if _is_visible(path):
                yield path

    def _published_paths(self, address: str) -> Iterator[str]:
        """Yield the files that the generator publishes at a root-relative address."""
        site = self._site
        base = unquote(urlsplit(site.base_url or "").path).rstrip("/")
        relative = address.removeprefix(base) if address.startswith(f"{base}/") else address
        if not relative.startswith("/"):
            return
        relative = posixpath.normpath(relative)  # without `..`, which leads nowhere from the root
        for folder in (*PRESETS[site.preset].static, site.common):
            path = posixpath.normpath(f"{folder}/{relative}".lstrip("/"))
            if not site.outside:
                yield posixpath.join(site.inside, path)
            elif path.startswith(f"{site.outside}/"):
                yield path[len(site.outside) + 1 :]


def _is_visible(path: str) -> bool:
    """Return whether no component of a normal path is hidden (as `..` is), and it can be that of a file."""
    return not (path.startswith(("/", ".")) or "/." in path or "\0" in path)


def _inspect(folder: OpenFolder, path: str) -> tuple[FileStatus, ImageHeader | None]:
    file = open_regular_file(folder, path)
    if file is None:
        return NO_FILE, None
    with file:
        status = status_of(file)
        try:
            return status, read_image_header(file)
        except OSError:  # the disk fails; the next scan reads it again, because this is the status of no file
            return NO_FILE, None


# The images of an article's front matter. Those of its body are found by `html.link_body`.


def place_images(article: ParsedArticle, finder: ImageFinder) -> ParsedArticle:
    """Complete the images of an article, of its provider, its authors and its related entries."""
    found = {
        url: image
        for url, written in article.relative_images
        if (image := finder.find(written, url)) is not None
    }
    if not found:
        return article
    related = tuple(_place(entry, found) for entry in article.related)
    authors = tuple(
        msgspec.structs.replace(each, image=_place_json(each.image, found)) for each in article.authors
    )
    return msgspec.structs.replace(_place(article, found), related=related, authors=authors)


def _place(coverage: CoverageT, found: Mapping[str, FoundImage]) -> CoverageT:
    provider = coverage.provider
    if provider is not None:
        provider = msgspec.structs.replace(provider, images=_place_json(provider.images, found))
    return msgspec.structs.replace(coverage, images=_place_json(coverage.images, found), provider=provider)


def _place_json(images: str, found: Mapping[str, FoundImage]) -> str:
    return JSON_ENCODER.encode(list(_placed(_IMAGES.decode(images), found))).decode()


def _placed(images: Iterable[StoredImage], found: Mapping[str, FoundImage]) -> Iterator[StoredImage]:
    for each in images:
        image = found.get(each.url)
        if image is not None:
            each.url, each.mime_type = image.url, image.header.mime_type
            each.width = image.header.width if each.width is None else each.width
            each.height = image.header.height if each.height is None else each.height
        yield each
