"""Storage layer: turn articles into rows and read them. The only package that opens a database."""
