"""Texts for `search` and `matches`: words of the content, operators, and lookalikes of operators."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from .dice import Dice

SPECIAL = (
    *("OR", "AND", "NOT", "-", "--", '"', '""', '-"', "*", "title:", "title:*", "-title:", "a:b", "x*y"),
    *("NEAR(a b)", "^a", "{a}", "+", "(", "\\", "'", "%", "_", "nobody"),
    *("\0", "\u0301", "😀", "日本", "\u2028", "ß", "\ue000"),
)


def search_text(dice: Dice, texts: Sequence[str]) -> str:
    """Return some search terms made of the words in `texts`, such as titles."""
    terms = [term(dice, texts) for _ in range(dice.pick((1, 2, 1, 2, 3, 4, 6, 0)))]
    joined = [part for one in terms for part in (one, *(["OR"] if dice.chance(20) else []))]
    return dice.pick((" ", " ", " ", "  ", "\t", "\u00a0")).join(joined)


def term(dice: Dice, texts: Sequence[str]) -> str:
    words = dice.pick(texts).split() if texts else []
    if not words or dice.chance(10):
        return dice.pick(SPECIAL)
    position = dice.number(0, len(words) - 1)
    return words[position] if not dice.chance(45) else dice.pick(KINDS)(words[position:], dice.number(1, 4))


# (words from some position on, a small number) → a term.
KINDS: tuple[Callable[[Sequence[str], int], str], ...] = (
    lambda words, _: f"-{words[0]}",
    lambda words, count: f'"{" ".join(words[:count])}"',
    lambda words, count: f"{words[0][:count]}*",
    lambda words, _: f"title:{words[0]}",
    lambda words, count: f"title:{words[0][:count]}*",
    lambda words, count: f'-title:"{" ".join(words[:count])}"',
    lambda words, _: words[0].swapcase(),
    lambda words, count: "-".join(words[:count]),
    lambda words, count: f'{words[0]}"{" ".join(words[1:count])}',
)
