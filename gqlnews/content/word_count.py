"""Count words, and characters of scripts that are written without spaces."""

import re

_WORDS_PER_MINUTE = 240
_CHARACTERS_PER_MINUTE = 500

_UNSPACED_SCRIPTS = (  # the letters, marks and digits
    "\u3005\u3007\u3021-\u3029\u3038-\u303b\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufad9"  # Han
    "\U00016fe3\U00016ff0\U00016ff1\U00020000-\U0003ffff"
    "\u3041-\u3096\u309d-\u309f\U0001b001-\U0001b11f\U0001b132\U0001b150-\U0001b152"  # Hiragana
    "\u30a1-\u30fa\u30fc-\u30ff\u31f0-\u31ff\uff66-\uff9f"  # Katakana
    "\U0001aff0-\U0001affe\U0001b000\U0001b120-\U0001b122\U0001b155\U0001b164-\U0001b167"
    "\u0e01-\u0e3a\u0e40-\u0e4e\u0e50-\u0e59"  # Thai
    "\u0e81-\u0edf"  # Lao
    "\u1780-\u17d3\u17d7\u17dc-\u17f9"  # Khmer
    "\u1000-\u1049\u1050-\u109d\ua9e0-\ua9fe\uaa60-\uaa76\uaa7a-\uaa7f\U000116d0-\U000116e3"  # Burmese
)
_MAY_BE_UNSPACED = re.compile("[\u0e01-\u1fff\u2e80-\U0003ffff]")  # a much faster search
_UNSPACED = re.compile(f"[{_UNSPACED_SCRIPTS}]")
_UNSPACED_RUN = re.compile(f"[{_UNSPACED_SCRIPTS}]+")
_LETTER_OR_DIGIT = re.compile(r"[^\W_]")


def count_words(text: str) -> tuple[int, int]:
    """Return the number of words of a text, and the reading time in minutes, rounded up, at least 1.

    Words are separated by white space. Each character of a script without spaces is a word of its own, and so
    are the words of other scripts between such characters.
    """
    characters = len(_UNSPACED.findall(text)) if _MAY_BE_UNSPACED.search(text) else 0
    words = sum(map(_count_spaced, text.split())) if characters else len(text.split())
    minutes = -(
        -(words * _CHARACTERS_PER_MINUTE + characters * _WORDS_PER_MINUTE)
        // (_WORDS_PER_MINUTE * _CHARACTERS_PER_MINUTE)
    )
    return words + characters, max(1, minutes)


def _count_spaced(token: str) -> int:
    """Count the words of a piece of text without white space, except those of one character each."""
    if not _UNSPACED.search(token):
        return 1
    return sum(_LETTER_OR_DIGIT.search(part) is not None for part in _UNSPACED_RUN.split(token))
