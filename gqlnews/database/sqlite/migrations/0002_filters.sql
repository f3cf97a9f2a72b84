-- Derived columns that filters and orders compare.

-- Not generated columns: SQLite 3.40 does not use an index with one as a covering index.
ALTER TABLE article ADD COLUMN updated_key TEXT NOT NULL DEFAULT '';  -- sorts by instant
ALTER TABLE article ADD COLUMN has_image INTEGER NOT NULL DEFAULT 0;
-- Case-folded; null if SQLite's own lower() gives the same result.
ALTER TABLE article ADD COLUMN slug_folded TEXT;
ALTER TABLE article ADD COLUMN title_folded TEXT;
ALTER TABLE article ADD COLUMN category_folded TEXT;
ALTER TABLE article ADD COLUMN type_folded TEXT;
ALTER TABLE article ADD COLUMN provider_domain_folded TEXT;
ALTER TABLE article ADD COLUMN heat_log REAL;                -- log2 of a heat above 0
ALTER TABLE article ADD COLUMN published_seconds REAL;       -- since 1970
ALTER TABLE article ADD COLUMN topic_slugs TEXT NOT NULL DEFAULT '';  -- separated by line feeds, see text_keys.py

UPDATE article SET
    updated_key = rtrim(updated_at, 'Z'),
    has_image = images <> '[]',
    slug_folded = folded(slug),
    title_folded = folded(title),
    category_folded = folded(category),
    type_folded = folded(type),
    provider_domain_folded = folded(provider_domain),
    heat_log = heat_log_of(heat),
    published_seconds = seconds_of(published_at),
    topic_slugs = coalesce((
        SELECT char(10) || group_concat(as_item(topic), char(10)) || char(10)
        FROM (SELECT topic FROM article_topic WHERE article_id = article.id ORDER BY position)
    ), '');

ALTER TABLE provider ADD COLUMN domain_folded TEXT;
ALTER TABLE provider ADD COLUMN name_folded TEXT;
UPDATE provider SET domain_folded = folded(domain), name_folded = folded(name);

-- Covering indexes of all columns that filters, orders and facets read, so that these never read the wide rows.
-- The partial indexes contain `published` too: otherwise SQLite would look it up in the table.
DROP INDEX article_newest;
DROP INDEX article_newest_public;
CREATE INDEX article_newest ON article (
    published_at DESC, slug, published, title, title_folded, category, type, provider_domain, quality, heat, heat_log,
    published_seconds, updated_key, has_image, related_count, topic_slugs, slug_folded, category_folded, type_folded,
    provider_domain_folded);
CREATE INDEX article_newest_public ON article (
    published_at DESC, slug, published, title, title_folded, category, type, provider_domain, quality, heat, heat_log,
    published_seconds, updated_key, has_image, related_count, topic_slugs, slug_folded, category_folded, type_folded,
    provider_domain_folded) WHERE published = 1;
DROP INDEX article_provider;
DROP INDEX article_provider_public;
CREATE INDEX article_provider ON article (provider_domain, published_at DESC, slug, published);
CREATE INDEX article_provider_public ON article (provider_domain, published_at DESC, slug, published)
    WHERE published = 1;
DROP INDEX article_topic_newest;
DROP INDEX article_topic_newest_public;
CREATE INDEX article_topic_newest ON article_topic (topic, published_at DESC, slug, published);
CREATE INDEX article_topic_newest_public ON article_topic (topic, published_at DESC, slug, published)
    WHERE published = 1;

-- `collapse` searches for articles with the same URL.
CREATE INDEX article_url_field ON article (url, published, published_at DESC, slug);
