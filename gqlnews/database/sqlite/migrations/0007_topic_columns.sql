-- Copies of the columns by which a topic's articles are mostly filtered and sorted, for one index scan.

ALTER TABLE article_topic ADD COLUMN quality INTEGER;
ALTER TABLE article_topic ADD COLUMN heat INTEGER;
ALTER TABLE article_topic ADD COLUMN has_image INTEGER NOT NULL DEFAULT 0;
UPDATE article_topic SET (quality, heat, has_image) = (
    SELECT quality, heat, has_image FROM article WHERE id = article_id
);
DROP INDEX article_topic_newest;
DROP INDEX article_topic_newest_public;
CREATE INDEX article_topic_newest
    ON article_topic (topic, published_at DESC, slug, published, quality, heat, has_image);
CREATE INDEX article_topic_newest_public
    ON article_topic (topic, published_at DESC, slug, published, quality, heat, has_image)
    WHERE published = 1;
