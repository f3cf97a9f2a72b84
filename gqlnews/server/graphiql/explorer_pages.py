"""HTML templates of the explorer's two pages. Arguments must be HTML-escaped already."""

_ICON = (
    "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 24 24' fill='none' "
    "stroke='%23d60590' stroke-width='2'%3E%3Cpath d='M4 4h16v16H4z M8 9h8 M8 12h8 M8 15h5'/%3E%3C/svg%3E"
)

_HEAD = f"""\
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<meta name="color-scheme" content="light dark">
<title>gqlnews explorer</title>
<link rel="icon" href="{_ICON}">"""


def explorer_html(script: str, style: str, endpoint: str, examples: str) -> str:
    """The page that loads GraphiQL. `examples` is JSON: `[{name, query, variables}, …]`."""
    return f"""\
<!doctype html>
<html lang="en">
<head>
{_HEAD}
<link rel="stylesheet" href="{style}">
<script type="module" src="{script}"></script>
</head>
<body>
<div id="explorer" data-endpoint="{endpoint}" data-examples="{examples}">Loading the explorer…</div>
<noscript>The explorer needs JavaScript. The API answers at <code>{endpoint}</code> without it.</noscript>
</body>
</html>
"""


def how_to_build_html(endpoint: str) -> str:
    """The page with build instructions, for a checkout whose explorer was not built."""
    return f"""\
<!doctype html>
<html lang="en">
<head>
{_HEAD}
<style>
body {{ font: 16px/1.5 system-ui, sans-serif; margin: 12vh auto; max-width: 40rem; padding: 0 1rem }}
pre {{ background: #8882; border-radius: .4rem; padding: .8rem 1rem }}
</style>
</head>
<body>
<h1>The explorer is not built yet</h1>
<p>The API itself is served: it answers GraphQL at <a href="{endpoint}"><code>{endpoint}</code></a>.</p>
<p>To build the explorer, which needs <a href="https://nodejs.org">Node.js</a> 20 or newer once, run in a
checkout of gqlnews</p>
<pre>make explorer</pre>
<p>or, by hand,</p>
<pre>cd explorer
npm ci --ignore-scripts
npm run build</pre>
<p>and load this page again. A released package and the image have it built in.</p>
</body>
</html>
"""
