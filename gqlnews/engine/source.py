"""GraphQL source with fast error locations."""

from graphql import Source, SourceLocation


class QuickSource(Source):
    """Source that counts lines with `str.count`.

    graphql-core iterates over all lines before the position for each error, which takes 14 ms for ten errors
    below 9,990 lines.
    """

    __slots__ = ()

    def get_location(self, position: int) -> SourceLocation:
        body = self.body
        newlines, returns, pairs = (body.count(each, 0, position) for each in ("\n", "\r", "\r\n"))
        line_start = max(body.rfind("\n", 0, position), body.rfind("\r", 0, position)) + 1
        return SourceLocation(1 + newlines + returns - pairs, position + 1 - line_start)
