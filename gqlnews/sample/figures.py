"""Statistics of a real content folder: distributions, dates, and word frequencies."""

from bisect import bisect_right
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import accumulate
from math import isqrt
from random import Random
from typing import NamedTuple

# Statistics of a real content folder: 8,682 articles of an aggregator, counted file by file.
#
# Every distribution is a table, not a formula, because the last digit of `math.log` and `**` differs between
# platforms, and the sample must be the same on all of them.


def happens(rng: Random, share: float) -> bool:
    """Return True with probability `share`."""
    return rng.random() < share


class Quantiles(NamedTuple):
    """Distribution of integers: `values[i]` is the quantile at `shares[i]` (0 to 1, ascending)."""

    shares: tuple[float, ...]
    values: tuple[int, ...]

    def at(self, share: float) -> int:
        """Return the quantile at `share` (0 to 1, exclusive), rounded to an integer."""
        return int(self.between(share) + 0.5)

    def between(self, share: float) -> float:
        """Return the quantile at `share`, by linear interpolation."""
        right = bisect_right(self.shares, share)
        left = right - 1
        part = (share - self.shares[left]) / (self.shares[right] - self.shares[left])
        return self.values[left] + part * (self.values[right] - self.values[left])


class Weights(NamedTuple):
    """Weighted values; `sums` is the running sum of their weights."""

    values: tuple[int, ...]
    sums: tuple[float, ...]

    def at(self, share: float) -> int:
        """Return the value at `share` (0 to 1, exclusive) of the total weight."""
        return self.values[bisect_right(self.sums, share * self.sums[-1])]


def build_weights(counts: Sequence[tuple[int, float]]) -> Weights:
    """Build Weights from pairs of value and weight."""
    return Weights(tuple(value for value, _ in counts), tuple(accumulate(weight for _, weight in counts)))


_NINE_SHARES = (0.0, 0.01, 0.05, 0.25, 0.5, 0.75, 0.9, 0.99, 1.0)

TITLE_LENGTH = Quantiles(_NINE_SHARES, (17, 29, 40, 57, 70, 87, 109, 141, 150))
EXCERPT_LENGTH = Quantiles(_NINE_SHARES, (60, 119, 188, 309, 342, 346, 348, 350, 455))
QUALITY_PUBLISHED = Quantiles(_NINE_SHARES, (50, 53, 56, 68, 83, 89, 137, 189, 219))
QUALITY_UNPUBLISHED = Quantiles(_NINE_SHARES, (0, 0, 4, 24, 39, 54, 66, 89, 201))
HEAT_BONUS = Quantiles(_NINE_SHARES, (1, 10, 10, 10, 20, 30, 70, 340, 920))
"""Difference between heat and quality, for published articles whose heat is higher."""

# Shares of all articles, unless noted otherwise.
SHARE_WITH_HEAT_BONUS = 0.56  # of the published
SHARE_WITHOUT_HEAT = 0.587  # of the unpublished: these have heat -1, the others their quality as heat
SHARE_IN_FIRST_TOPIC = 0.995
SHARE_WITH_IMAGE = 0.84
SHARE_WITH_AMP = 0.44
SHARE_OF_ESCAPED_IMAGES = 0.017
SHARE_OF_ESCAPED_PAGES = 0.002
SHARE_OF_VIDEOS = 0.02
SHARE_AT_MIDNIGHT = 0.16
SHARE_WITH_BODY = 0.2

SHARE_OF_PUBLISHED_STORIES = 0.615
SHARE_PUBLISHED_TWICE = 0.035  # of these stories
SHARE_OF_PUBLISHED_OUTSIDERS = 0.235
SHARE_OF_DUPLICATES = 0.031  # of the outsiders
SHARE_OF_OLDER_DUPLICATES = 0.7  # of the duplicates; the others have the same date
SHARE_OF_DISAGREEING_DUPLICATES = 0.19

# Shares of the related lists.
SHARE_LISTING_THEMSELVES = 0.026
SHARE_WITH_REPEATS = 0.11
SHARE_WITH_EXTERNAL_ENTRIES = 0.1

# Shares of the related entries. Drifted titles are a subset of drifted excerpts; dates and qualities drift
# together.
SHARE_OF_DRIFTED_TITLES = 0.02
SHARE_OF_DRIFTED_EXCERPTS = 0.048
SHARE_OF_DRIFTED_NUMBERS = 0.037

PROVIDER_RANKS = Quantiles(
    (0.0, 0.059, 0.109, 0.146, 0.174, 0.196, 0.23, 0.266, 0.313, 0.35,
     0.404, 0.483, 0.564, 0.634, 0.725, 0.793, 0.848, 0.886, 0.93, 1.0),
    (0, 1, 2, 3, 4, 5, 7, 10, 15, 20, 30, 50, 80, 120, 200, 300, 420, 541, 800, 2600),
)  # fmt: skip
"""Number of the busiest providers that together publish a given share of all articles.

The tail is longer than the real one, because a random draw omits many providers that have a single article.
"""

REAL_ARTICLES = 8682

TOPICS = (
    ("News", 8639), ("Climate", 1005), ("Rail and Roads", 952), ("Machine Learning", 853), ("Oceans", 727),
    ("Robotics", 697), ("Public Health", 646), ("Energy", 524), ("Housing", 420), ("Schools", 362),
    ("Farming", 338), ("Museums", 288), ("Local Government", 243), ("Space", 231), ("Weather Records", 161),
)  # fmt: skip
"""Invented names with real counts: one topic of nearly all articles, and fourteen other topics."""

CIPHER_BLOCKS = build_weights([(13, 5796), (14, 874), (15, 363), (22, 1145), (23, 471), (24, 33)])
"""Number of 16-byte cipher blocks in the encrypted payload."""

STORY_SIZES = build_weights([
    (2, 518), (3, 134), (4, 71), (5, 31), (6, 18), (7, 18), (8, 8), (9, 7), (10, 5), (11, 2),
    (12, 4), (13, 2), (14, 3), (15, 1), (16, 2), (17, 4), (18, 5), (19, 1), (24, 1), (35, 2),
    (36, 1), (42, 1), (43, 1), (47, 1), (62, 1), (63, 1), (70, 1),
])  # fmt: skip


# Dates of the sample, in minutes since the start of three fixed years, independent of clock and time zone.


_START = datetime(2023, 1, 1, tzinfo=UTC)

MINUTES = (datetime(2026, 1, 1, tzinfo=UTC) - _START) // timedelta(minutes=1)
"""Number of minutes in the three years."""


def format_timestamp(minute: int) -> str:
    """Format the timestamp, as `2024-05-17T09:41:00Z`."""
    return f"{(_START + timedelta(minutes=minute)).isoformat()[:19]}Z"


def format_date(minute: int) -> str:
    """Format the date, as `2024-05-17`."""
    return format_timestamp(minute)[:10]


# Vocabulary with Zipf frequencies: the n-th word of 20,000 occurs about 1/n as often as the first.
#
# Common words are English, rare words are generated from syllables. Every block has a few words that are
# repeated in its titles and excerpts, so that a search finds a story, and its articles are similar.


_FUNCTION_WORDS = (
    "the of and to a in that is for on with as are by at from it has be was have will this an its their "
    "they which more not can said but or one new also who been up we than about our out into some other "
    "what when you how all there time over after most many such would only them could may two first like "
    "use now so very these between where both each while under before because during through without "
    "against around within"
)
_TOPICAL_WORDS = (
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

    `phrases` contains all words in a fixed random order, in groups of four, so that running text needs only a
    quarter of the draws. `topical` has no function words. `titled` is `topical`, capitalized.
    """

    phrases: tuple[str, ...]
    topical: tuple[str, ...]
    titled: tuple[str, ...]


def generate_word(number: int) -> str:
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
    function_words, news = _FUNCTION_WORDS.split(), _TOPICAL_WORDS.split()
    rare = [generate_word(number) for number in range(_VOCABULARY - len(function_words) - len(news))]
    topical = tuple(word for rank, word in enumerate(news + rare) for _ in range(_topical_frequency(rank)))
    repeated = [word for rank, word in enumerate(function_words) for _ in range(9_000 // (rank + 3))]
    running = _shuffled([*repeated, *topical])
    phrases = tuple(" ".join(running[start : start + 4]) for start in range(0, len(running), 4))
    return Lexicon(phrases, topical, tuple(word[0].upper() + word[1:] for word in topical))


def _shuffled(words: list[str]) -> list[str]:
    """Shuffle by Fisher-Yates, since the algorithm of `random.shuffle` may change."""
    draw = Random("phrases").random  # noqa: S311 - not used for security
    for last in range(len(words) - 1, 0, -1):
        other = int(draw() * (last + 1))
        words[last], words[other] = words[other], words[last]
    return words


def _topical_frequency(rank: int) -> int:
    """Return an integer frequency that falls as rank to the power of 1.5, 1 for the rarest words."""
    offset_rank = rank + 12
    return max(1, 90_000 // (offset_rank * isqrt(offset_rank)))


def pick(rng: Random, pool: tuple[str, ...], count: int) -> list[str]:
    """Draw `count` words from a pool, using only `random()`, whose sequence the standard library fixes."""
    draw = rng.random
    size = len(pool)
    return [pool[int(draw() * size)] for _ in range(count)]
