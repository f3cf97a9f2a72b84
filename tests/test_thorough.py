"""The names in `tests/thorough.py` are those of tests."""

from pathlib import Path

from tests.thorough import ONE_VARIANT, TESTS

ROOT = Path(__file__).parents[1]


def read(module: str) -> str:
    return (ROOT / f"{module.replace('.', '/')}.py").read_text()


def test_each_module_and_test_exists() -> None:
    assert [module for module in ONE_VARIANT if "param" not in read(module)] == []
    texts = {module: read(module) for module in TESTS}
    assert [name for module in TESTS for name in TESTS[module] if f"def {name}(" not in texts[module]] == []
