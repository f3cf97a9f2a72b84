"""Parse many files as an ingest does, without a conversion of the results."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from gqlnews.content.models import ParseOptions, ParseResult, SourceFile
from gqlnews.content.safe_open import OpenFolder
from gqlnews.ingest.worker_pool import map_files


def parse_all(
    folder: Path | OpenFolder,
    files: Iterable[SourceFile],
    options: ParseOptions,
    processes: int | None = None,
    *,
    isolate: bool = False,
) -> Iterator[ParseResult]:
    return map_files(unchanged, folder, files, options, processes, isolate=isolate)


def unchanged(result: ParseResult) -> ParseResult:
    return result
