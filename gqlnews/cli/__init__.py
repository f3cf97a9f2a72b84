"""The command line: serve, ingest, check, changes, config, schema, sample."""

from gqlnews.cli.app import main

__all__ = ["main"]
