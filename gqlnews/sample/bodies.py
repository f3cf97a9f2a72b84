"""Generate Markdown bodies with headings, paragraphs, lists, tables, code and quotes."""

from random import Random

from gqlnews.sample.pieces import Subject, running_text
from gqlnews.sample.words import lexicon, pick


def make_body(rng: Random, subject: Subject) -> str:
    """Generate a body of one to six sections, 60 to 900 words."""
    sections = (_section(rng, subject) for _ in range(1 + int(rng.random() * 6)))
    return "\n\n".join(sections) + "\n"


def _section(rng: Random, subject: Subject) -> str:
    heading = " ".join(pick(rng, lexicon().titled, 3))
    special = _SPECIALS[int(rng.random() * len(_SPECIALS))]
    return f"## {heading}\n\n{_paragraph(rng, subject)}\n\n{special(rng)}\n\n{_paragraph(rng, subject)}"


def _paragraph(rng: Random, subject: Subject) -> str:
    text = running_text(rng, 6 + int(rng.random() * 16), subject)
    return f"{text}That is **{pick(rng, subject.words, 1)[0]}**."


def _bullets(rng: Random) -> str:
    return "\n".join(f"- {' '.join(pick(rng, lexicon().topical, 4))}" for _ in range(3))


def _table(rng: Random) -> str:
    rows = "\n".join(f"| {word} | {int(rng.random() * 900)} |" for word in pick(rng, lexicon().titled, 3))
    return f"| What | Count |\n|---|--:|\n{rows}"


def _code(rng: Random) -> str:
    name = pick(rng, lexicon().topical, 1)[0]
    return f"```python\n{name!r}.upper()\n```"


def _quote(rng: Random) -> str:
    return f"> {' '.join(pick(rng, lexicon().phrases, 3))}."


def _link(rng: Random) -> str:
    word = pick(rng, lexicon().topical, 1)[0]
    return f"[{word}](https://reference.example/{int(rng.random() * 1000)}) and *{word}* again."


_SPECIALS = (_bullets, _table, _code, _quote, _link)
