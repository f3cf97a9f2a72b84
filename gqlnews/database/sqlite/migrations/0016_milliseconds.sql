-- Clock times that clients see are rounded down to milliseconds, as clients' dates are, so that filters and answers
-- agree. A key has 19 characters and a fraction, for example `2021-04-15T13:00:00.123456789`; the text adds a `Z`.

-- Answers change, so the versions advance, as they do for a change of the site: without an entry in the change log.
UPDATE site SET number = last + 1, version = (SELECT line FROM store) || (audience <> 0) || '-' || (last + 1)
FROM (SELECT min(audience, 1) AS scope, max(number) AS last FROM site GROUP BY min(audience, 1)) AS newest
WHERE newest.scope = min(audience, 1)
  AND (EXISTS (SELECT 1 FROM article WHERE length(updated_key) > 23)
    OR EXISTS (SELECT 1 FROM site WHERE length(ingested_at) > 24));

UPDATE article SET
    updated_key = rtrim(rtrim(substr(updated_key, 1, 23), '0'), '.'),
    updated_at = rtrim(rtrim(substr(updated_key, 1, 23), '0'), '.') || 'Z'
WHERE length(updated_key) > 23;
UPDATE site SET ingested_at = rtrim(rtrim(substr(ingested_at, 1, 23), '0'), '.') || 'Z' WHERE length(ingested_at) > 24;
