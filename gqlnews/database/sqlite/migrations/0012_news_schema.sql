-- Languages and modification dates to filter and sort by, paths, ids of related coverage, and counts.

ALTER TABLE article ADD COLUMN language_folded TEXT;
ALTER TABLE article ADD COLUMN modified_at TEXT;  -- sorts by instant
ALTER TABLE article ADD COLUMN web_path TEXT;     -- `web_url` from the first slash after the host
ALTER TABLE related ADD COLUMN node_id TEXT NOT NULL DEFAULT '';
ALTER TABLE topic ADD COLUMN article_count INTEGER NOT NULL DEFAULT 0;
ALTER TABLE provider ADD COLUMN article_count INTEGER NOT NULL DEFAULT 0;

UPDATE article SET web_path = path_of(web_url);
UPDATE related SET node_id = related_id_of(
    (SELECT slug FROM article WHERE id = article_id) || char(10) || url || char(10) || (
        SELECT count(*) FROM related AS other
        WHERE other.article_id = related.article_id AND other.url = related.url AND other.position <= related.position
    )
);

-- The next ingest reads every file.
UPDATE store SET fingerprint = '';
