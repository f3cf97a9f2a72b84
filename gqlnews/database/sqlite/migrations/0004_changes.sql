-- Change log with one row per article and scope, its latest change, so that it does not grow forever.
-- Each scope numbers its own changes: a shared sequence would reveal how much is hidden.

CREATE TABLE article_change (
    scope INTEGER NOT NULL,
    slug TEXT NOT NULL,
    version INTEGER NOT NULL,          -- number of its latest change, in the scope's own sequence
    first_added INTEGER NOT NULL,      -- the earliest known version that added it
    added INTEGER NOT NULL,            -- the version that added it last
    removed INTEGER NOT NULL CHECK (removed IN (0, 1)),
    PRIMARY KEY (scope, slug)
) STRICT, WITHOUT ROWID;
CREATE INDEX article_change_version ON article_change (scope, version);
CREATE INDEX article_change_removed ON article_change (scope, version, removed) WHERE removed = 1;

-- Every change already has a number in scope 1. Scope 0 numbers those that it sees.
INSERT INTO article_change
WITH seen AS (
    SELECT 0 AS scope, slug, row_number() OVER (ORDER BY version) AS number,
        was_public AS was_there, is_public AS is_there
    FROM change WHERE was_public OR is_public
    UNION ALL
    SELECT 1, slug, version, kind <> 'ADDED', kind <> 'REMOVED' FROM change
),
latest AS (
    SELECT scope, slug, max(number) AS number,
        min(number) FILTER (WHERE NOT was_there) AS first_added,
        max(number) FILTER (WHERE NOT was_there) AS added
    FROM seen GROUP BY scope, slug
)
SELECT scope, slug, number, first_added, added, NOT is_there FROM latest JOIN seen USING (scope, slug, number);

DROP TABLE change;

ALTER TABLE site ADD COLUMN number INTEGER NOT NULL DEFAULT 0;    -- the number in `version`
ALTER TABLE site ADD COLUMN forgotten INTEGER NOT NULL DEFAULT 0; -- the newest removal that was pruned
UPDATE site SET number = CAST(substr(version, instr(version, '-') + 1) AS INTEGER) WHERE audience <> 0;
UPDATE site SET number = coalesce((SELECT max(version) FROM article_change WHERE scope = 0), 0) WHERE audience = 0;

-- The text contains the scope, so that a version is never mistaken for one of the other scope. The editor's number
-- is the last of scope 1, the public's that of scope 0, so no separate counter is needed.
UPDATE site SET version = (SELECT line FROM store) || (audience <> 0) || '-' || number;
ALTER TABLE store DROP COLUMN last_version;
