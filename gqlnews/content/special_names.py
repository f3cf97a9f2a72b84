"""Names of files that are no articles, although they are Markdown."""

_NAMES = frozenset(
    {
        *(
            "_index",
            "README",
            "CONTRIBUTING",
            "LICENSE",
            "CHANGELOG",
            "CODE_OF_CONDUCT",
            "SECURITY",
            "AGENTS",
        ),
        *("CLAUDE", "SUMMARY", "404"),
    }
)


def is_special_name(path: str) -> bool:
    """Return whether a file has such a name; `README.fr.md` has one too."""
    return path.rpartition("/")[2].partition(".")[0] in _NAMES
