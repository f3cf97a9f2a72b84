-- What changed, as one row an article and scope: its latest state, instead of a log that grows for ever.

CREATE TABLE article_change (
    scope INTEGER NOT NULL,
    slug TEXT NOT NULL,
    version INTEGER NOT NULL,          -- of its latest change
    first_added INTEGER NOT NULL,      -- the earliest time it came that is remembered, whatever came between
    added INTEGER NOT NULL,            -- since when it is there, or was before it went
    removed INTEGER NOT NULL CHECK (removed IN (0, 1)),
    PRIMARY KEY (scope, slug)
) STRICT, WITHOUT ROWID;
CREATE INDEX article_change_version ON article_change (scope, version);
CREATE INDEX article_change_removed ON article_change (scope, version, removed) WHERE removed = 1;

INSERT INTO article_change
SELECT 0, slug, last, first_added, added, 1 - last_change.is_public
FROM (
    SELECT slug, max(version) AS last,
        min(version) FILTER (WHERE NOT was_public) AS first_added,
        max(version) FILTER (WHERE NOT was_public) AS added
    FROM change WHERE was_public OR is_public GROUP BY slug
) AS seen
JOIN change AS last_change USING (slug) WHERE last_change.version = last;

INSERT INTO article_change
SELECT 1, slug, last, first_added, added, last_change.kind = 'REMOVED'
FROM (
    SELECT slug, max(version) AS last,
        min(version) FILTER (WHERE kind = 'ADDED') AS first_added,
        max(version) FILTER (WHERE kind = 'ADDED') AS added
    FROM change GROUP BY slug
) AS seen
JOIN change AS last_change USING (slug) WHERE last_change.version = last;

DROP TABLE change;

ALTER TABLE site ADD COLUMN number INTEGER NOT NULL DEFAULT 0;    -- the number in `version`
ALTER TABLE site ADD COLUMN forgotten INTEGER NOT NULL DEFAULT 0; -- the newest removal that is forgotten
UPDATE site SET number = CAST(substr(version, instr(version, '-') + 1) AS INTEGER);
