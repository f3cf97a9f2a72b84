-- The body without the template syntax of site generators, which search must not find; and links of bodies.

ALTER TABLE article ADD COLUMN prose TEXT;        -- null if it is equal to `body`
ALTER TABLE article ADD COLUMN linked_html TEXT;  -- `html` with placeholders for links; null if there are none

-- The slugs of the articles to which the links of a body may lead.
CREATE TABLE article_link (
    target TEXT NOT NULL,
    article_id INTEGER NOT NULL REFERENCES article ON DELETE CASCADE,
    PRIMARY KEY (target, article_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX article_link_article ON article_link (article_id);
CREATE INDEX article_linked ON article (id) WHERE linked_html IS NOT NULL;

DROP VIEW search_public_source;
DROP VIEW search_all_source;
CREATE VIEW search_all_source AS
SELECT id, published,
    replace(replace(title, char(2), ' '), char(3), ' ') AS title,
    replace(replace(excerpt, char(2), ' '), char(3), ' ') AS excerpt,
    replace(replace(provider_name, char(2), ' '), char(3), ' ') AS provider,
    (
        SELECT replace(replace(group_concat(name, ' ' || char(57344) || ' '), char(2), ' '), char(3), ' ')
        FROM (SELECT name FROM article_topic WHERE article_id = article.id ORDER BY position)
    ) AS topics,
    replace(replace(coalesce(prose, body), char(2), ' '), char(3), ' ') AS body,
    (
        SELECT replace(replace(group_concat(title, ' ' || char(57344) || ' '), char(2), ' '), char(3), ' ')
        FROM (SELECT title FROM related WHERE article_id = article.id ORDER BY position)
    ) AS related
FROM article;
CREATE VIEW search_public_source AS SELECT * FROM search_all_source WHERE published = 1;
