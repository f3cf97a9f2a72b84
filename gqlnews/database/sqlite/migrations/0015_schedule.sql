-- Articles appear and expire at their instants even while their file has an error.

ALTER TABLE source ADD COLUMN due_after TEXT;  -- when the article expires if it appears at `due`; sorts by instant

-- The next ingest reads every file.
UPDATE store SET fingerprint = '';
