"""Images as the store holds them: a JSON array with the keys of the API, in the order of the API."""

import msgspec

from gqlnews.content.diagnostics import FieldPath, ProblemCode
from gqlnews.content.models import RawImage
from gqlnews.content.parse_context import ParseContext

JSON_ENCODER = msgspec.json.Encoder()
NO_IMAGES = "[]"

IMAGE_URL_KEYS = ("url", "src", "path")
"""Keys of the URL in a mapping that describes an image, in order of precedence."""


class StoredImage(msgspec.Struct, rename="camel", omit_defaults=True, gc=False):
    """Image as the API returns it; most have none of the last keys."""

    url: str
    width: int | None
    height: int | None
    title: str | None
    attribution: str | None
    is_cached: bool
    alt: str | None = None
    caption: str | None = None
    mime_type: str | None = None


def encode_images(raw: list[RawImage] | None, field_path: FieldPath, context: ParseContext) -> str:
    """Encode the images as JSON text, without those that have no URL."""
    if not raw:
        return NO_IMAGES
    images = []
    for index, each in enumerate(raw):
        image_path = (*field_path, "images", index)
        image = build_image(each, image_path, context)
        if image is not None:
            images.append(image)
        elif not each.url or each.url.isspace():
            message = "An image without `url` is left out: add the key, or delete the image."
            context.report(image_path, ProblemCode.LEFT_OUT, message)
    return JSON_ENCODER.encode(images).decode()


def build_image(raw: RawImage, field_path: FieldPath, context: ParseContext) -> StoredImage | None:
    """Build an image; None without a URL that is safe."""
    url = context.read_image_url(raw.url, field_path, "url")
    if url is None:
        return None
    return StoredImage(
        url,
        raw.width,
        raw.height,
        context.read_text(raw.title, field_path, "title"),
        context.read_text(raw.attribution, field_path, "attribution"),
        raw.is_cached or False,
        context.read_text(raw.alt, field_path, "alt"),
        context.read_text(raw.caption, field_path, "caption"),
    )
