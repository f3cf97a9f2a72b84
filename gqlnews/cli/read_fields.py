"""Read the custom fields of a content configuration, for the commands that need only the schema."""

from pathlib import Path

from gqlnews.custom_fields import CustomField
from gqlnews.discovery.find_config import find_config
from gqlnews.discovery.scan import open_root
from gqlnews.errors import SettingsError


def read_fields(config: Path | None, content: Path | None = None) -> tuple[CustomField, ...]:
    """Return the fields that a configuration file declares, or else that of a content folder, if it has one.

    Raises SettingsError with the first mistake in the file, and ContentFolderError.
    """
    folder = config.parent if config else content
    if folder is None:
        return ()
    with open_root(folder) as opened:
        found = find_config(opened, str(config) if config else None)
    if found.config is None:
        problem = found.problems[0]
        place = ":".join(str(part) for part in (found.path, problem.line, problem.column) if part is not None)
        raise SettingsError(f"{place}: {problem.message}")
    return found.config.fields
