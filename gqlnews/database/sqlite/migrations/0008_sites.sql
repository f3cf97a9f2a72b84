-- Files of site generators: which files are articles of a site, and when an article appears or expires.

ALTER TABLE source ADD COLUMN state TEXT;  -- 'mapped' for an article of a site, 'passed' for a file that is no article
ALTER TABLE source ADD COLUMN due TEXT;    -- when the article appears or expires; sorts by instant
CREATE INDEX source_due ON source (due) WHERE due IS NOT NULL;

-- The next ingest reads every file: pages, future articles and drafts were served or reported until now.
UPDATE store SET fingerprint = '';
