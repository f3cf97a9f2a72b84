"""Storage of the ingested content."""
