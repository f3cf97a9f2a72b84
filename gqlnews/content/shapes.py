"""The front matter keys and their types, declared once, for both readers.

Here values are as written, not yet what they mean: a date is text, an old spelling stands beside the new one.
"""

from typing import Annotated

import msgspec

Text = str | None
Flag = bool | None
Whole = Annotated[int, msgspec.Meta(ge=-(2**31), le=2**31 - 1)] | None
Texts = list[str] | None


class Shape(msgspec.Struct, rename="camel", forbid_unknown_fields=True, gc=False):
    """A mapping of which every key is known; what is absent is None."""


class RawImage(Shape):
    """One of `images`."""

    url: Text = None
    width: Whole = None
    height: Whole = None
    title: Text = None
    attribution: Text = None
    is_cached: Flag = None


Images = list[RawImage] | None


class RawProvider(Shape):
    """`provider`."""

    name: Text = None
    domain: Text = None
    images: Images = None


class RawCoverage(Shape):
    """What an article and a related entry share; the last three are the older spellings."""

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
    """The whole front matter; keys that are none of these are kept as `extra`."""

    category: Text = None
    heat: Whole = None
    published: Flag = None
    topics: Texts = None
    related: Related = None
    featured_content: Text = None
    secured: Text = None


ARTICLE_KEYS = frozenset(field.encode_name for field in msgspec.structs.fields(RawArticle))
