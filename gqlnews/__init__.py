"""A folder of Markdown news articles, served as a GraphQL API."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gqlnews.python_api import Settings, create_app, from_environment

__version__ = "0.1.0"
__all__ = ["Settings", "create_app", "from_environment"]


def __getattr__(name: str) -> object:
    """Import the public names when they are used, so that commands start quickly."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from gqlnews import python_api

    return getattr(python_api, name)
