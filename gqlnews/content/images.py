"""Images as the store holds them: a JSON array with the keys of the API, in the order of the API."""

import msgspec

from gqlnews.content.diagnostics import FieldPath, ProblemCode
from gqlnews.content.models import RawImage
from gqlnews.content.parse_context import ParseContext

JSON_ENCODER = msgspec.json.Encoder()
NO_IMAGES = "[]"


class StoredImage(msgspec.Struct, rename="camel", gc=False):
    """Image as the API returns it."""

    url: str
    width: int | None
    height: int | None
    title: str | None
    attribution: str | None
    is_cached: bool


def encode_image(url: str) -> str:
    """Encode one image as the JSON array."""
    return JSON_ENCODER.encode([StoredImage(url, None, None, None, None, is_cached=False)]).decode()


def encode_images(raw: list[RawImage] | None, field_path: FieldPath, context: ParseContext) -> str:
    """Encode the images as JSON text, without those that have no URL."""
    if not raw:
        return NO_IMAGES
    images = []
    for index, each in enumerate(raw):
        image_path = (*field_path, "images", index)
        url = context.read_url(each.url, image_path, "url")
        if url is None:
            if not each.url or each.url.isspace():
                message = "An image without `url` is left out: add the key, or delete the image."
                context.report(image_path, ProblemCode.LEFT_OUT, message)
            continue
        title = context.read_text(each.title, image_path, "title")
        attribution = context.read_text(each.attribution, image_path, "attribution")
        images.append(StoredImage(url, each.width, each.height, title, attribution, each.is_cached or False))
    return JSON_ENCODER.encode(images).decode()
