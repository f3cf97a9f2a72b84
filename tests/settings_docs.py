"""Write the tables of docs/settings.md from the declared settings: `python -m tests.settings_docs`."""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from gqlnews.config.declarations import APPLICATION, CREATE_APP, REQUIRED, SETTINGS, Setting, settings_of

FILE = Path(__file__).parent.parent / "docs" / "settings.md"


def update(text: str) -> str:
    """Return docs/settings.md with its generated sections rewritten."""
    return rewrite(text, sections())


def rewrite(text: str, generated: Mapping[str, str]) -> str:
    """Return a document with these sections rewritten, each between two marks."""
    for name, section in generated.items():
        start, end = re.compile(rf"<!-- {name}: .*-->\n"), f"<!-- end of {name} -->"
        (before, after), (mark,) = start.split(text), start.findall(text)
        text = f"{before}{mark}{section}\n{end}{after.partition(end)[2]}"
    return text


def sections() -> Mapping[str, str]:
    shown = [setting for setting in SETTINGS if not setting.is_hidden]
    options = [
        (f"`{row.flag}`", f"`{row.variable}`", _commands(row), _default(row), _meaning(row))
        for row in shown
        if row.option
    ]
    variables = [(f"`{row.variable}`", _default(row), _meaning(row)) for row in shown if not row.option]
    return {
        "options": to_table(("option", "variable", "commands", "default", "meaning"), options),
        "variables": to_table(("variable", "default", "meaning"), variables),
        "application": ", ".join(f"`{row.variable}`" for row in settings_of(APPLICATION)) + ".",
    }


def to_table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return (
        "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
        .replace("| --- ", "|---")
        .replace("--- |", "---|")
    )


def _commands(row: Setting) -> str:
    """Name the commands; `config` has all options of `serve`, as the document says."""
    omitted = {APPLICATION, CREATE_APP, *(["config"] if "serve" in row.commands else [])}
    return ", ".join(command for command in row.commands if command not in omitted)


def _default(row: Setting) -> str:
    if row.default_text:
        return row.default_text
    if isinstance(row.default, bool):
        return "on" if row.default else "off"
    return "–" if row.default in (None, (), REQUIRED) else f"`{row.default}`"


def _meaning(row: Setting) -> str:
    limits = ", {} to {}".format(*row.range) if row.range else ""
    zero = f"; 0 {row.zero}" if row.zero else ""
    return f"{row.help}{limits}{zero}. {row.details}".rstrip()


if __name__ == "__main__":
    FILE.write_text(update(FILE.read_text("utf-8")), "utf-8")
