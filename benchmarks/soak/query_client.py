"""Queries over one keep-alive connection, used to build a client's first copy and to compare at the end."""

import asyncio
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import orjson

from benchmarks.soak.interest import Interest

_CHANGES = """query Changes($since: String) {
  changes(since: $since) { version hasMore nodes { kind slug article { title } } }
}"""
_ARTICLES = """query Page($where: ArticleFilter, $after: String) {
  site { version }
  articles(first: 100, after: $after, where: $where) {
    nodes { slug title } pageInfo { hasNextPage endCursor }
  }
}"""


def head(url: str, interest: Interest, body: bytes, accept: str) -> bytes:
    """Return the head of a POST request."""
    lines = [
        f"POST /graphql HTTP/1.1\r\nHost: {urlsplit(url).netloc}\r\nAccept: {accept}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
    ]
    if interest.authorization:
        lines.append(f"Authorization: {interest.authorization}\r\n")
    return "".join((*lines, "\r\n")).encode()


class QueryClient:
    """Query client for one audience. Call `close` at the end."""

    def __init__(self, url: str, interest: Interest) -> None:
        self._url, self._interest = url, interest
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def changes(self) -> tuple[dict[str, str], str]:
        """Page through all changes; return the titles that the audience sees, and their version."""
        titles: dict[str, str] = {}
        version: str | None = None
        while True:
            page = (await self._request(_CHANGES, {"since": version}))["changes"]
            for node in page["nodes"]:
                if node["article"] is None:
                    titles.pop(node["slug"], None)
                else:
                    titles[node["slug"]] = node["article"]["title"]
            version = page["version"]
            if not page["hasMore"]:
                return titles, page["version"]

    async def first_page(self) -> tuple[dict[str, str], str] | None:
        """Return matching titles and their version from one snapshot; None if one page is not enough."""
        data = await self._page(None)
        if data["articles"]["pageInfo"]["hasNextPage"]:
            return None
        return _titles(data), data["site"]["version"]

    async def articles(self) -> dict[str, str]:
        """Return the titles that match the filter. The content must not change meanwhile."""
        titles: dict[str, str] = {}
        after = None
        while True:
            data = await self._page(after)
            titles |= _titles(data)
            info = data["articles"]["pageInfo"]
            if not info["hasNextPage"]:
                return titles
            after = info["endCursor"]

    async def version(self) -> str:
        return str((await self._request("{ site { version } }", {}))["site"]["version"])

    def close(self) -> None:
        if self._streams is not None:
            self._streams[1].close()

    async def _page(self, after: str | None) -> Mapping[str, Any]:
        return await self._request(_ARTICLES, {"where": self._interest.where, "after": after})

    async def _request(self, document: str, variables: Mapping[str, object]) -> Mapping[str, Any]:
        """Run a query. Raises AssertionError if the response has errors, and OSError."""
        if self._streams is None:
            address = urlsplit(self._url)
            self._streams = await asyncio.open_connection(address.hostname, address.port)
        reader, writer = self._streams
        body = orjson.dumps({"query": document, "variables": variables})
        writer.write(head(self._url, self._interest, body, "application/json") + body)
        output = (await reader.readuntil(b"\r\n\r\n")).lower()
        length = int(output.partition(b"content-length:")[2].partition(b"\r\n")[0])
        response: dict[str, Any] = orjson.loads(await reader.readexactly(length))
        assert "errors" not in response, response
        data: dict[str, Any] = response["data"]
        return data


def _titles(data: Mapping[str, Any]) -> dict[str, str]:
    return {node["slug"]: node["title"] for node in data["articles"]["nodes"]}
