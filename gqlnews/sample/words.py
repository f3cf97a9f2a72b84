"""Vocabulary with Zipf frequencies: the n-th word of 20,000 occurs about 1/n as often as the first.

Common words are English, rare ones are generated from syllables. Every block has a few words of its own,
which its titles and excerpts repeat, so that a search finds the story and a story's articles are similar.
"""

from collections.abc import Callable, Iterator
from functools import cache
from math import isqrt
from random import Random
from typing import NamedTuple

_GLUE = (
    "the of and to a in that is for on with as are by at from it has be was have will this an its their "
    "they which more not can said but or one new also who been up we than about our out into some other "
    "what when you how all there time over after most many such would only them could may two first like "
    "use now so very these between where both each while under before because during through without "
    "against around within"
)
_NEWS = (
    "harbour council station bridge river valley museum library school hospital market railway tunnel "
    "ferry island coast mountain forest garden village city region festival archive orchestra theatre "
    "gallery survey report study plan budget vote permit opening closure repair storm flood drought "
    "harvest winter summer morning evening engineer teacher nurse farmer pilot captain mayor judge "
    "minister scientist artist builder reader visitor resident passenger volunteer student worker owner "
    "member record result figure model method sensor camera robot battery turbine reactor satellite "
    "telescope network system signal software data code machine learning energy water power light heat "
    "carbon steel timber glass concrete copper salt grain wool bread honey apple bicycle tram bus lorry "
    "vessel crane lock canal lighthouse pier beach reef whale salmon heron owl bee oak meadow marsh "
    "glacier volcano earthquake comet eclipse aurora climate weather rainfall temperature height depth "
    "distance speed price wage rent tax grant fund loan bond trade import export supply demand growth "
    "decline merger strike agreement treaty border court trial appeal law rule right duty health vaccine "
    "clinic patient doctor therapy allergy sleep diet sport team match season league stadium final medal "
    "relay marathon chess music song choir album concert film novel poem letter diary map compass café "
    "façade naïve Zürich São Ålesund résumé crème smörgås"
)
_SYLLABLES = tuple(consonant + vowel for consonant in "bdfgklmnprst" for vowel in "aeio")
_ENDINGS = ("", "n", "r", "l", "th")
_VOCABULARY = 20_000


class Lexicon(NamedTuple):
    """Pools for uniform draws; each word is repeated in proportion to its frequency.

    `phrases` are all words in one fixed random order, four at a time, so that running text needs a quarter of
    the draws; `topical` has no function words; `titled` is `topical` capitalized.
    """

    phrases: tuple[str, ...]
    topical: tuple[str, ...]
    titled: tuple[str, ...]


def coined(number: int) -> str:
    """Generate the unique word of a number, with three or more syllables from 2,304 on."""
    count = len(_SYLLABLES)
    rest, first = divmod(number, count)
    rest, second = divmod(rest, count)
    word = _SYLLABLES[first] + _SYLLABLES[second]
    while rest:
        rest, syllable = divmod(rest - 1, count)
        word += _SYLLABLES[syllable]
    return word + _ENDINGS[number % len(_ENDINGS)]


@cache
def lexicon() -> Lexicon:
    """Build the lexicon once: about 100,000 references to 20,000 words."""
    glue, news = _GLUE.split(), _NEWS.split()
    rare = [coined(number) for number in range(_VOCABULARY - len(glue) - len(news))]
    topical = tuple(_repeated(news + rare, _topical_frequency))
    running = _disordered([*_repeated(glue, _glue_frequency), *topical])
    phrases = tuple(" ".join(running[start : start + 4]) for start in range(0, len(running), 4))
    return Lexicon(phrases, topical, tuple(word[0].upper() + word[1:] for word in topical))


def _repeated(words: list[str], frequency: Callable[[int], int]) -> Iterator[str]:
    return (word for rank, word in enumerate(words) for _ in range(frequency(rank)))


def _disordered(words: list[str]) -> list[str]:
    """Shuffle by Fisher-Yates, since the algorithm of `random.shuffle` may change."""
    draw = Random("phrases").random  # noqa: S311 - disorder, not secrecy
    for last in range(len(words) - 1, 0, -1):
        other = int(draw() * (last + 1))
        words[last], words[other] = words[other], words[last]
    return words


def _glue_frequency(rank: int) -> int:
    return 9_000 // (rank + 3)


def _topical_frequency(rank: int) -> int:
    """Return an integer frequency that falls as rank to the power of 1.5, 1 for the rarest words."""
    place = rank + 12
    return max(1, 90_000 // (place * isqrt(place)))


def pick(rng: Random, pool: tuple[str, ...], count: int) -> list[str]:
    """Draw `count` words of a pool, only by `random()`, whose sequence the standard library guarantees."""
    draw = rng.random
    size = len(pool)
    return [pool[int(draw() * size)] for _ in range(count)]
