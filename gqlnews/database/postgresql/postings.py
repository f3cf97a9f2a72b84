"""Format of the postings in the full-text index of the PostgreSQL store, as bigints.

A posting is the offset of the article in its block, the weighted number of instances, and the number of
tokens of the article. A place is the offset of the article, the number of the column, the number of the token
in the column, and the hash of the next word, by which a phrase of two words is found in the places of one.
"""

from hashlib import md5, sha256

from gqlnews.columns import TEXT_COLUMNS

COLUMNS = tuple(TEXT_COLUMNS.split(", "))
WEIGHTS = (10, 4, 3, 3, 2, 1)
"""Weights of the columns in bm25, as the SQLite indexes declare them."""

BLOCK_BITS = 7
BLOCK_SIZE = 1 << BLOCK_BITS
COUNT_BITS = 24
"""Bits of the number of tokens and of the weighted number of instances in a posting."""

COLUMN_BITS, TOKEN_BITS, HASH_BITS = 3, 22, 31
"""Bits in a place. A file has at most 1 MiB, so no column has more than 2²⁰ tokens."""

MAX_KEY_BYTES = 2_400
"""Longer words are shortened: an entry of an index in PostgreSQL has at most 2,704 bytes."""

_DIGEST_DIGITS = 32


def pack_posting(article: int, frequency: int, length: int) -> int:
    """Return a posting of an article: weighted number of instances, number of tokens in the article."""
    return (article & BLOCK_SIZE - 1) << 2 * COUNT_BITS | frequency << COUNT_BITS | length


def pack_place(position: int, next_hash: int) -> int:
    """Return a place; `next_hash` is 0 at the end of a column."""
    in_block = position & (1 << BLOCK_BITS + COLUMN_BITS + TOKEN_BITS) - 1
    return in_block << HASH_BITS | next_hash


def position(article: int, column: int, token: int) -> int:
    """Return the position of a token; that of the next token in the column is larger by 1."""
    return (article << COLUMN_BITS | column) << TOKEN_BITS | token


def word_key(word: bytes) -> str:
    """Return how PostgreSQL stores a word: unchanged, or its beginning and a digest if it is very long."""
    if len(word) <= MAX_KEY_BYTES:
        return word.decode()
    beginning = word[: MAX_KEY_BYTES - _DIGEST_DIGITS - 1].decode(errors="ignore")
    return f"{beginning} {sha256(word).hexdigest()[:_DIGEST_DIGITS]}"


def word_hash(key: str) -> int:
    """Return the hash of a word, which is positive; `search_vocabulary` tells which words have the same."""
    digest = md5(key.encode(), usedforsecurity=False).digest()
    return (int.from_bytes(digest[:4]) >> 32 - HASH_BITS) or 1
