"""Text as SQL compares it, the same for what is stored and for what is asked."""


def folded(text: str | None) -> str | None:
    """`text` without the case of its letters; None where SQLite's `lower`, for ASCII alone, gives the same."""
    if text is None or text.isascii():
        return None
    full = text.casefold()
    return None if full == _ascii_lower(text) else full


def as_item(text: str) -> str:
    """`text` without line feeds, one to one: items between line feeds are found by searching for `\\nitem\\n`."""
    return text.replace("\\", "\\\\").replace("\n", "\\n")


def _ascii_lower(text: str) -> str:
    return "".join(letter.lower() if letter.isascii() else letter for letter in text)
