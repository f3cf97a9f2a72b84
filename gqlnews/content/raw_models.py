"""Raw models: the front matter keys and their types, declared once for both parsers.

Values are as written, not yet interpreted: a date is text, and legacy keys exist beside the current ones.
"""

from typing import Annotated

import msgspec

Text = str | None
Flag = bool | None
Whole = Annotated[int, msgspec.Meta(ge=-(2**31), le=2**31 - 1)] | None
Texts = list[str] | None


class RawModel(msgspec.Struct, rename="camel", forbid_unknown_fields=True, gc=False):
    """Mapping in which all keys are known; absent values are None."""


class RawImage(RawModel):
    """One of `images`."""

    url: Text = None
    width: Whole = None
    height: Whole = None
    title: Text = None
    attribution: Text = None
    is_cached: Flag = None


Images = list[RawImage] | None


class RawProvider(RawModel):
    """`provider`."""

    name: Text = None
    domain: Text = None
    images: Images = None


class RawCoverage(RawModel):
    """Common keys of articles and related entries; the last three are legacy spellings."""

    title: Text = None
    excerpt: Text = None
    published_date_time: Text = None
    original_url: Text = None
    web_url: Text = None
    amp_web_url: Text = None
    cdn_amp_web_url: Text = None
    type: Text = None
    quality: Whole = None
    provider: RawProvider | None = None
    images: Images = None
    source_url: Text = None
    amp_url: Text = None
    cdn_amp_url: Text = None


class RawRelated(RawCoverage):
    """One of `related`."""


Related = list[RawRelated] | None


class RawArticle(RawCoverage, forbid_unknown_fields=False):
    """The whole front matter; unknown keys go to `extra`."""

    category: Text = None
    heat: Whole = None
    published: Flag = None
    topics: Texts = None
    related: Related = None
    featured_content: Text = None
    secured: Text = None


ARTICLE_KEYS = frozenset(field.encode_name for field in msgspec.structs.fields(RawArticle))
