"""The command line: serve, ingest, check, schema, sample."""

from gqlnews.cli.app import main

__all__ = ["main"]
