"""Tables and the function of the full-text index in PostgreSQL, with the results of SQLite's FTS5.

1. `search_block` has the postings of each word in a scope (0: published articles, 1: all), in rows of 128
   articles (`article >> 7`). A posting is one bigint: offset in the block, weighted number of instances, and
   tokens of the article. Postings of titles are stored again, and the places of all instances for phrases
   and other columns.
2. An edit does not rewrite blocks. It marks the article's postings in them as outdated (`search_mask`), and
   adds the new ones to `search_fresh`. `merge` in search_index.py rewrites blocks later.
3. `search_hits` reads the postings of each phrase and scores its hits with FTS5's bm25, in the order of its
   floating-point operations.
"""

from collections.abc import Iterator

from gqlnews.columns import TEXT_COLUMNS

# ruff: noqa: S608 - these statements are built from constants only

COLUMNS = tuple(TEXT_COLUMNS.split(", "))
WEIGHTS = (10, 4, 3, 3, 2, 1)
"""Weights of the columns in bm25, as the SQLite indexes declare them."""

BLOCK_BITS = 7
BLOCK_SIZE = 1 << BLOCK_BITS
COUNT_BITS = 24
"""Bits of the number of tokens and of the weighted number of instances in a posting."""

COLUMN_SHIFT, ARTICLE_SHIFT = 24, 32
"""A place is the article, the number of the column and the number of the token in the column."""


def pack_posting(article: int, frequency: int, length: int) -> int:
    """Return a posting of an article: offset in the block, weighted number of instances, tokens."""
    return (article & BLOCK_SIZE - 1) << 2 * COUNT_BITS | frequency << COUNT_BITS | length


def pack_place(article: int, column: int, offset: int) -> int:
    return article << ARTICLE_SHIFT | column << COLUMN_SHIFT | offset


_CLEANED = "translate({}, chr(2) || chr(3), '  ')"
_JOINED = "string_agg({}, ' ' || chr(57344) || ' ' ORDER BY position)"
_TOPICS = f"SELECT {_CLEANED.format(_JOINED.format('name'))} FROM article_topic WHERE article_id = article.id"
_RELATED = f"SELECT {_CLEANED.format(_JOINED.format('title'))} FROM related WHERE article_id = article.id"

_VIEW = f"""
CREATE VIEW search_all_source AS
SELECT id, published, {_CLEANED.format("title")} AS title, {_CLEANED.format("excerpt")} AS excerpt,
    {_CLEANED.format("provider_name")} AS provider, ({_TOPICS}) AS topics,
    {_CLEANED.format("coalesce(prose, body)")} AS body, ({_RELATED}) AS related
FROM article
"""

_TABLES = (
    """
CREATE TABLE search_block (
    scope smallint NOT NULL, word text COLLATE "C" NOT NULL, block integer NOT NULL,
    postings bigint[] NOT NULL, title_postings bigint[], places bigint[] NOT NULL,
    PRIMARY KEY (scope, word, block))
""",
    # Postings of a block that are not outdated; no row: all.
    f"CREATE TABLE search_mask (block integer PRIMARY KEY, live bit({BLOCK_SIZE}) NOT NULL)",
    # Postings that are not in the blocks yet, a row for each word of an article.
    """
CREATE TABLE search_fresh (
    word text COLLATE "C" NOT NULL, article bigint NOT NULL, published boolean NOT NULL,
    postings bigint[] NOT NULL, title_postings bigint[], places bigint[] NOT NULL,
    PRIMARY KEY (word, article))
""",
    "CREATE INDEX search_fresh_article ON search_fresh (article)",
    # Indexed articles. `changed_at` is null if the postings are in the blocks. `words` are lines.
    """
CREATE TABLE search_article (
    article bigint PRIMARY KEY, length bigint NOT NULL, published boolean NOT NULL,
    changed_at timestamptz, words text COLLATE "C" NOT NULL)
""",
    "CREATE INDEX search_article_changed ON search_article (changed_at) WHERE changed_at IS NOT NULL",
    # Articles with outdated postings in the blocks, and the words of these postings.
    """
CREATE TABLE search_stale (
    article bigint PRIMARY KEY, changed_at timestamptz NOT NULL, words text COLLATE "C" NOT NULL)
""",
    """
CREATE TABLE search_statistics (
    scope bigint PRIMARY KEY, documents bigint NOT NULL, tokens bigint NOT NULL)
""",
    "INSERT INTO search_statistics VALUES (0, 0, 0), (1, 0, 0)",
)

TABLES = tuple(f"search_{name}" for name in ("block", "mask", "fresh", "article", "stale", "statistics"))
"""Tables of the index."""

# Parts of the statements in the function. `scope` is its parameter.

_OFFSET = f"(h >> {2 * COUNT_BITS})"
_FREQUENCY = f"(h >> {COUNT_BITS} & {(1 << COUNT_BITS) - 1})"
_LENGTH = f"(h & {(1 << COUNT_BITS) - 1})"
_ID = f"(p.block::bigint << {BLOCK_BITS} | {_OFFSET})"
_IS_LIVE = f"(p.live IS NULL OR get_bit(p.live, {_OFFSET}::integer) = 1)"
_PLACE_IS_LIVE = (
    f"(p.live IS NULL OR get_bit(p.live, (h >> {ARTICLE_SHIFT} & {BLOCK_SIZE - 1})::integer) = 1)"
)
_PLACE_COLUMN = f"(h >> {COLUMN_SHIFT} & {(1 << ARTICLE_SHIFT - COLUMN_SHIFT) - 1})"
_WEIGHT = f"('{{{','.join(map(str, WEIGHTS))}}}'::bigint[])[{_PLACE_COLUMN} + 1]"


def _rows(condition: str, among: str = "") -> str:
    """Select the rows of words: `block`, `live`, `postings` of the title or of all columns, and `places`.

    `among` names an array of blocks that limits them.
    """
    columns = "CASE WHEN in_title THEN {0}.title_postings ELSE {0}.postings END AS postings, {0}.places"
    blocks, fresh = "search_block AS b", ""
    if among:
        blocks = f"unnest({among}) AS a(block) JOIN search_block AS b ON b.block = a.block"
        fresh = f" AND (f.article >> {BLOCK_BITS})::integer = ANY ({among})"
    return (
        f"(SELECT b.block, m.live, {columns.format('b')} FROM {blocks}"
        f" LEFT JOIN search_mask AS m ON m.block = b.block"
        f" WHERE b.scope = search_hits.scope AND {condition.format('b')}"
        f" UNION ALL SELECT (f.article >> {BLOCK_BITS})::integer, NULL, {columns.format('f')}"
        f" FROM search_fresh AS f WHERE {condition.format('f')}{fresh}"
        " AND (f.published OR search_hits.scope = 1)) AS p"
    )


def _is_in(value: str, array: str) -> str:
    """Look up a value in a hash table of the array; PostgreSQL might join them with nested loops."""
    return f"({value} IN (SELECT unnest({array}))) IS TRUE"


_WORD = "{}.word = token"
_PREFIX = "{0}.word >= token AND {0}.word < token_end"


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


# Each of these statements needs some of the variables `token`, `token_end`, `in_title`, `number`, `shift`,
# `candidates` and `blocks`.

_COUNT = f"""
SELECT coalesce(sum(CASE WHEN p.live IS NULL THEN cardinality(p.postings)
    ELSE (SELECT count(*) FROM unnest(p.postings) AS h WHERE {_IS_LIVE}) END), 0)
FROM {_rows(_WORD)}
"""

_SCORES_OF_WORD = f"""
SELECT {_ID}, {_score(_part("idf", _FREQUENCY, _LENGTH))}
FROM {_rows(_WORD)}, unnest(p.postings) AS h WHERE {_IS_LIVE}
"""

_VALUE = f"(h & {(1 << 2 * COUNT_BITS) - 1})"  # a posting without its offset

_POSTINGS = f"""
SELECT coalesce(array_agg({_ID}), '{{}}'), coalesce(array_agg({_VALUE}), '{{}}')
FROM {_rows(_WORD)}, unnest(p.postings) AS h WHERE {_IS_LIVE}
"""

_POSTINGS_AMONG = f"""
SELECT coalesce(array_agg({_ID}), '{{}}'), coalesce(array_agg({_VALUE}), '{{}}')
FROM {_rows(_WORD, "blocks")}, unnest(p.postings) AS h
WHERE {_is_in(_ID, "candidates")} AND {_IS_LIVE}
"""

_POSTINGS_OF_PREFIX = f"""
SELECT coalesce(array_agg(x.id), '{{}}'), coalesce(array_agg(x.value), '{{}}')
FROM (
    SELECT {_ID} AS id, sum({_FREQUENCY})::bigint << {COUNT_BITS} | min({_LENGTH}) AS value
    FROM {_rows(_PREFIX)}, unnest(p.postings) AS h WHERE {_IS_LIVE} GROUP BY 1
) AS x
"""


def _places(condition: str) -> str:
    """Select the places at which a phrase would begin that has this token at `shift`."""
    return (
        f"SELECT coalesce(array_agg(h - shift), '{{}}') FROM {_rows(condition)}, unnest(p.places) AS h"
        f" WHERE {_PLACE_IS_LIVE} AND (number IS NULL OR {_PLACE_COLUMN} = number)"
    )


def _places_among(condition: str) -> str:
    """Select those of the places `starts` that have this token at `shift`."""
    return (
        "SELECT coalesce(array_agg(h - shift), '{}')"
        f" FROM {_rows(condition, 'blocks')}, unnest(p.places) AS h"
        f" WHERE {_is_in('(h - shift)', 'starts')} AND {_PLACE_IS_LIVE}"
    )


_POSTINGS_OF_PLACES = f"""
SELECT coalesce(array_agg(x.id), '{{}}'), coalesce(array_agg(x.frequency << {COUNT_BITS} | a.length), '{{}}')
FROM (
    SELECT h >> {ARTICLE_SHIFT} AS id, sum({_WEIGHT})::bigint AS frequency FROM unnest(starts) AS h GROUP BY 1
) AS x JOIN search_article AS a ON a.article = x.id
"""

_TOKEN_COUNT = f"SELECT coalesce(sum(cardinality(p.places)), 0) FROM {_rows(_WORD)}"

_FOUND = "unnest(ids, parts) AS u(id, h)"
_SCORES_OF_PHRASE = f"SELECT u.id, {_score(_part('idf', _FREQUENCY, _LENGTH))} FROM {_FOUND}"

# `keys` are articles and numbers of phrases, in the order of the phrases: FTS5 adds them in this order.
_SCORES = f"""
SELECT x.id, {_score("sum(x.part)")}
FROM (
    SELECT u.key >> 8 AS id, {_part("idfs[(u.key & 255)::integer]", _FREQUENCY, _LENGTH)} AS part,
        bits[(u.key & 255)::integer] AS bit
    FROM unnest(keys, parts) AS u(key, h)
) AS x
WHERE x.id NOT IN (SELECT unnest(excluded))
GROUP BY x.id HAVING bit_or(x.bit) = all_bits
"""

_BLOCKS = (
    f"SELECT coalesce(array_agg(DISTINCT (c >> {BLOCK_BITS})::integer), '{{}}') FROM unnest(candidates) AS c"
)
_BLOCKS_OF_PLACES = (
    f"SELECT coalesce(array_agg(DISTINCT (s >> {ARTICLE_SHIFT + BLOCK_BITS})::integer), '{{}}')"
    " FROM unnest(starts) AS s"
)


def _into(statement: str, *variables: str) -> str:
    """Store the result of a SELECT in variables."""
    return f"SELECT x.* INTO {', '.join(variables)} FROM ({statement}) AS x"


_FUNCTION = f"""
CREATE FUNCTION search_hits(scope bigint, query text) RETURNS TABLE (id bigint, score bigint)
LANGUAGE plpgsql STABLE STRICT ROWS 500
SET plan_cache_mode = force_generic_plan SET enable_hashjoin = on SET enable_hashagg = on
SET enable_nestloop = on SET enable_sort = off SET enable_mergejoin = off SET enable_material = off
SET enable_seqscan = off SET enable_bitmapscan = off
AS $$
#variable_conflict use_column
DECLARE
    parsed CONSTANT jsonb := query;
    phrases jsonb[] := '{{}}'; groups integer[] := '{{}}'; group_count integer;
    phrase jsonb; phrase_count integer; positive_count integer;
    documents bigint; average float8; counted bigint; idf float8; idfs float8[]; bits bigint[];
    all_bits bigint := 0;
    tokens text[]; token text; token_end text; in_title boolean; number bigint; shift bigint;
    order_ integer[]; starts bigint[]; token_counts bigint[];
    is_word boolean[]; counts bigint[]; found search_found[]; ids bigint[]; parts bigint[];
    totals bigint[]; group_ids bigint[]; candidates bigint[]; blocks integer[]; keys bigint[] := '{{}}';
    all_parts bigint[] := '{{}}'; excluded bigint[] := '{{}}'; smallest integer; i integer; j integer;
BEGIN
    SELECT s.documents, s.tokens::float8 / nullif(s.documents, 0) INTO documents, average
    FROM search_statistics AS s WHERE s.scope = search_hits.scope;

    -- Number the phrases; those of group 0 exclude.
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

    -- Count the hits of each phrase. Those of a word are read later, unless it is the only phrase.
    FOR i IN 1..phrase_count LOOP
        phrase := phrases[i];
        number := (phrase ->> 'column')::bigint;
        token_end := phrase ->> 'end';
        in_title := coalesce(number = 0, false);
        tokens := ARRAY(SELECT jsonb_array_elements_text(phrase -> 'tokens'));
        is_word[i] := cardinality(tokens) = 1 AND token_end IS NULL AND (number IS NULL OR in_title);
        token := tokens[1];
        IF is_word[i] THEN
            counted := ({_COUNT});
        ELSE
            IF cardinality(tokens) = 0 THEN
                ids := '{{}}'; parts := '{{}}';
            ELSIF cardinality(tokens) = 1 AND (number IS NULL OR in_title) THEN
                {_into(_POSTINGS_OF_PREFIX, "ids", "parts")};
            ELSE
                in_title := false;
                {{phrase_places}}
                {_into(_POSTINGS_OF_PLACES, "ids", "parts")};
            END IF;
            counted := cardinality(ids);
            found[i] := ROW(ids, parts);
        END IF;
        counts[i] := counted;
        idf := ln((documents - counted + 0.5::float8) / (counted + 0.5::float8));
        IF idf <= 0 THEN
            idf := 1e-6::float8;
        END IF;
        idfs[i] := idf;
        bits[i] := 1::bigint << groups[i];
        IF groups[i] > 0 THEN
            totals[groups[i]] := totals[groups[i]] + counted;
        END IF;
    END LOOP;

    IF phrase_count = 1 THEN
        IF is_word[1] THEN
            RETURN QUERY {_SCORES_OF_WORD};
        ELSE
            RETURN QUERY {_SCORES_OF_PHRASE};
        END IF;
        RETURN;
    END IF;

    -- Read the hits of words, beginning with the rarest group; then only among the hits so far.
    FOR step IN 1..group_count LOOP
        smallest := NULL;
        FOR g IN 1..group_count LOOP
            IF totals[g] IS NOT NULL AND (smallest IS NULL OR totals[g] < totals[smallest]) THEN
                smallest := g;
            END IF;
        END LOOP;
        totals[smallest] := NULL;
        group_ids := NULL;
        FOR i IN 1..positive_count LOOP
            CONTINUE WHEN groups[i] <> smallest;
            IF is_word[i] THEN
                {{read_word}}
                found[i] := ROW(ids, parts);
            ELSE
                ids := (found[i]).ids;
            END IF;
            group_ids := CASE WHEN group_ids IS NULL THEN ids ELSE group_ids || ids END;
        END LOOP;
        CONTINUE WHEN step = group_count AND phrase_count = positive_count;
        candidates := CASE WHEN candidates IS NULL THEN ARRAY(SELECT DISTINCT unnest(group_ids))
            ELSE ARRAY(SELECT DISTINCT h FROM unnest(group_ids) AS h WHERE {_is_in("h", "candidates")}) END;
        {_into(_BLOCKS, "blocks")};
        IF candidates = '{{}}' THEN
            RETURN;
        END IF;
    END LOOP;

    FOR i IN positive_count + 1..phrase_count LOOP
        IF is_word[i] THEN
            {{read_word}}
        ELSE
            ids := (found[i]).ids;
        END IF;
        excluded := excluded || ids;
    END LOOP;
    FOR i IN 1..positive_count LOOP
        keys := keys || ARRAY(SELECT h << 8 | i FROM unnest((found[i]).ids) AS h);
        all_parts := all_parts || (found[i]).parts;
    END LOOP;
    parts := all_parts;
    RETURN QUERY {_SCORES};
END
$$
"""

_PHRASE_PLACES = f"""
token_counts := '{{}}';
FOR j IN 1..cardinality(tokens) LOOP
    token := tokens[j];
    token_counts[j] := CASE WHEN j = cardinality(tokens) AND token_end IS NOT NULL THEN 9223372036854775807
        ELSE ({_TOKEN_COUNT}) END;
END LOOP;
order_ := ARRAY(SELECT o FROM unnest(token_counts) WITH ORDINALITY AS t(n, o) ORDER BY n, o);
starts := NULL;
FOREACH j IN ARRAY order_ LOOP
    token := tokens[j];
    shift := j - 1;
    IF starts IS NULL THEN
        IF j = cardinality(tokens) AND token_end IS NOT NULL THEN
            {_into(_places(_PREFIX), "starts")};
        ELSE
            {_into(_places(_WORD), "starts")};
        END IF;
    ELSE
        {_into(_BLOCKS_OF_PLACES, "blocks")};
        IF j = cardinality(tokens) AND token_end IS NOT NULL THEN
            {_into(_places_among(_PREFIX), "starts")};
        ELSE
            {_into(_places_among(_WORD), "starts")};
        END IF;
    END IF;
    EXIT WHEN starts = '{{}}';
END LOOP;
"""

_READ_WORD = f"""
phrase := phrases[i];
token := phrase -> 'tokens' ->> 0;
in_title := phrase ? 'column';
IF candidates IS NULL THEN
    {_into(_POSTINGS, "ids", "parts")};
ELSE
    {_into(_POSTINGS_AMONG, "ids", "parts")};
END IF;
"""


def create_statements() -> Iterator[str]:
    """Yield the statements that create the view, the tables and the function, after the other tables."""
    yield _VIEW
    yield from _TABLES
    yield "CREATE TYPE search_found AS (ids bigint[], parts bigint[])"
    yield _FUNCTION.replace("{phrase_places}", _PHRASE_PLACES).replace("{read_word}", _READ_WORD)
