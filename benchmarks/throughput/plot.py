"""`python -m benchmarks.throughput.plot RESULT.json PICTURE.svg`: plot requests per second as a bar chart.

One panel per query, each with its own scale. The output is plain SVG, identical for the same
figures, whose colours follow the reader's light or dark scheme.
"""

import sys
from collections.abc import Iterator
from html import escape
from pathlib import Path

import msgspec

from benchmarks.throughput.result import Result
from benchmarks.throughput.servers import CACHED, FIELDS, GQLNEWS_SERVERS, LABELS, LIMIT, PEERS, UNCACHED

CONNECTIONS = 32
TITLES = {
    "article": "One article, all its related coverage",
    "front": "A front page of twenty",
    "nested": "Article → related → article → related → provider",
    "topic": "Twenty by topic and quality, four fields",
}

# Sizes in pixels.
PANEL_WIDTH = 460
LABEL_WIDTH = 176
BAR_WIDTH = 200
ROW = 22
BAR = 14
HEAD = 34
MARGIN = 12

STYLE = """
    text { font: 12px system-ui, sans-serif; fill: #1f2937 }
    .title { font-weight: 600; font-size: 13px }
    .limit { fill: #d1d5db } .other { fill: #9ca3af }
    .uncached { fill: #3b82f6 } .fields { fill: #2563eb } .cached { fill: #1d4ed8 }
    @media (prefers-color-scheme: dark) {
      text { fill: #e5e7eb }
      .limit { fill: #374151 } .other { fill: #6b7280 }
      .uncached { fill: #60a5fa } .fields { fill: #78b4fc } .cached { fill: #93c5fd }
    }"""
CLASSES = {LIMIT: "limit", UNCACHED: "uncached", FIELDS: "fields", CACHED: "cached"}


def main() -> None:
    source, target = map(Path, sys.argv[1:])
    target.write_text(svg(msgspec.json.decode(source.read_bytes(), type=Result)), encoding="utf-8")


def svg(result: Result) -> str:
    """Render the chart."""
    panel_height = HEAD + ROW * len(result.servers) + MARGIN
    panels = []
    for number, query in enumerate(result.queries):
        x, y = number % 2 * PANEL_WIDTH + MARGIN, number // 2 * panel_height + MARGIN
        shapes = "\n".join(_panel(result, query.name))
        panels.append(f'  <g transform="translate({x} {y})">\n{shapes}\n  </g>')
    width = 2 * PANEL_WIDTH + MARGIN
    height = (len(result.queries) + 1) // 2 * panel_height + MARGIN
    what = f"Requests per second at {CONNECTIONS} connections"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" '
        f'height="{height}" role="img">\n  <title>{what}</title>\n  <style>{STYLE}\n  </style>\n'
        + "\n".join(panels)
        + "\n</svg>\n"
    )


def _panel(result: Result, query: str) -> Iterator[str]:
    rates = {server: result.best(server, query, CONNECTIONS).per_second for server in result.servers}
    yield _text(0, 14, TITLES[query], "title")
    for number, (server, rate) in enumerate(rates.items()):
        y = HEAD + number * ROW
        length = max(1.0, rate / max(rates.values()) * BAR_WIDTH)
        middle = y + BAR - 3
        yield _text(0, middle, LABELS[server])
        yield (
            f'    <rect class="{CLASSES.get(server, "other")}" x="{LABEL_WIDTH}" y="{y}" '
            f'width="{length:.1f}" height="{BAR}" rx="2"/>'
        )
        yield _text(LABEL_WIDTH + length + 6, middle, f"{rate:,.0f}{_lead(result, server, query)}")


def _lead(result: Result, server: str, query: str) -> str:
    """Return the ratio of gqlnews to the fastest peer, if peers ran."""
    peer = result.fastest(PEERS, query, CONNECTIONS)
    if peer is None or server not in GQLNEWS_SERVERS:
        return ""
    return f" · {result.ratio(server, peer, query, CONNECTIONS):.1f} × best peer"


def _text(x: float, y: float, text: str, style: str = "") -> str:
    of = f' class="{style}"' if style else ""
    return f'    <text{of} x="{x:.1f}" y="{y:.1f}">{escape(text)}</text>'


if __name__ == "__main__":
    main()
