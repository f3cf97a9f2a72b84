-- Full-text indexes of published and of all articles, so that hidden articles do not influence public ranks.

-- The indexed text. U+E000 is a token, so that no phrase spans two topics or titles. U+0002 and U+0003
-- mark matches in snippets.
CREATE VIEW search_all_source AS
SELECT id, published,
    replace(replace(title, char(2), ' '), char(3), ' ') AS title,
    replace(replace(excerpt, char(2), ' '), char(3), ' ') AS excerpt,
    replace(replace(provider_name, char(2), ' '), char(3), ' ') AS provider,
    (
        SELECT replace(replace(group_concat(name, ' ' || char(57344) || ' '), char(2), ' '), char(3), ' ')
        FROM (SELECT name FROM article_topic WHERE article_id = article.id ORDER BY position)
    ) AS topics,
    replace(replace(body, char(2), ' '), char(3), ' ') AS body,
    (
        SELECT replace(replace(group_concat(title, ' ' || char(57344) || ' '), char(2), ' '), char(3), ' ')
        FROM (SELECT title FROM related WHERE article_id = article.id ORDER BY position)
    ) AS related
FROM article;
CREATE VIEW search_public_source AS SELECT * FROM search_all_source WHERE published = 1;

CREATE VIRTUAL TABLE search_public USING fts5 (
    title, excerpt, provider, topics, body, related,
    content = 'search_public_source', content_rowid = 'id', tokenize = 'unicode61 remove_diacritics 2');
CREATE VIRTUAL TABLE search_all USING fts5 (
    title, excerpt, provider, topics, body, related,
    content = 'search_all_source', content_rowid = 'id', tokenize = 'unicode61 remove_diacritics 2');
INSERT INTO search_public (search_public, rank) VALUES ('rank', 'bm25(10.0, 4.0, 3.0, 3.0, 2.0, 1.0)');
INSERT INTO search_all (search_all, rank) VALUES ('rank', 'bm25(10.0, 4.0, 3.0, 3.0, 2.0, 1.0)');
INSERT INTO search_public (search_public) VALUES ('rebuild');
INSERT INTO search_all (search_all) VALUES ('rebuild');

-- Number of articles per scope with a word of 4 or more letters. FTS5 would count them one by one.
CREATE TABLE search_word (
    scope INTEGER NOT NULL,
    word TEXT NOT NULL,
    documents INTEGER NOT NULL,
    PRIMARY KEY (scope, word)
) STRICT, WITHOUT ROWID;
CREATE VIRTUAL TABLE search_public_words USING fts5vocab (search_public, row);
CREATE VIRTUAL TABLE search_all_words USING fts5vocab (search_all, row);
INSERT INTO search_word SELECT 0, term, doc FROM search_public_words WHERE length(term) >= 4;
INSERT INTO search_word SELECT 1, term, doc FROM search_all_words WHERE length(term) >= 4;

-- The words that similarity compares.
CREATE TABLE article_words (
    article_id INTEGER PRIMARY KEY REFERENCES article ON DELETE CASCADE,
    words TEXT NOT NULL                -- JSON array: the distinct words of title and excerpt
) STRICT;
INSERT INTO article_words SELECT id, words_of(title || ' ' || coalesce(excerpt, '')) FROM article;
