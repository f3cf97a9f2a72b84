"""The LRU cache retains the most recently used entries, up to its size."""

from collections import OrderedDict

from hypothesis import given
from hypothesis import strategies as st

from gqlnews.cache import SizedLRUCache

LIMIT = 20
steps = st.lists(st.tuples(st.sampled_from("kg"), st.integers(0, 9), st.integers(1, LIMIT + 5)), max_size=60)


@given(steps=steps)
def test_the_most_recently_used_entries_stay(steps: list[tuple[str, int, int]]) -> None:
    cache: SizedLRUCache[int, str] = SizedLRUCache(LIMIT)
    model: OrderedDict[int, int] = OrderedDict()
    for step, key, size in steps:
        if step == "g":
            assert cache.get(key) == (f"{key} of {model[key]}" if key in model else None)
        else:
            cache.set(key, f"{key} of {size}", size)
            model.pop(key, None)
            if size <= LIMIT:
                model[key] = size
        if key in model:
            model.move_to_end(key)
        while sum(model.values()) > LIMIT:
            model.popitem(last=False)
        assert (cache.size, len(cache)) == (sum(model.values()), len(model))


def test_a_size_of_0_disables_the_cache() -> None:
    cache: SizedLRUCache[str, str] = SizedLRUCache(0)
    cache.set("a", "b", 1)
    assert cache.get("a") is None


def test_a_fuller_cache_admits_a_new_key_on_its_second_insert() -> None:
    cache: SizedLRUCache[str, int] = SizedLRUCache(100, always_admit_bytes=50)
    for number in range(200):
        cache.set(f"once {number}", number, 10)
    assert (len(cache), cache.size) == (5, 50)
    cache.set("twice", 0, 10)
    assert cache.get("twice") is None
    cache.set("twice", 1, 10)
    assert cache.get("twice") == 1
    cache.set("once 1", 7, 20)  # an entry may grow
    assert cache.get("once 1") == 7


def test_used_entries_survive_a_flood_of_one_off_keys() -> None:
    cache: SizedLRUCache[str, int] = SizedLRUCache(100, always_admit_bytes=50)
    for _ in range(2):
        for number in range(10):
            cache.set(f"used {number}", number, 10)
    for number in range(10_000):
        cache.set(f"once {number}", number, 10)
    assert [cache.get(f"used {number}") for number in range(10)] == list(range(10))
