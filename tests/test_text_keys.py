"""Slugs of articles and topics."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gqlnews.text_keys import decode_list, encode_list, slug_from_path, topic_slug
from tests.oracle import names as oracle


@pytest.mark.parametrize(
    ("path", "slug"),
    [
        ("a.md", "a"),
        ("2021/a.b.markdown", "2021/a.b"),
        ("x y/é.md", "x y/é"),
        ("a.md/b.md", "a.md/b"),
        ("e\u0301.md", "é"),
    ],
)
def test_the_slug_of_an_article_is_its_path_without_extension(path: str, slug: str) -> None:
    assert slug_from_path(path) == slug


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("Computer Vision", "computer-vision"),
        ("  AI / ML  ", "ai-ml"),
        ("C", "c"),
        ("C++", "c-plus-plus"),
        ("C#", "c-sharp"),
        ("C++17", "c-plus-plus-17"),
        ("C++ & C#", "c-plus-plus-c-sharp"),
        ("A+ B", "a-plus-b"),
        ("#AI", "ai"),
        ("1+1", "1-plus-1"),
        ("+1", "1"),
        ("Économie", "economie"),
        ("E\u0301conomie", "economie"),
        ("Łódź", "lodz"),
        ("Straße", "strasse"),
        ("ÆØÅ æøå", "aeoa-aeoa"),
        ("Œuvre", "oeuvre"),
        ("Đà Nẵng", "da-nang"),
        ("Þórður", "thordur"),
        ("İstanbul \u0131lik", "istanbul-ilik"),
        ("Ħamrun ŋ", "hamrun-ng"),
        ("Ǽ ǿ", "ae-o"),
        ("Ёлка, й", "ёлка-й"),
        ("हिन्दी समाचार", "हिन्दी-समाचार"),
        ("人工 知能", "人工-知能"),
        ("がぎ", "がぎ"),
        ("\uff21\uff29", "ai"),
        ("❤️ Health", "health"),
        ("1️⃣ one", "1-one"),
        ("x²", "x2"),
        ("snake_case", "snake-case"),
        ("!?", "!?"),
        ("—", "—"),
        ("ﬁnance", "finance"),
        ("日本", "日本"),
        ("Ж", "ж"),
        ("5G", "5g"),
    ],
)
def test_the_slug_of_a_topic(name: str, slug: str) -> None:
    assert topic_slug(name) == slug


@given(st.text(st.characters(codec="utf-8") | st.sampled_from("Aé1+#- łßहिй\u0301"), max_size=12))
def test_the_slug_of_any_topic_is_that_of_the_oracle(name: str) -> None:
    assert topic_slug(name) == oracle.topic_slug(name)


@given(st.text(st.sampled_from("Aé1+# łßहिй"), min_size=1, max_size=12))
def test_a_slug_is_its_own_slug(name: str) -> None:
    assert topic_slug(topic_slug(name)) == topic_slug(name)


@given(st.lists(st.text(st.sampled_from("a\\n\n ☃"))))
def test_a_list_is_decoded_to_its_items(items: list[str]) -> None:
    assert decode_list(encode_list(items)) == items
