"""Generate synthetic content folders of any size, with the distributions of a real one."""

from gqlnews.sample.writer import SampleReport, write_sample

__all__ = ["SampleReport", "write_sample"]
