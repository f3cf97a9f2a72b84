"""The audiences and filters of subscriptions."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from benchmarks.soak.writer import TOPICS, WORDS

TOKEN = "soak"  # noqa: S105 - valid only for the server under test
TOKEN_HASH = hashlib.sha256(TOKEN.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Interest:
    """An audience and a filter. `word` (in a title) and `topic` are empty if there is no such filter."""

    editor: bool
    word: str = ""
    topic: str = ""

    @property
    def is_everything(self) -> bool:
        return not self.word and not self.topic

    @property
    def where(self) -> Mapping[str, object]:
        title = {"title": {"contains": self.word}} if self.word else {}
        return title | ({"topic": {"any": [self.topic]}} if self.topic else {})

    @property
    def authorization(self) -> str:
        return f"Bearer {TOKEN}" if self.editor else ""

    def __str__(self) -> str:
        return " ".join(filter(None, ("editor" if self.editor else "public", self.word, self.topic)))


EVERYTHING = (Interest(editor=False), Interest(editor=True))
FILTERED = tuple(
    Interest(editor, **filtered)
    for editor in (False, True)
    for filtered in (
        *({"word": word} for word in WORDS[:6]),
        *({"topic": topic.lower().replace(" ", "-")} for topic in TOPICS[:6]),
    )
)
ALL_INTERESTS = (*EVERYTHING, *FILTERED)
