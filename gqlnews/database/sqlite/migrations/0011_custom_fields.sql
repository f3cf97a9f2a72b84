-- Custom fields: the declarations, and the values of each article. The ingest adds the generated columns.

-- JSON array.
ALTER TABLE store ADD COLUMN custom_fields TEXT NOT NULL DEFAULT '[]';
-- JSON object from the columns to their values.
ALTER TABLE article ADD COLUMN field_values TEXT NOT NULL DEFAULT '{}';
