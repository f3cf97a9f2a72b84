"""Words, characters of scripts without spaces, and reading time."""

import sys
import unicodedata
from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gqlnews.content.word_count import count_words
from tests.oracle.content_resolvers import word_count

NAMES = (
    *(
        "CJK UNIFIED IDEOGRAPH",
        "CJK COMPATIBILITY IDEOGRAPH",
        "IDEOGRAPHIC ITERATION MARK",
        "HANGZHOU NUMERAL",
    ),
    *("IDEOGRAPHIC NUMBER ZERO", "VERTICAL IDEOGRAPHIC ITERATION MARK", "VIETNAMESE ALTERNATE READING MARK"),
    *(
        "OLD CHINESE ITERATION MARK",
        "HIRAGANA",
        "HENTAIGANA",
        "KATAKANA",
        "HALFWIDTH KATAKANA",
        "THAI",
        "LAO",
    ),
    *("KHMER", "MYANMAR"),
)
"""How the names of the characters begin that are words of their own."""


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", 0),
        ("one two\nthree", 3),
        ("## one - two |", 5),
        ("naïve café", 2),
        ("人工智能", 4),
        ("我爱 Python 编程", 5),
        ("中文hello世界", 5),
        ("你好、世界。", 4),
        ("きょうは、カーレース。", 9),
        ("สวัสดี", 6),
        ("ສະບາຍດີ", 7),
        ("សួស្តី", 6),
        ("မင်္ဂလာပါ", 9),
        ("한국어 기사", 2),
        ("हिन्दी समाचार", 2),
    ],
)
def test_words_are_counted(text: str, words: int) -> None:
    assert count_words(text)[0] == words


@pytest.mark.parametrize(
    ("words", "characters"), [(1, 0), (240, 0), (241, 0), (0, 500), (0, 501), (120, 250), (120, 251), (1, 1)]
)
def test_reading_time_depends_on_words_and_characters(words: int, characters: int) -> None:
    counted, minutes = count_words("word " * words + "字" * characters)
    assert counted == words + characters
    assert minutes == ceil(words / 240 + characters / 500)


def test_a_body_of_template_syntax_only_takes_a_minute() -> None:
    assert count_words("") == (0, 1)


def test_exactly_the_letters_marks_and_digits_of_these_scripts_are_words() -> None:
    wrong = []
    for code in range(sys.maxunicode + 1):
        character = chr(code)
        name = unicodedata.name(character, "")
        if not name or unicodedata.category(character)[0] not in "LMN":
            continue
        expected = 2 if name.startswith(NAMES) else 1
        if count_words(f"{character}{character}")[0] != expected:
            wrong.append(name)
    assert wrong == []


@given(
    st.text(
        st.characters(codec="utf-8", exclude_categories=["Cn"]) | st.sampled_from(" \n中あカクー、。กำລ្ကမa1-")
    )
)
def test_the_words_of_any_text_are_those_of_the_oracle(text: str) -> None:
    assert count_words(text)[0] == word_count(text)
