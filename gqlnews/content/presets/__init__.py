"""Site generators: which files of a site are articles, and what their addresses are."""
