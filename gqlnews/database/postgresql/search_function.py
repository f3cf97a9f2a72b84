"""The SQL function `search_hits`, which has the results of SQLite's FTS5.

1. Number the phrases, and count the articles with each word of them.
2. Read the hits of each group of phrases, beginning with the rarest one, and then of words only among the
   hits so far. Prefixes come last, because only all their hits tell how many they are.
3. Read the hits of the phrases that exclude.
4. Score the hits: bm25 in FTS5's order of floating-point operations, without the instances that FTS5 loses.
"""

from gqlnews.database.postgresql import search_statements as sql

# ruff: noqa: S608 - these statements are built from constants only

_UNKNOWN = 1 << 52

# Count the articles with each token of a phrase, except a prefix.
_COUNT_TOKENS = f"""
in_title := false;
token_end := phrase ->> 'end';
tokens := ARRAY(SELECT jsonb_array_elements_text(phrase -> 'tokens'));
token_counts := '{{}}';
FOR j IN 1..cardinality(tokens) LOOP
    token := tokens[j];
    token_counts[j] := CASE WHEN j = cardinality(tokens) AND token_end IS NOT NULL THEN {_UNKNOWN}
        ELSE ({sql.COUNT}) END;
END LOOP;
phrases[i] := phrase || jsonb_build_object('counts', token_counts);
"""

# Evaluate a phrase, a token in a column other than the title, or both, from the rarest token.
#
# The places of a token with the hash of the next one stand for both. All tokens are looked up if another word
# has the same hash, and the last one if it is a prefix.
_READ_PHRASE = f"""
hashes := ARRAY(SELECT jsonb_array_elements_text(phrase -> 'next')::bigint);
IF hashes <> '{{}}' AND EXISTS ({sql.HAS_SAME_HASH}) THEN
    hashes := '{{}}';
END IF;
IF token_end IS NOT NULL THEN
    hashes := trim_array(hashes, least(cardinality(hashes), 1));
END IF;
in_title := false;
token_counts := ARRAY(SELECT jsonb_array_elements_text(phrase -> 'counts')::bigint);
IF hashes <> '{{}}' THEN
    token_counts[cardinality(hashes) + 1] := NULL;
END IF;
order_ := ARRAY(
    SELECT o FROM unnest(token_counts) WITH ORDINALITY AS t(n, o) WHERE n IS NOT NULL ORDER BY n, o);
starts := NULL;
FOREACH j IN ARRAY order_ LOOP
    token := tokens[j];
    shift := j - 1;
    following := hashes[j];
    IF starts IS NULL AND j = cardinality(tokens) AND token_end IS NOT NULL THEN
        {sql.into(sql.starts(sql.PREFIX), "starts")};
    ELSIF starts IS NULL AND groups[i] = 0 THEN
        {sql.into(sql.starts(sql.WORD, "blocks"), "starts")};
    ELSIF starts IS NULL THEN
        {sql.into(sql.starts(sql.WORD), "starts")};
    ELSE
        {sql.into(sql.BLOCKS_OF_STARTS, "start_blocks")};
        IF j = cardinality(tokens) AND token_end IS NOT NULL THEN
            {sql.into(sql.starts_among(sql.PREFIX).replace("(blocks)", "(start_blocks)"), "starts")};
        ELSE
            {sql.into(sql.starts_among(sql.WORD).replace("(blocks)", "(start_blocks)"), "starts")};
        END IF;
    END IF;
    EXIT WHEN starts = '{{}}';
END LOOP;
IF candidates IS NOT NULL THEN
    counted := ({sql.COUNT_OF_STARTS});
    starts := ARRAY(
        SELECT u.s FROM (SELECT unnest(starts) AS s) AS u
        WHERE {sql.is_in(f"(u.s >> {sql.ARTICLE_SHIFT})", "candidates")});
END IF;
IF cardinality(starts) < {sql.FEW} OR token_end IS NOT NULL THEN
    {sql.into(sql.POSTINGS_OF_FEW_STARTS, "ids", "parts")};
ELSE
    {sql.into(sql.BLOCKS_OF_STARTS, "start_blocks")};
    {sql.into(sql.POSTINGS_OF_STARTS, "ids", "parts")};
END IF;
"""

_SET_IDF = """
idf := ln((documents - counted + 0.5::float8) / (counted + 0.5::float8));
IF idf <= 0 THEN
    idf := 1e-6::float8;
END IF;
idfs[i] := idf;
"""

# Where FTS5 loses instances: `(a AND (b OR "c d")) NOT e`.
#
# If an AND that is not the root of the expression has all tokens of an article, but a phrase or a column does
# not match, FTS5 clears the instances of all its phrases. In an OR, a phrase may already be at a later
# article, which then has none of its instances in the score.
#
# `nodes` are the articles with all tokens of each phrase. `cleared` are articles at which FTS5 clears.
_LOSE_INSTANCES = f"""
FOR i IN 1..positive_count LOOP
    tokens := ARRAY(SELECT jsonb_array_elements_text(phrases[i] -> 'tokens'));
    token_end := phrases[i] ->> 'end';
    number := (phrases[i] ->> 'column')::bigint;
    in_title := false;
    node_ids := '{{}}';
    FOR j IN 1..cardinality(tokens) LOOP
        token := tokens[j];
        IF j = cardinality(tokens) AND token_end IS NOT NULL THEN
            shift := 0;
            following := NULL;
            {sql.into(sql.starts(sql.PREFIX), "starts")};
            ids := ARRAY(SELECT DISTINCT u.s >> {sql.ARTICLE_SHIFT} FROM (SELECT unnest(starts) AS s) AS u);
        ELSE
            {sql.into(sql.POSTINGS, "ids", "parts")};
        END IF;
        node_ids := CASE WHEN j = 1 THEN ids
            ELSE ARRAY(SELECT h FROM unnest(ids) AS h WHERE {sql.is_in("h", "node_ids")}) END;
    END LOOP;
    nodes[i] := ROW(node_ids, NULL);
    node_keys := node_keys || ARRAY(SELECT unnest(node_ids) << 8 | i);
END LOOP;
cleared := ARRAY({sql.COMPLETE.replace("keys", "node_keys")} EXCEPT {sql.COMPLETE});
FOR i IN 1..positive_count LOOP
    CONTINUE WHEN cleared = '{{}}' OR cardinality(array_positions(groups, groups[i])) = 1;
    node_ids := (nodes[i]).ids;
    lost := lost || ARRAY({sql.LOST});
END LOOP;
parts := ARRAY({sql.PARTS_WITHOUT_LOST});
"""

# With `enable_sort` off, PostgreSQL estimates a very high cost for statements that have to sort. It must not
# compile them because of that, which takes 0.1 s.
FUNCTION = f"""
CREATE OR REPLACE FUNCTION search_hits(scope bigint, query text) RETURNS TABLE (id bigint, score bigint)
LANGUAGE plpgsql STABLE STRICT ROWS 500
SET plan_cache_mode = force_generic_plan SET enable_sort = off SET jit = off
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
    nodes search_found[]; node_ids bigint[]; node_keys bigint[] := '{{}}'; cleared bigint[];
    lost bigint[] := '{{}}';
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
        IF NOT is_word[i] THEN
            {_COUNT_TOKENS}
        END IF;
        CONTINUE WHEN i > positive_count;
        IF is_word[i] THEN
            token := phrase -> 'tokens' ->> 0;
            in_title := phrase ? 'column';
            counted := ({sql.COUNT});
            {_SET_IDF}
            IF phrase_count = 1 THEN
                RETURN QUERY {sql.SCORES_OF_WORD};
                RETURN;
            END IF;
            totals[groups[i]] := totals[groups[i]] + counted;
        ELSE
            counted := coalesce((SELECT min(n) FROM unnest(token_counts) AS n), 0);
            totals[groups[i]] := totals[groups[i]] + counted;
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
                {sql.into(sql.POSTINGS, "ids", "parts")};
            ELSIF is_word[i] THEN
                {sql.into(sql.POSTINGS_AMONG, "ids", "parts")};
            ELSE
                tokens := ARRAY(SELECT jsonb_array_elements_text(phrase -> 'tokens'));
                token_end := phrase ->> 'end';
                counted := NULL;
                IF cardinality(tokens) = 0 THEN
                    ids := '{{}}';
                    parts := '{{}}';
                ELSIF cardinality(tokens) = 1 AND (number IS NULL OR in_title) THEN
                    {sql.into(sql.POSTINGS_OF_PREFIX, "ids", "parts")};
                ELSE
                    {_READ_PHRASE}
                END IF;
                counted := coalesce(counted, cardinality(ids));
                {_SET_IDF}
                IF phrase_count = 1 THEN
                    RETURN QUERY {sql.SCORES_OF_PHRASE};
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
                SELECT DISTINCT h FROM unnest(group_ids) AS h WHERE {sql.is_in("h", "candidates")});
        END IF;
        IF candidates = '{{}}' THEN
            RETURN;
        END IF;
        {sql.into(sql.BLOCKS, "blocks")};
    END LOOP;

    FOR i IN 1..positive_count LOOP
        keys := keys || ARRAY(SELECT unnest((found[i]).ids) << 8 | i);
        all_parts := all_parts || (found[i]).parts;
    END LOOP;
    IF phrase_count > positive_count AND positive_count > group_count AND group_count > 1
        AND parsed -> 'groups' @? '$[*][*] ? (exists(@.next) || exists(@.column))' THEN
        {_LOSE_INSTANCES}
    ELSE
        parts := all_parts;
    END IF;
    RETURN QUERY {sql.SCORES};
END
$$
"""
