"""The SQL function `search_hits`, which has the results of SQLite's FTS5.

1. Number the phrases, and count the articles with each phrase that is a single word.
2. Read the hits of each group of phrases, beginning with the rarest group of words, and then only among the
   hits so far. Phrases, prefixes and columns come last, because counting them needs all their hits.
3. Read the hits of the phrases that exclude.
4. Score the hits: bm25 in FTS5's order of floating-point operations.
"""

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

_ARTICLE_SHIFT = COLUMN_BITS + TOKEN_BITS
_POSITION = f"(p.block::bigint << {BLOCK_BITS + _ARTICLE_SHIFT} | (h >> {HASH_BITS}))"
_NEXT = f"(h & {(1 << HASH_BITS) - 1})"
_PLACE_COLUMN = f"(h >> {HASH_BITS + TOKEN_BITS} & {(1 << COLUMN_BITS) - 1})"
_PLACE_IS_LIVE = f"(p.live IS NULL OR get_bit(p.live, (h >> {HASH_BITS + _ARTICLE_SHIFT})::integer) = 1)"
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


_FEW = 500  # positions of a phrase

_WORD = "{}.word = token"
_PREFIX = "{0}.word >= token AND {0}.word < token_end"


def _each(array: str, condition: str, among: str = "") -> str:
    """Select each element of an array of these rows as `h`; faster than unnest in FROM."""
    return f"(SELECT p.block, p.live, unnest(p.{array}) AS h FROM {_rows(condition, among)}) AS p"


def _is_in(value: str, array: str) -> str:
    """Look up a value in a hash table of the array; PostgreSQL might join them with nested loops."""
    return f"({value} IN (SELECT unnest({array}))) IS TRUE"


def _arrays(*values: str) -> str:
    return ", ".join(f"coalesce(array_agg({value}), '{{}}')" for value in values)


def _into(statement: str, *variables: str) -> str:
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

_COUNT = f"""
SELECT coalesce(sum(CASE WHEN p.live IS NULL THEN cardinality(p.postings)
    ELSE (SELECT count(*) FROM unnest(p.postings) AS h WHERE {_IS_LIVE}) END), 0)
FROM {_rows(_WORD)}
"""
_SCORES_OF_WORD = f"""
SELECT {_ID}, {_score(_part("idf", _FREQUENCY, _LENGTH))}
FROM {_each("postings", _WORD)} WHERE {_IS_LIVE}
"""
_POSTINGS = f"""
SELECT {_arrays(_ID, _VALUE)} FROM {_each("postings", _WORD)} WHERE {_IS_LIVE}
"""
_POSTINGS_AMONG = f"""
SELECT {_arrays(_ID, _VALUE)} FROM {_each("postings", _WORD, "blocks")}
WHERE {_is_in(_ID, "candidates")} AND {_IS_LIVE}
"""
_POSTINGS_OF_PREFIX = f"""
SELECT {_arrays("x.id", "x.value")}
FROM (
    SELECT {_ID} AS id, sum({_FREQUENCY}::integer) << {COUNT_BITS} | min({_LENGTH}) AS value
    FROM {_each("postings", _PREFIX)} WHERE {_IS_LIVE} GROUP BY 1
) AS x
"""

# Statements on places: `starts` are the positions of the first token. They also read `number` of the column,
# `shift` of the token in the phrase, and `following`, the hash of the next token or null.


def _starts(condition: str, among: str = "", also: str = "true") -> str:
    return (
        f"SELECT {_arrays(f'{_POSITION} - shift')} FROM {_each('places', condition, among)}"
        f" WHERE (following IS NULL OR {_NEXT} = following) AND (number IS NULL OR {_PLACE_COLUMN} = number)"
        f" AND {_PLACE_IS_LIVE} AND {also}"
    )


def _starts_among(condition: str) -> str:
    return _starts(condition, "blocks", _is_in(f"({_POSITION} - shift)", "starts"))


_FREQUENCIES = f"""
SELECT s >> {_ARTICLE_SHIFT} AS id, sum({_WEIGHT}) AS frequency
FROM (SELECT unnest(starts) AS s) AS u GROUP BY 1
"""
_POSTINGS_OF_FEW_STARTS = f"""
SELECT {_arrays("x.id", f"x.frequency << {COUNT_BITS} | a.length")}
FROM ({_FREQUENCIES}) AS x JOIN search_article AS a ON a.article = x.id
"""
# The lengths of many articles are read from the postings of a token, and grouped with the positions.
_POSTINGS_OF_STARTS = f"""
SELECT {_arrays("x.id", f"x.frequency << {COUNT_BITS} | x.length")}
FROM (
    SELECT e.id, bit_or(e.frequency) AS frequency, bit_or(e.length) AS length
    FROM (
        SELECT f.id, f.frequency, 0 AS length FROM ({_FREQUENCIES}) AS f
        UNION ALL
        SELECT {_ID}, 0, {_LENGTH} FROM {_each("postings", _WORD, "start_blocks")} WHERE {_IS_LIVE}
    ) AS e GROUP BY 1 HAVING bit_or(e.frequency) > 0
) AS x
"""
_COUNT_OF_STARTS = f"""
SELECT count(*) FROM (SELECT DISTINCT u.s >> {_ARTICLE_SHIFT} FROM (SELECT unnest(starts) AS s) AS u) AS x
"""
_BLOCKS_OF_STARTS = (
    f"SELECT {_arrays(f'DISTINCT (s >> {_ARTICLE_SHIFT + BLOCK_BITS})::integer')} FROM unnest(starts) AS s"
)
_BLOCKS = f"SELECT {_arrays(f'DISTINCT (c >> {BLOCK_BITS})::integer')} FROM unnest(candidates) AS c"
_HAS_SAME_HASH = """
SELECT FROM unnest(tokens[2:], hashes) AS t(word, hash)
    JOIN search_vocabulary AS v ON v.hash = t.hash AND v.word <> t.word
"""

# Evaluate a phrase, a token in a column other than the title, or both, from the rarest token.
#
# The places of a token with the hash of the next one stand for both. All tokens are looked up if another word
# has the same hash, and the last one if it is a prefix.
_READ_PHRASE = f"""
hashes := ARRAY(SELECT jsonb_array_elements_text(phrase -> 'next')::bigint);
IF hashes <> '{{}}' AND EXISTS ({_HAS_SAME_HASH}) THEN
    hashes := '{{}}';
END IF;
IF token_end IS NOT NULL THEN
    hashes := trim_array(hashes, least(cardinality(hashes), 1));
END IF;
in_title := false;
token_counts := '{{}}';
FOR j IN 1..cardinality(tokens) LOOP
    token := tokens[j];
    token_counts[j] := CASE
        WHEN j = cardinality(tokens) AND token_end IS NOT NULL THEN 9223372036854775807
        WHEN hashes <> '{{}}' AND j = cardinality(hashes) + 1 THEN NULL
        ELSE ({_COUNT}) END;
END LOOP;
order_ := ARRAY(
    SELECT o FROM unnest(token_counts) WITH ORDINALITY AS t(n, o) WHERE n IS NOT NULL ORDER BY n, o);
starts := NULL;
FOREACH j IN ARRAY order_ LOOP
    token := tokens[j];
    shift := j - 1;
    following := hashes[j];
    IF starts IS NULL AND j = cardinality(tokens) AND token_end IS NOT NULL THEN
        {_into(_starts(_PREFIX), "starts")};
    ELSIF starts IS NULL THEN
        {_into(_starts(_WORD), "starts")};
    ELSE
        {_into(_BLOCKS_OF_STARTS, "start_blocks")};
        IF j = cardinality(tokens) AND token_end IS NOT NULL THEN
            {_into(_starts_among(_PREFIX).replace("(blocks)", "(start_blocks)"), "starts")};
        ELSE
            {_into(_starts_among(_WORD).replace("(blocks)", "(start_blocks)"), "starts")};
        END IF;
    END IF;
    EXIT WHEN starts = '{{}}';
END LOOP;
IF candidates IS NOT NULL THEN
    counted := ({_COUNT_OF_STARTS});
    starts := ARRAY(
        SELECT u.s FROM (SELECT unnest(starts) AS s) AS u
        WHERE {_is_in(f"(u.s >> {_ARTICLE_SHIFT})", "candidates")});
END IF;
IF cardinality(starts) < {_FEW} OR token_end IS NOT NULL THEN
    {_into(_POSTINGS_OF_FEW_STARTS, "ids", "parts")};
ELSE
    {_into(_BLOCKS_OF_STARTS, "start_blocks")};
    {_into(_POSTINGS_OF_STARTS, "ids", "parts")};
END IF;
"""

# `keys` are articles and numbers of phrases, in the order of the phrases. They are summed in this order, as
# by FTS5, because they are grouped by hashing.
_SCORES = f"""
SELECT x.id, {_score("sum(x.part)")}
FROM (
    SELECT u.key >> 8 AS id, {_part("idfs[(u.key & 255)::integer]", _FREQUENCY, _LENGTH)} AS part,
        1::bigint << groups[(u.key & 255)::integer] AS bit
    FROM (SELECT unnest(keys) AS key, unnest(parts) AS h) AS u
) AS x
WHERE x.id NOT IN (SELECT unnest(excluded))
GROUP BY x.id HAVING bit_or(x.bit) = all_bits
"""
_SCORES_OF_PHRASE = f"""
SELECT u.id, {_score(_part("idfs[1]", _FREQUENCY, _LENGTH))}
FROM (SELECT unnest(ids) AS id, unnest(parts) AS h) AS u
"""

_SET_IDF = """
idf := ln((documents - counted + 0.5::float8) / (counted + 0.5::float8));
IF idf <= 0 THEN
    idf := 1e-6::float8;
END IF;
idfs[i] := idf;
"""

FUNCTION = f"""
CREATE FUNCTION search_hits(scope bigint, query text) RETURNS TABLE (id bigint, score bigint)
LANGUAGE plpgsql STABLE STRICT ROWS 500
SET plan_cache_mode = force_generic_plan SET enable_sort = off
AS $$
#variable_conflict use_column
DECLARE
    parsed CONSTANT jsonb := query;
    phrases jsonb[] := '{{}}'; groups integer[] := '{{}}'; group_count integer;
    phrase jsonb; phrase_count integer; positive_count integer;
    documents bigint; average float8; counted bigint; idf float8; idfs float8[]; all_bits bigint := 0;
    tokens text[]; token text; token_end text; in_title boolean; number bigint; is_word boolean[];
    hashes bigint[]; following bigint; shift bigint; token_counts bigint[]; order_ integer[]; j integer;
    starts bigint[]; start_blocks integer[];
    found search_found[]; ids bigint[]; parts bigint[]; totals float8[]; next_group integer;
    group_ids bigint[]; candidates bigint[]; blocks integer[];
    excluded bigint[] := '{{}}'; keys bigint[] := '{{}}'; all_parts bigint[] := '{{}}';
BEGIN
    SELECT s.documents, s.tokens::float8 / nullif(s.documents, 0) INTO documents, average
    FROM search_statistics AS s WHERE s.scope = search_hits.scope;

    group_count := jsonb_array_length(parsed -> 'groups');
    FOR i IN 1..group_count LOOP
        FOR j IN 0..jsonb_array_length(parsed -> 'groups' -> i - 1) - 1 LOOP
            phrases := phrases || (parsed -> 'groups' -> i - 1 -> j);
            groups := groups || i;
        END LOOP;
        totals[i] := 0;
        all_bits := all_bits | (1::bigint << i);
    END LOOP;
    positive_count := cardinality(phrases);
    FOR j IN 0..coalesce(jsonb_array_length(parsed -> 'not'), 0) - 1 LOOP
        phrases := phrases || (parsed -> 'not' -> j);
        groups := groups || 0;
    END LOOP;
    phrase_count := cardinality(phrases);

    FOR i IN 1..phrase_count LOOP
        phrase := phrases[i];
        is_word[i] := jsonb_array_length(phrase -> 'tokens') = 1 AND NOT phrase ? 'end'
            AND coalesce((phrase ->> 'column')::bigint, 0) = 0;
        IF i > positive_count THEN
            CONTINUE;
        ELSIF is_word[i] THEN
            token := phrase -> 'tokens' ->> 0;
            in_title := phrase ? 'column';
            counted := ({_COUNT});
            {_SET_IDF}
            IF phrase_count = 1 THEN
                RETURN QUERY {_SCORES_OF_WORD};
                RETURN;
            END IF;
            totals[groups[i]] := totals[groups[i]] + counted;
        ELSE
            totals[groups[i]] := totals[groups[i]] + 1e15::float8;
        END IF;
    END LOOP;

    FOR step IN 1..group_count + 1 LOOP
        next_group := 0;
        FOR g IN 1..group_count LOOP
            IF totals[g] IS NOT NULL AND (next_group = 0 OR totals[g] < totals[next_group]) THEN
                next_group := g;
            END IF;
        END LOOP;
        group_ids := '{{}}';
        FOR i IN 1..phrase_count LOOP
            CONTINUE WHEN groups[i] <> next_group;
            phrase := phrases[i];
            number := (phrase ->> 'column')::bigint;
            in_title := coalesce(number = 0, false);
            token := phrase -> 'tokens' ->> 0;
            IF is_word[i] AND candidates IS NULL THEN
                {_into(_POSTINGS, "ids", "parts")};
            ELSIF is_word[i] THEN
                {_into(_POSTINGS_AMONG, "ids", "parts")};
            ELSE
                tokens := ARRAY(SELECT jsonb_array_elements_text(phrase -> 'tokens'));
                token_end := phrase ->> 'end';
                counted := NULL;
                IF cardinality(tokens) = 0 THEN
                    ids := '{{}}';
                    parts := '{{}}';
                ELSIF cardinality(tokens) = 1 AND (number IS NULL OR in_title) THEN
                    {_into(_POSTINGS_OF_PREFIX, "ids", "parts")};
                ELSE
                    {_READ_PHRASE}
                END IF;
                counted := coalesce(counted, cardinality(ids));
                {_SET_IDF}
                IF phrase_count = 1 THEN
                    RETURN QUERY {_SCORES_OF_PHRASE};
                    RETURN;
                END IF;
            END IF;
            found[i] := ROW(ids, parts);
            group_ids := group_ids || ids;
        END LOOP;
        IF next_group = 0 THEN
            excluded := group_ids;
            EXIT;
        END IF;
        totals[next_group] := NULL;
        EXIT WHEN step = group_count AND phrase_count = positive_count;
        IF candidates IS NULL THEN
            candidates := ARRAY(SELECT DISTINCT unnest(group_ids));
        ELSE
            candidates := ARRAY(
                SELECT DISTINCT h FROM unnest(group_ids) AS h WHERE {_is_in("h", "candidates")});
        END IF;
        IF candidates = '{{}}' THEN
            RETURN;
        END IF;
        {_into(_BLOCKS, "blocks")};
    END LOOP;

    FOR i IN 1..positive_count LOOP
        keys := keys || ARRAY(SELECT unnest((found[i]).ids) << 8 | i);
        all_parts := all_parts || (found[i]).parts;
    END LOOP;
    parts := all_parts;
    RETURN QUERY {_SCORES};
END
$$
"""
