"""The vocabulary: word frequencies like those of natural language."""

from collections import Counter

from gqlnews.sample.figures import generate_word, lexicon


def test_generated_words_are_unique() -> None:
    assert len({generate_word(number) for number in range(120_000)}) == 120_000


def test_word_frequencies_are_skewed() -> None:
    frequencies = Counter(" ".join(lexicon().phrases).split())
    most = [count for _, count in frequencies.most_common()]
    assert len(most) == 20_000
    assert sum(most[:150]) > sum(most) / 2
    assert most.count(1) > 15_000


def test_title_words_are_the_capitalized_topical_words() -> None:
    words = lexicon()
    assert [word.lower() for word in words.titled] == [word.lower() for word in words.topical]
    assert all(word[0].isupper() for word in words.titled)
