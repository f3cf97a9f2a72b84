-- The declarations of custom fields, a JSON array. The ingest adds the columns for their values.

ALTER TABLE store ADD COLUMN custom_fields TEXT NOT NULL DEFAULT '[]';
