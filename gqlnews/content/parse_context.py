"""Read texts and URLs of the front matter, and report what is wrong with them."""

from dataclasses import dataclass, field

from gqlnews.content.diagnostics import Diagnostic, FieldPath, ProblemCode
from gqlnews.content.models import ParseOptions
from gqlnews.content.urls import (
    ABSOLUTE,
    decode_references,
    is_relative,
    is_unsafe_url,
    reference_message,
    resolve_url,
    unsafe_url_message,
)


@dataclass(slots=True)
class ParseContext:
    """Parse context of one file: the options and the diagnostics so far.

    Relative URLs are resolved against `base_url`: the article's `webUrl`, once it is known. `relative_images`
    are the relative URLs of images as written, by what they resolve to.
    """

    options: ParseOptions
    base_url: str | None
    diagnostics: list[Diagnostic] = field(default_factory=list)
    relative_images: dict[str, str] = field(default_factory=dict)

    def report(self, field_path: FieldPath, code: ProblemCode, message: str) -> None:
        """Add a diagnostic."""
        self.diagnostics.append(Diagnostic(field_path, code, message))

    def read_url(self, text: str | None, field_path: FieldPath, key: str) -> str | None:
        """Return a resolved URL; None if there is none, or if it is unsafe."""
        if not text or text.isspace():
            return None
        if "&" not in text and text.startswith(ABSOLUTE):
            return text
        url = decode_references(text)
        if url != text:
            self.report((*field_path, key), ProblemCode.ESCAPED_URL, reference_message(key, text))
        if is_unsafe_url(url):
            self.report((*field_path, key), ProblemCode.UNSAFE_URL, unsafe_url_message(url))
            return None
        return resolve_url(url, self.base_url)

    def read_image_url(self, text: str | None, field_path: FieldPath, key: str) -> str | None:
        """Return the URL of an image, and note what was written if it is relative."""
        url = self.read_url(text, field_path, key)
        if url is None or text is None or text.startswith(ABSOLUTE):
            return url
        if is_relative(written := decode_references(text)):
            self.relative_images[url] = written
        return url

    def read_text(self, text: str | None, field_path: FieldPath, key: str) -> str | None:
        """Return a text without surrounding white space, its character references decoded."""
        if text is None:
            return None
        return text.strip() if "&" not in text else self.decode(text, (*field_path, key), key)

    def decode(self, text: str, field_path: FieldPath, name: str) -> str:
        """Decode character references in a text, and trim it; `name` is the key that the message names."""
        decoded = decode_references(text)
        if decoded != text:
            self.report(field_path, ProblemCode.HTML_ENTITY, reference_message(name, text))
        return decoded.strip()
