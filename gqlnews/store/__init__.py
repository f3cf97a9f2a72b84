"""Articles to rows: the only package that opens a database."""
