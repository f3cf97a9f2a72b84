"""How much one request may ask for. What is beyond is refused; 0 is no limit."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """`tokens` are of the document; `depth`, `aliases`, `root_fields` and `directives` of the operation as it
    is written, each as often as its fragment is spread; `page` is of a connection, and of a list of ids;
    `cost` is counted in objects, `scan` in thousands of comparisons (plan/scan.py); `seconds` are those of
    its statements, and `answer_bytes` of what they give.

    Without `introspection` nothing tells the schema: errors make no suggestions either.
    """

    tokens: int = 0
    depth: int = 0
    aliases: int = 0
    root_fields: int = 0
    directives: int = 0
    page: int = 0
    cost: int = 0
    scan: int = 0
    seconds: float = 0.0
    answer_bytes: int = 0
    introspection: bool = True


UNLIMITED = Limits()
SERVED = Limits(
    tokens=2_000,
    depth=16,
    aliases=30,
    root_fields=20,
    directives=50,
    page=100,
    cost=20_000,
    scan=80_000,  # some 0.8 s: half of the time that statements may take
    seconds=2.0,
    answer_bytes=64 << 20,
)
"""What is served with, unless the settings say otherwise."""
