"""What stands for snippets is replaced, off the event loop if it is large."""

import asyncio
import json
import threading

import pytest

from gqlnews.database.postgresql import snippets
from gqlnews.database.postgresql.combined import MAX_INLINE_BYTES, fill_snippets
from gqlnews.database.postgresql.search_query import encode
from gqlnews.text_keys import SNIPPET_MARK


@pytest.mark.parametrize(
    ("body", "is_inline"), [("fish", True), ("fish" + " word" * MAX_INLINE_BYTES, False)]
)
def test_snippets_are_made_in_a_thread_if_the_values_are_large(
    body: str, is_inline: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads, fill = [], snippets.fill

    def record(result: bytes, mark: bytes) -> bytes:
        threads.append(threading.current_thread())
        return fill(result, mark)

    monkeypatch.setattr(snippets, "fill", record)
    texts = json.dumps([encode('"fish"'), "Red fish", None, None, None, body, None])
    value = json.dumps(["a", SNIPPET_MARK + texts]).encode()
    large = b"x" * 2 * MAX_INLINE_BYTES
    found = asyncio.run(fill_snippets([None, large, value]))
    assert found[:2] == [None, large]
    assert b"<mark>fish</mark>" in (found[2] or b"")
    assert [thread is threading.main_thread() for thread in threads] == [is_inline]
