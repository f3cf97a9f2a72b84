"""Blocks: their sizes, and which articles list each other."""

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from gqlnews.sample.articles import BlockShape, draw_links, draw_shape

generators = st.integers(0, 2**32).map(Random)
shapes = st.builds(BlockShape, st.integers(2, 40), st.integers(0, 60), st.integers(0, 3))


@given(generators, st.integers(1, 300))
def test_a_block_is_not_empty_and_fits_the_remaining_articles(rng: Random, room: int) -> None:
    assert 1 <= draw_shape(rng, room).size <= room


@given(generators, st.integers(1, 300))
def test_a_story_has_at_least_two_members(rng: Random, room: int) -> None:
    assert draw_shape(rng, room).members != 1


@given(generators, shapes)
def test_every_member_lists_every_other(rng: Random, shape: BlockShape) -> None:
    links = draw_links(rng, shape, [False] * shape.size)
    for member in range(shape.members):
        assert set(range(shape.members)) - {member} <= set(links[member])


@given(generators, shapes)
def test_only_members_list_each_other(rng: Random, shape: BlockShape) -> None:
    links = draw_links(rng, shape, [False] * shape.size)
    for outsider in range(shape.members, shape.size):
        assert not any(outsider in links[listed] for listed in links[outsider])


@given(generators, shapes)
def test_related_lists_stay_in_the_block_without_repeats(rng: Random, shape: BlockShape) -> None:
    for place, listed in enumerate(draw_links(rng, shape, [False] * shape.size)):
        assert len(set(listed)) == len(listed)
        assert set(listed) <= set(range(shape.size)) - {place}
