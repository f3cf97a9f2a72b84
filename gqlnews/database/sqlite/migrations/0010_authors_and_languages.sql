-- What a file says of its authors, its language and its last change. The API does not show it yet.

ALTER TABLE article ADD COLUMN authors TEXT NOT NULL DEFAULT '[]';  -- JSON array of names
ALTER TABLE article ADD COLUMN language TEXT;
ALTER TABLE article ADD COLUMN modified_date_time TEXT;

-- The next ingest reads every file.
UPDATE store SET fingerprint = '';
