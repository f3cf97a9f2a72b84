"""The vocabulary: word frequencies like those of natural language."""

from collections import Counter

from gqlnews.sample.figures import coined, lexicon


def test_no_two_numbers_coin_one_word() -> None:
    assert len({coined(number) for number in range(120_000)}) == 120_000


def test_a_few_words_are_half_of_the_text_and_most_are_rare() -> None:
    frequencies = Counter(" ".join(lexicon().phrases).split())
    most = [count for _, count in frequencies.most_common()]
    assert len(most) == 20_000
    assert sum(most[:150]) > sum(most) / 2
    assert most.count(1) > 15_000


def test_titles_have_the_words_of_the_text_with_capitals() -> None:
    words = lexicon()
    assert [word.lower() for word in words.titled] == [word.lower() for word in words.topical]
    assert all(word[0].isupper() for word in words.titled)
