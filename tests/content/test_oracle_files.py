"""Files of unusual content folders are parsed as the oracle parses them."""

import json
from pathlib import Path
from typing import Any

import pytest
from strawberry.utils.str_converters import to_camel_case

from gqlnews.content.models import ParsedArticle, ParsedCoverage, ParseOptions, SourceFile
from gqlnews.content.parse_file import parse_file
from gqlnews.discovery.scan import scan_folder
from tests.oracle import content, content_resolvers, folders, names
from tests.oracle.records import Article, Card, Image


@pytest.mark.parametrize("base_url", [None, "https://base.example/news/"])
@pytest.mark.parametrize("seed", range(8))
def test_every_file_is_parsed_as_by_the_oracle(tmp_path: Path, seed: int, base_url: str | None) -> None:
    folder = folders.write_folder(tmp_path / "content", seed, 40)
    expected = {article.slug: of_oracle(article) for article in content.read_folder(folder, base_url)}
    files = [file for file in scan_folder(folder) if isinstance(file, SourceFile)]
    parsed = [parse_file(folder, file, ParseOptions(base_url=base_url)).article for file in files]
    assert {article.slug: of_product(article) for article in parsed if article is not None} == expected


def of_oracle(article: Article) -> dict[str, Any]:
    return card(article) | {
        "topics": list(dict.fromkeys(names.topic_slug(name) for name in article.topics)),
        "related": [card(entry) for entry in article.related],
        "body": article.body,
        "words": content_resolvers.word_count(article.body),
        "minutes": content_resolvers.reading_minutes(article, None),  # type: ignore[arg-type]  # unused
    }


def card(card: Card) -> dict[str, Any]:
    provider = card.provider and (card.provider.domain, card.provider.name, images(card.provider.images))
    return {
        "texts": (card.title, card.excerpt),
        "urls": (card.url, card.web_url, card.original_url, card.amp_web_url, card.cdn_amp_web_url),
        "provider": provider,
        "images": images(card.images),
    }


IMAGE_FIELDS = ("url", "width", "height", "title", "attribution", "is_cached", "alt", "caption")


def images(images: tuple[Image, ...]) -> list[tuple[Any, ...]]:
    return [tuple(getattr(one, name) for name in IMAGE_FIELDS) for one in images]


def of_product(article: ParsedArticle) -> dict[str, Any]:
    return parsed_card(article) | {
        "topics": [topic.slug for topic in article.topics],
        "related": [parsed_card(entry) for entry in article.related],
        "body": article.body,
        "words": article.word_count,
        "minutes": article.reading_minutes,
    }


def parsed_card(card: ParsedCoverage) -> dict[str, Any]:
    provider = card.provider and (
        card.provider.domain,
        card.provider.name,
        parsed_images(card.provider.images),
    )
    return {
        "texts": (card.title, card.excerpt),
        "urls": (card.url, card.web_url, card.original_url, card.amp_web_url, card.cdn_amp_web_url),
        "provider": provider,
        "images": parsed_images(card.images),
    }


def parsed_images(encoded: str) -> list[tuple[Any, ...]]:
    return [tuple(image.get(to_camel_case(name)) for name in IMAGE_FIELDS) for image in json.loads(encoded)]
