"""Test a program against gqlnews: a pytest plugin, and what its fixtures return. See docs/guides/testing.md.

pytest imports this package in every session, also in those that do not use it. So nothing is imported here.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gqlnews.errors import (
        FileRejectedError,
        NotServedError,
        QueryFailedError,
        ReadOnlyFolderError,
        ServerProcessError,
    )
    from gqlnews.testing.client import Events, FileProblem, NewsClient, QueryResponse
    from gqlnews.testing.factory import ServerFactory
    from gqlnews.testing.in_process import InProcessNews
    from gqlnews.testing.server import NewsServer

__all__ = [
    "Events",
    "FileProblem",
    "FileRejectedError",
    "InProcessNews",
    "NewsClient",
    "NewsServer",
    "NotServedError",
    "QueryFailedError",
    "QueryResponse",
    "ReadOnlyFolderError",
    "ServerFactory",
    "ServerProcessError",
]

_MODULES = {"InProcessNews": "in_process", "NewsServer": "server", "ServerFactory": "factory"}


def __getattr__(name: str) -> object:
    """Import the public names when they are used."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    is_error = name.endswith("Error")
    module = "gqlnews.errors" if is_error else f"{__name__}.{_MODULES.get(name, 'client')}"
    return getattr(import_module(module), name)
