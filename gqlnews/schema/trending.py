"""Trending articles, by heat with exponential decay.

For a heat above 0, sorting by heat * 2^(-age / halfLife) is the same as sorting by
log2(heat) + published / halfLife, which does not depend on the current time. So nothing underflows, and
cursors need no clock.
"""

from gqlnews.query.arguments import Arguments, ResolvedArguments
from gqlnews.query.connection_args import ConnectionShape, read_collapse, read_page, read_where
from gqlnews.query.cursors import Key, bad_cursor
from gqlnews.query.fields import LEAST, Connection, DecayedScore
from gqlnews.query.filters import FilterParser, now_key, read_duration, read_instant
from gqlnews.query.predicates import Comparison, Operator, every
from gqlnews.schema.filters import ARTICLE_OPERANDS
from gqlnews.schema.orders import ARTICLES_ALIKE
from gqlnews.schema.tables import ARTICLE
from gqlnews.text_keys import heat_log_of
from gqlnews.timestamps import parse_instant, seconds_of

HOTTEST_FIRST = (
    DecayedScore(
        "heat_log", descending=True, number=True, moment="published_seconds", life="half_life", base="heat"
    ),
    *ARTICLE.order,
)


def trending_arguments(arguments: Arguments) -> ResolvedArguments:
    """Resolve the arguments of `trending`. Cursors are valid for one half-life only."""
    half_life = float(read_duration(arguments["halfLife"]))
    as_of = arguments.get("asOf")
    latest = now_key() if as_of is None else read_instant(as_of)

    def read_keys(keys: list[Key], argument: str) -> list[object]:
        heat, published_at, slug = keys
        instant = parse_instant(str(published_at))
        if instant is None or instant.key != published_at:
            raise bad_cursor(argument)
        halvings = heat_log_of(int(heat))
        if halvings is None:
            return [LEAST, published_at, slug]
        return [halvings + seconds_of(str(published_at)) / half_life, published_at, slug]

    page, values = read_page(arguments, f"Query.trending {half_life:.0f}", HOTTEST_FIRST, read_keys)
    values |= {"half_life": half_life, "as_of": latest}
    reader = FilterParser(ARTICLE_OPERANDS, values)
    where = every((Comparison("published_at", Operator.AT_MOST, "as_of"), read_where(reader, arguments)))
    shape = ConnectionShape(page, HOTTEST_FIRST, where, read_collapse(arguments, ARTICLES_ALIKE))
    return ResolvedArguments(shape, values, reader.clock or as_of is None)


TRENDING = Connection(ARTICLE, trending_arguments)
