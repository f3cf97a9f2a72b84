-- The files of the content folder in which an article has looked for its images.

CREATE TABLE media (
    path TEXT NOT NULL,            -- relative to the content folder
    article_id INTEGER NOT NULL REFERENCES article ON DELETE CASCADE,
    published INTEGER NOT NULL,    -- the article
    is_image INTEGER NOT NULL,     -- the article uses the file; else there is none, or it is no image
    size INTEGER NOT NULL,         -- -1 if there is no file
    mtime_ns INTEGER NOT NULL,
    ctime_ns INTEGER NOT NULL,
    read_ns INTEGER NOT NULL,      -- the start of the ingest that has read it
    PRIMARY KEY (path, article_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX media_article ON media (article_id);
CREATE INDEX media_served ON media (path, published) WHERE is_image = 1;

-- The next ingest reads every file.
UPDATE store SET fingerprint = '';
