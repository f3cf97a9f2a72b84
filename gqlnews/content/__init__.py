"""Parse and validate article files; contains no SQL, async code or GraphQL."""
