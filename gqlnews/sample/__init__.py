"""Synthetic content folders, shaped like a real one, of any size."""

from gqlnews.sample.writer import SampleReport, write_sample

__all__ = ["SampleReport", "write_sample"]
