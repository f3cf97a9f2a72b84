"""Files to valid articles: no SQL, no async, no GraphQL."""
