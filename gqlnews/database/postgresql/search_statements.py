"""The SELECTs of the SQL function `search_hits`, which read its variables."""

from gqlnews.database.postgresql.postings import (
    BLOCK_BITS,
    COLUMN_BITS,
    COUNT_BITS,
    HASH_BITS,
    TOKEN_BITS,
    WEIGHTS,
)

# ruff: noqa: S608 - these statements are built from constants only

# `h` is a posting or a place, `s` is a position with the number of the block, `p` is a row of `_rows`.

_OFFSET = f"(h >> {2 * COUNT_BITS})"
_FREQUENCY = f"(h >> {COUNT_BITS} & {(1 << COUNT_BITS) - 1})"
_LENGTH = f"(h & {(1 << COUNT_BITS) - 1})"
_VALUE = f"(h & {(1 << 2 * COUNT_BITS) - 1})"  # a posting without its offset
_ID = f"(p.block::bigint << {BLOCK_BITS} | {_OFFSET})"
_IS_LIVE = f"(p.live IS NULL OR get_bit(p.live, {_OFFSET}::integer) = 1)"

ARTICLE_SHIFT = COLUMN_BITS + TOKEN_BITS
_POSITION = f"(p.block::bigint << {BLOCK_BITS + ARTICLE_SHIFT} | (h >> {HASH_BITS}))"
_NEXT = f"(h & {(1 << HASH_BITS) - 1})"
_PLACE_COLUMN = f"(h >> {HASH_BITS + TOKEN_BITS} & {(1 << COLUMN_BITS) - 1})"
_PLACE_IS_LIVE = f"(p.live IS NULL OR get_bit(p.live, (h >> {HASH_BITS + ARTICLE_SHIFT})::integer) = 1)"
_WEIGHT = (
    f"('{{{','.join(map(str, WEIGHTS))}}}'::integer[])[(s >> {TOKEN_BITS} & {(1 << COLUMN_BITS) - 1}) + 1]"
)


def _rows(condition: str, among: str = "") -> str:
    """Select the rows of words: `block`, `live`, `postings` of the title or of all columns, and `places`.

    `among` names an array of blocks that limits them.
    """
    columns = "CASE WHEN in_title THEN {0}.title_postings ELSE {0}.postings END AS postings, {0}.places"
    limit = f" AND {{}} = ANY ({among})" if among else ""
    return (
        f"(SELECT b.block, m.live, {columns.format('b')} FROM search_block AS b"
        f" LEFT JOIN search_mask AS m ON m.block = b.block"
        f" WHERE b.scope = search_hits.scope AND {condition.format('b')}{limit.format('b.block')}"
        f" UNION ALL SELECT (f.article >> {BLOCK_BITS})::integer, NULL, {columns.format('f')}"
        f" FROM search_fresh AS f WHERE {condition.format('f')}"
        f"{limit.format(f'(f.article >> {BLOCK_BITS})::integer')}"
        " AND (f.published OR search_hits.scope = 1)) AS p"
    )


FEW = 500  # positions of a phrase

WORD = "{}.word = token"
PREFIX = "{0}.word >= token AND {0}.word < token_end"


def _each(array: str, condition: str, among: str = "") -> str:
    """Select each element of an array of these rows as `h`; faster than unnest in FROM."""
    return f"(SELECT p.block, p.live, unnest(p.{array}) AS h FROM {_rows(condition, among)}) AS p"


def is_in(value: str, array: str) -> str:
    """Look up a value in a hash table of the array; PostgreSQL might join them with nested loops."""
    return f"({value} IN (SELECT unnest({array}))) IS TRUE"


def _arrays(*values: str) -> str:
    return ", ".join(f"coalesce(array_agg({value}), '{{}}')" for value in values)


def into(statement: str, *variables: str) -> str:
    """Store the result of a SELECT in variables."""
    return f"SELECT x.* INTO {', '.join(variables)} FROM ({statement}) AS x"


def _part(idf: str, frequency: str, length: str) -> str:
    """What a phrase adds to the score of an article: bm25 with k1 = 1.2 and b = 0.75.

    PostgreSQL must not compute any of it as numeric.
    """
    return (
        f"{idf} * (({frequency}::float8 * 2.2::float8) / ({frequency}::float8 + 1.2::float8"
        f" * (0.25::float8 + 0.75::float8 * {length}::float8 / average)))"
    )


def _score(sum_of_parts: str) -> str:
    """Return the score as SQLite's `CAST(round(-rank * 1e12) AS INTEGER)`."""
    return f"floor(1e12::float8 * ({sum_of_parts}) + 0.5::float8)::bigint"


# Sums of integers are faster than those of bigints, which PostgreSQL computes as numeric.

# Statements on words. They read the variables `token`, `token_end`, `in_title`, `candidates` and `blocks`.

COUNT = f"""
SELECT coalesce(sum(CASE WHEN p.live IS NULL THEN cardinality(p.postings)
    ELSE (SELECT count(*) FROM unnest(p.postings) AS h WHERE {_IS_LIVE}) END), 0)
FROM {_rows(WORD)}
"""
SCORES_OF_WORD = f"""
SELECT {_ID}, {_score(_part("idf", _FREQUENCY, _LENGTH))}
FROM {_each("postings", WORD)} WHERE {_IS_LIVE}
"""
POSTINGS = f"""
SELECT {_arrays(_ID, _VALUE)} FROM {_each("postings", WORD)} WHERE {_IS_LIVE}
"""
POSTINGS_AMONG = f"""
SELECT {_arrays(_ID, _VALUE)} FROM {_each("postings", WORD, "blocks")}
WHERE {is_in(_ID, "candidates")} AND {_IS_LIVE}
"""
POSTINGS_OF_PREFIX = f"""
SELECT {_arrays("x.id", "x.value")}
FROM (
    SELECT {_ID} AS id, sum({_FREQUENCY}::integer) << {COUNT_BITS} | min({_LENGTH}) AS value
    FROM {_each("postings", PREFIX)} WHERE {_IS_LIVE} GROUP BY 1
) AS x
"""

# Statements on places: `starts` are the positions of the first token. They also read `number` of the column,
# `shift` of the token in the phrase, and `following`, the hash of the next token or null.


def starts(condition: str, among: str = "", also: str = "true") -> str:
    return (
        f"SELECT {_arrays(f'{_POSITION} - shift')} FROM {_each('places', condition, among)}"
        f" WHERE (following IS NULL OR {_NEXT} = following) AND (number IS NULL OR {_PLACE_COLUMN} = number)"
        f" AND {_PLACE_IS_LIVE} AND {also}"
    )


def starts_among(condition: str) -> str:
    return starts(condition, "blocks", is_in(f"({_POSITION} - shift)", "starts"))


_FREQUENCIES = f"""
SELECT s >> {ARTICLE_SHIFT} AS id, sum({_WEIGHT}) AS frequency
FROM (SELECT unnest(starts) AS s) AS u GROUP BY 1
"""
POSTINGS_OF_FEW_STARTS = f"""
SELECT {_arrays("x.id", f"x.frequency << {COUNT_BITS} | a.length")}
FROM ({_FREQUENCIES}) AS x JOIN search_article AS a ON a.article = x.id
"""
# The lengths of many articles are read from the postings of a token, and grouped with the positions.
POSTINGS_OF_STARTS = f"""
SELECT {_arrays("x.id", f"x.frequency << {COUNT_BITS} | x.length")}
FROM (
    SELECT e.id, bit_or(e.frequency) AS frequency, bit_or(e.length) AS length
    FROM (
        SELECT f.id, f.frequency, 0 AS length FROM ({_FREQUENCIES}) AS f
        UNION ALL
        SELECT {_ID}, 0, {_LENGTH} FROM {_each("postings", WORD, "start_blocks")} WHERE {_IS_LIVE}
    ) AS e GROUP BY 1 HAVING bit_or(e.frequency) > 0
) AS x
"""
COUNT_OF_STARTS = f"""
SELECT count(*) FROM (SELECT DISTINCT u.s >> {ARTICLE_SHIFT} FROM (SELECT unnest(starts) AS s) AS u) AS x
"""
BLOCKS_OF_STARTS = (
    f"SELECT {_arrays(f'DISTINCT (s >> {ARTICLE_SHIFT + BLOCK_BITS})::integer')} FROM unnest(starts) AS s"
)
BLOCKS = f"SELECT {_arrays(f'DISTINCT (c >> {BLOCK_BITS})::integer')} FROM unnest(candidates) AS c"
HAS_SAME_HASH = """
SELECT FROM unnest(tokens[2:], hashes) AS t(word, hash)
    JOIN search_vocabulary AS v ON v.hash = t.hash AND v.word <> t.word
"""

# `keys` are articles and numbers of phrases, in the order of the phrases. They are summed in this order, as
# by FTS5, because they are grouped by hashing.
SCORES = f"""
SELECT x.id, {_score("sum(x.part)")}
FROM (
    SELECT u.key >> 8 AS id, {_part("idfs[(u.key & 255)::integer]", _FREQUENCY, _LENGTH)} AS part,
        1::bigint << groups[(u.key & 255)::integer] AS bit
    FROM (SELECT unnest(keys) AS key, unnest(parts) AS h) AS u
) AS x
WHERE x.id NOT IN (SELECT unnest(excluded))
GROUP BY x.id HAVING bit_or(x.bit) = all_bits
"""
SCORES_OF_PHRASE = f"""
SELECT u.id, {_score(_part("idfs[1]", _FREQUENCY, _LENGTH))}
FROM (SELECT unnest(ids) AS id, unnest(parts) AS h) AS u
"""

# Statements on the instances that FTS5 loses.

COMPLETE = """
SELECT u.key >> 8 FROM (SELECT unnest(keys) AS key) AS u
GROUP BY 1 HAVING bit_or(1::bigint << groups[(u.key & 255)::integer]) = all_bits
"""
"""Articles of `keys` in every group."""

LOST = """
SELECT y.id << 8 | i
FROM (
    SELECT x.id, x.is_node, max(x.id) FILTER (WHERE x.is_cleared) OVER earlier AS last_cleared,
        max(x.id) FILTER (WHERE x.is_node) OVER earlier AS last_node
    FROM (
        SELECT e.id, bool_or(e.is_node) AS is_node, bool_or(NOT e.is_node) AS is_cleared
        FROM (SELECT unnest(node_ids) AS id, true AS is_node UNION ALL SELECT unnest(cleared), false) AS e
        GROUP BY 1
    ) AS x
    WINDOW earlier AS (ORDER BY x.id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
) AS y
WHERE y.is_node AND y.last_cleared > coalesce(y.last_node, -1)
"""
"""Keys of the articles of a phrase to which it moved before FTS5 cleared at an earlier article."""

PARTS_WITHOUT_LOST = f"""
SELECT CASE WHEN {is_in("u.key", "lost")} THEN {_LENGTH} ELSE h END
FROM (SELECT unnest(keys) AS key, unnest(all_parts) AS h) AS u
"""
