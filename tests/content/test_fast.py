"""The two readers agree: whatever the fast one says of a file, the slow one says too."""

from hypothesis import given, settings

from gqlnews.content.fast import read_fast
from gqlnews.content.fence import Fenced, unfence
from gqlnews.content.markdown import render
from gqlnews.content.records import ReadOptions
from gqlnews.content.slow import read_slow
from tests.content.documents import fronts

OPTIONS = ReadOptions()


def fenced(front: str) -> Fenced:
    parts = unfence(f"---\n{front}---\n")
    assert parts is not None
    return parts


@given(fronts)
@settings(max_examples=400)
def test_what_the_fast_reader_says_the_slow_one_says_too(front: str) -> None:
    parts = fenced(front.replace("\n---", "\n--"))
    fast = read_fast("a.md", parts, render(""), OPTIONS)
    if fast is not None:
        assert fast == read_slow("a.md", parts, render(""), OPTIONS)
