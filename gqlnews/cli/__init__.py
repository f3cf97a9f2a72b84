"""The command line: serve, ingest, check, config, schema, sample."""

from gqlnews.cli.app import main

__all__ = ["main"]
