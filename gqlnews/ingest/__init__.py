"""Content files into the store."""
