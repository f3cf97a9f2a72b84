"""Find the author data of a site: `authors.yml` and the like, in its folder and in its content roots."""

from collections.abc import Iterable, Iterator

from gqlnews.content.authors import read_author_data
from gqlnews.content.presets.settings import ConfigProblem
from gqlnews.content.presets.site import SiteAuthor
from gqlnews.discovery.config_files import AUTHOR_FOLDERS, AUTHOR_NAMES, DATA_EXTENSIONS, author_files
from gqlnews.discovery.site_files import SiteFileReader


def find_author_data(reader: SiteFileReader, roots: Iterable[str]) -> dict[str, SiteAuthor]:
    """Read the authors of a site by slug; of several entries with one slug, the first file's counts."""
    found: dict[str, SiteAuthor] = {}
    for name in _existing_files(reader, roots):
        is_one = name.rpartition("/")[0] in AUTHOR_FOLDERS
        file = reader.read_file(name)
        problems: list[ConfigProblem] = []
        values = {name.rpartition("/")[2].rpartition(".")[0]: file.content} if is_one else file.content
        for slug, author in read_author_data(values, problems).items():
            found.setdefault(slug, author)
        if file.problem is not None:
            reader.problems.append(file.problem)
        for problem in problems:
            reader.report_value(problem, [name])
    return found


def _existing_files(reader: SiteFileReader, roots: Iterable[str]) -> Iterator[str]:
    inside = (f"{root}/{AUTHOR_NAMES[0]}" for root in roots if root and "*" not in root)
    yield from filter(reader.exists, author_files((*AUTHOR_NAMES, *inside)))
    for folder in AUTHOR_FOLDERS:
        yield from (
            f"{folder}/{name}" for name in reader.list_names(folder) if name.endswith(DATA_EXTENSIONS)
        )
