"""Source text of a document that locates errors quickly."""

from graphql import Source, SourceLocation


class QuickSource(Source):
    """A source whose lines are counted by `str.count`.

    graphql-core walks all lines before the position, for each error: 14 ms for ten errors below 9,990 lines.
    """

    __slots__ = ()

    def get_location(self, position: int) -> SourceLocation:
        body = self.body
        newlines, returns, pairs = (body.count(each, 0, position) for each in ("\n", "\r", "\r\n"))
        line_start = max(body.rfind("\n", 0, position), body.rfind("\r", 0, position)) + 1
        return SourceLocation(1 + newlines + returns - pairs, position + 1 - line_start)
