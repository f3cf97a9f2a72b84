"""A folder of Markdown news articles, served as a GraphQL API."""

__version__ = "0.1.0"
